"""What stands in a response's `error`: a Failure to a value that all known clients can read, and any value back. Pure.

We send `[0, "Type: text"]` when the method raised and `[1, "Type: text"]` when it was not run. Neovim 0.7 reads exactly
such pairs, its own exception and validation, and takes any other number or a third item for an unknown error; Arduino's
bridge reads lists of two or more, and loses plain text.

Peers send that, another number, a text (rpclib, msgpack-rpc-python), a map or anything. The specification leaves it
open; the words by which servers say that there is no such method are theirs.
"""

import re
from collections.abc import Mapping
from typing import Any

from rpcctl.messages import Failure, repr_of

_RAISED, _REFUSED = 0, 1
_KINDS: Mapping[str, str] = {
    "ProtocolError": "protocol",
    "ServerBusy": "busy",
    "TimeoutError": "timeout",
    "ConnectionLostError": "lost",
}
"""What a refusal of these types is; of any other, it is that of the arguments."""
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
    # However another wire calls it: by this name ours tell it from a call that does not fit.
    name = "NameError" if failure.kind == "no_method" else failure.type
    text = f"{name}: {failure.message}" if failure.message else name
    code = _RAISED if failure.kind == "remote" else _REFUSED
    return [code, text.encode("utf-8", "backslashreplace").decode()]


def to_failure(error: Any, method: str) -> Failure:
    """What a peer's error says of a call of `method`."""
    code, text = _parts(error)
    if any(text.startswith(form.format(method)) for form in _NO_METHOD):
        return Failure("no_method", "NameError", method)
    match = _TYPED.fullmatch(text)
    if match is None:
        return Failure("remote", "RemoteError", text, data=_data(error), code=code)
    name, message = match[1], match[2] or ""
    kind = "remote"
    if code == _REFUSED:
        missing = name == "NameError" and message == method
        kind = "no_method" if missing else _KINDS.get(name, "arguments")
    # Beside the class of an exception these numbers are the wire's own, and say nothing on another one.
    own = None if code in (_RAISED, _REFUSED) else code
    return Failure(kind, name, message, data=_data(error), code=own)


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
    return value if isinstance(value, str) else f"the error {repr_of(value)}"
