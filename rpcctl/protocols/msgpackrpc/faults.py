"""What stands in a response's `error`: a Failure to a value that all known clients can read, and any value back. Pure.

We send `[code, "Type: text"]`, which is what Neovim and Arduino's bridge read; plain text would be lost on the latter.

    1 the method raised    2 no such method    3 refused arguments, or no message    4 no form for the result
    5 busy                 6 took too long     7 a server behind this one was lost

Peers send that, `[type, text]` (Neovim: 0 exception, 1 validation), a text (rpclib, msgpack-rpc-python), a map or
anything. The specification leaves it open; the words by which servers say that there is no such method are theirs.
"""

import re
from collections.abc import Mapping
from typing import Any

from rpcctl.messages import Failure

RAISED = 1
_CODES: Mapping[str, int] = {
    "remote": RAISED,
    "no_method": 2,
    "arguments": 3,
    "protocol": 3,
    "busy": 5,
    "timeout": 6,
    "lost": 7,
}
UNSENDABLE = 4
_KINDS: Mapping[tuple[int, str], str] = {
    (2, "NameError"): "no_method",
    (3, "ProtocolError"): "protocol",
    (5, "ServerBusy"): "busy",
    (6, "TimeoutError"): "timeout",
    (7, "ConnectionLostError"): "lost",
}
_TYPED = re.compile(r"((?:\w+\.)*[A-Z]\w*)(?:: (.*))?", re.DOTALL)
"""`Type: text`, or a type alone."""
_NO_METHOD = (
    "Invalid method: {}",  # Neovim
    "'{}' method not found",  # msgpack-rpc-python, rpc-msgpack
    "method {} not available",  # Arduino's router
    "rpclib: server could not find function '{}'",  # rpclib, and more words after it
)


def to_error(failure: Failure) -> list[Any]:
    """The pair that is sent."""
    code = _CODES[failure.kind]
    if code == RAISED and failure.code is not None and failure.code not in range(2, 8) and _is_small(failure.code):
        code = failure.code
    text = failure.type if not failure.message else f"{failure.type}: {failure.message}"
    return [code, text.encode("utf-8", "backslashreplace").decode()]


def unsendable(method: str, why: str) -> list[Any]:
    """What is sent in place of a result that cannot be."""
    return [UNSENDABLE, f"TypeError: the result of {method} cannot be sent: {why}"]


def to_failure(error: Any, method: str) -> Failure:
    """What a peer's error says of a call of `method`."""
    code, text = _parts(error)
    if any(text.startswith(form.format(method)) for form in _NO_METHOD):
        return Failure("no_method", "NameError", method, code=code)
    match = _TYPED.fullmatch(text)
    if match is None:
        return Failure("remote", "RemoteError", text, data=_data(error), code=code)
    kind = _kind(code, match[1])
    message = method if kind == "no_method" else match[2] or ""
    return Failure(kind, match[1], message, data=_data(error), code=code)


def _kind(code: int | None, name: str) -> str:
    if code is None:
        return "remote"
    if code == 3 and name.endswith("Error"):
        return _KINDS.get((code, name), "arguments")
    return _KINDS.get((code, name), "remote")


def _parts(error: Any) -> tuple[int | None, str]:
    """Number and text of an error of any form."""
    if isinstance(error, list) and len(error) >= 2 and type(error[0]) is int and isinstance(error[1], (str, bytes)):
        return error[0], _text(error[1])
    if isinstance(error, dict):
        for key in ("message", "msg", "error"):
            if isinstance(error.get(key), (str, bytes)):
                return (error["code"] if type(error.get("code")) is int else None), _text(error[key])
    return None, _text(error)


def _data(error: Any) -> Any:
    """What a peer has to say beyond number and text."""
    if isinstance(error, dict):
        return error
    return error[2:] if isinstance(error, list) and len(error) > 2 else None


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else f"the error {value!r}"


def _is_small(code: int) -> bool:
    return -(1 << 31) <= code < 1 << 31
