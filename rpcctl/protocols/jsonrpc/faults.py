"""Error objects to failures and back: codes, and where servers put what they know of an error. Pure.

    -32700 not JSON         -32601 no such method      -32603 the method raised    -32006 bytes that break rules
    -32600 no request       -32602 wrong arguments     -32005 busy                 -32007 connection lost
                                                       -32008 time limit

Our own servers add `data`: kind, type, message and, unless it is hidden, traceback. An error with a number of its own
keeps number, message and data as they are.
"""

from collections.abc import Mapping
from typing import Any

from rpcctl.messages import FAILURES, Failure

from . import json_text

PARSE_ERROR, INVALID_REQUEST = -32700, -32600
_CODES: Mapping[str, int] = {
    "no_method": -32601,
    "arguments": -32602,
    "remote": -32603,
    "busy": -32005,
    "protocol": -32006,
    "lost": -32007,
    "timeout": -32008,
}
_KINDS: Mapping[int, str] = {-32601: "no_method", -32602: "arguments"}
"""Only what the specification itself defines: servers give the other numbers other meanings."""
_LONGEST = 300


def to_error(failure: Failure) -> dict[str, Any]:
    """The error object of a failure."""
    if failure.code is not None:
        error: dict[str, Any] = {"code": failure.code, "message": failure.message}
        return error if failure.data is None else {**error, "data": failure.data}
    data = {"kind": failure.kind, "type": failure.type, "message": failure.message}
    if failure.traceback:
        data["traceback"] = failure.traceback
    return {"code": _CODES.get(failure.kind, -32603), "message": _describe(failure), "data": data}


def from_error(error: Any, method: str) -> Failure:
    """What a server's error means, whatever its shape: an object by 2.0, anything by 1.0."""
    if not isinstance(error, dict):
        return Failure("remote", "error", error if isinstance(error, str) else _show(error), data=error)
    code, message, data = error.get("code"), error.get("message"), error.get("data")
    if not isinstance(message, str):
        message = "" if message is None else _show(message)
    if isinstance(data, dict):
        known = _read_own(data, method) or _read_odoo(data)
        if known is not None:
            return known
    kind = _KINDS.get(code, "remote") if type(code) is int else "remote"
    if code == 1 and message.startswith("No such method"):  # aria2
        kind = "no_method"
    if kind == "no_method":
        return Failure(kind, "", method, data=data, code=code if type(code) is int else None)
    trace = error.get("debug")  # Zabbix, for administrators
    number = code if type(code) is int else None
    return Failure(kind, _name(code), _join(message, data), trace if isinstance(trace, str) else "", data, number)


def _describe(failure: Failure) -> str:
    if failure.kind == "no_method":
        return f"Method not found: {failure.message!r}"
    return f"{failure.type}: {failure.message}" if failure.message else failure.type


def _read_own(data: Mapping[str, Any], method: str) -> Failure | None:
    kind, name, message, trace = (data.get(key) for key in ("kind", "type", "message", "traceback"))
    if kind not in FAILURES or not isinstance(name, str) or not isinstance(message, str):
        return None
    return Failure(kind, name, method if kind == "no_method" else message, trace if isinstance(trace, str) else "")


def _read_odoo(data: Mapping[str, Any]) -> Failure | None:
    """Odoo's message is always the same; its data has the exception's class and words, and the traceback."""
    name, message, trace = (data.get(key) for key in ("name", "message", "debug"))
    if isinstance(name, str) and isinstance(message, str) and isinstance(trace, str):
        return Failure("remote", name.rpartition(".")[2], message, trace, data)
    return None


def _name(code: Any) -> str:
    return f"code {code}" if isinstance(code, (int, str)) else "error"


def _join(message: str, data: Any) -> str:
    """The message and what `data` adds to it: with many servers only that says what is wrong."""
    if data is None or data in ("", [], {}):
        return message
    text = data if isinstance(data, str) else _show(data)
    return message if text in message else f"{message} {text}".lstrip()


def _show(value: Any) -> str:
    try:
        text = json_text.write(value).decode()
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
