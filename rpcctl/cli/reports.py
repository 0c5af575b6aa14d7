"""Errors as a person or a program reads them. Pure: lines of text out, nothing is written."""

from typing import Any

from rpcctl.cli.render import to_json
from rpcctl.cli.terminal import Terminal, escape, escape_json
from rpcctl.errors import CallError, RpcctlError, TargetError, TransportError

LINES = 4
"""Most lines of an error, its hint included."""
_TAB = "\t"
_LINE = 2000
"""Longest line of an error, in characters."""


def describe(exc: RpcctlError, terminal: Terminal, *, verbose: bool) -> list[str]:
    """`rpcctl: error: …`, then `hint: …`; the remote traceback after that with `verbose`, a broken target's always."""
    verbose = verbose or isinstance(exc, TargetError)
    hint = exc.hint or _hint_traceback(exc, verbose)
    first, *more = _cut(exc.message or type(exc).__name__, LINES - bool(hint))
    lines = [
        *_begin("error", "rpcctl: error:", first, terminal),
        *(part for each in more for part in _wrap(each, terminal)),
    ]
    if hint:
        lines += _begin("hint", "hint:", _cut(hint, 1)[0], terminal)
    if verbose and _traceback(exc):
        lines += [f"  {escape(each, keep=_TAB)}" for each in _traceback(exc).rstrip().splitlines()]
    return lines


def fill_hint(exc: RpcctlError, address: str, method: str) -> None:
    """Put the address and method into a hint that could only name their places, for a line to paste."""
    if isinstance(exc, (TransportError, CallError)):
        for place, known in (("ADDRESS", address), ("METHOD", method)):
            exc.hint = exc.hint.replace(place, known or place)


def to_json_line(exc: RpcctlError, protocol: str, address: str, method: str) -> str:
    """The error as one line of JSON, all of it."""
    error = to_plain(exc)
    remote = error.pop("remote")
    where = {"protocol": protocol, "address": address, "method": method}
    return escape_json(to_json({"error": {**error, **where, "remote": remote}}))


def to_plain(exc: RpcctlError) -> dict[str, Any]:
    """The error as data; `remote` is None when the method never answered."""
    error: dict[str, Any] = {
        "kind": exc.kind,
        "exit": exc.exit_code,
        "message": exc.message,
        "hint": exc.hint,
        "remote": None,
    }
    if isinstance(exc, CallError):
        message = exc.message.removeprefix(f"{exc.type}: ") if exc.type else exc.message
        beside = {"code": exc.code, "data": exc.data}
        error["remote"] = {"type": exc.type, "message": message, "traceback": exc.traceback} | {
            name: value for name, value in beside.items() if value is not None
        }
    return error


def _traceback(exc: RpcctlError) -> str:
    """That of the remote method, or of a target that failed to load."""
    return str(getattr(exc, "traceback", "") or "")


def _hint_traceback(exc: RpcctlError, verbose: bool) -> str:
    return "" if verbose or not _traceback(exc) else "-v shows the remote traceback"


def _begin(style: str, mark: str, text: str, terminal: Terminal) -> list[str]:
    """A line after its coloured mark, in as many rows as the screen needs."""
    first, *more = _wrap(f"{mark} {text}", terminal)
    return [terminal.paint(style, mark) + first[len(mark) :], *more]


def _wrap(line: str, terminal: Terminal) -> list[str]:
    """The line in rows of whole words where a person reads it; what points at something above it stays as it is."""
    if not terminal.layout or len(line) <= terminal.width or line.startswith(" "):
        return [line]
    from textwrap import wrap

    return wrap(line, terminal.width, break_long_words=False, break_on_hyphens=False)


def _cut(text: str, most: int) -> list[str]:
    """The first lines of a text, safe to show; an ellipsis stands for what is left out."""
    lines = [line for line in text[: _LINE * LINES].splitlines() if line.strip()] or [""]
    shown = [escape(line[:_LINE], keep=_TAB) + ("…" if len(line) > _LINE else "") for line in lines[:most]]
    if len(lines) > most:
        shown[-1] += " …"
    return shown
