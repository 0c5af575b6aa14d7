"""Errors as a person or a program reads them. Pure: lines of text out, nothing is written."""

import json
from typing import Any

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
    lines = _cut(exc.message or type(exc).__name__, LINES - bool(hint))
    lines[0] = f"{terminal.paint('error', 'rpcctl: error:')} {lines[0]}"
    if hint:
        lines.append(f"{terminal.paint('hint', 'hint:')} {_cut(hint, 1)[0]}")
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
    return escape_json(json.dumps({"error": {**error, **where, "remote": remote}}, ensure_ascii=False))


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
        error["remote"] = {"type": exc.type, "message": message, "traceback": exc.traceback}
    return error


def _traceback(exc: RpcctlError) -> str:
    """That of the remote method, or of a target that failed to load."""
    return str(getattr(exc, "traceback", "") or "")


def _hint_traceback(exc: RpcctlError, verbose: bool) -> str:
    return "" if verbose or not _traceback(exc) else "-v shows the remote traceback"


def _cut(text: str, most: int) -> list[str]:
    """The first lines of a text, safe to show; an ellipsis stands for what is left out."""
    lines = [line for line in text[: _LINE * LINES].splitlines() if line.strip()] or [""]
    shown = [escape(line[:_LINE], keep=_TAB) + ("…" if len(line) > _LINE else "") for line in lines[:most]]
    if len(lines) > most:
        shown[-1] += " …"
    return shown
