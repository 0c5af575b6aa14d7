"""Failures to faults and back: codes, and how servers word what they have no code for. Pure.

    -32700 not well-formed    -32601 no such method      -32500 the method raised      -32400 busy, or out of time
    -32600 no XML-RPC         -32602 wrong arguments     -32603 internal error         -32300 connection lost behind

Codes of the interoperability proposal of 2001. The text of ours is `Class: message`. A method that raises a fault of
its own, as xmlrpc.client's `Fault`, decides code and text.
"""

import re
from collections.abc import Mapping
from typing import Any

from rpcctl.messages import Failure

from .codec import printable
from .reader import INVALID_PARAMS, INVALID_REQUEST, NOT_WELL_FORMED, Fault

NO_METHOD = -32601
INTERNAL = -32603
APPLICATION = -32500
SYSTEM = -32400
TRANSPORT = -32300
_CODES: Mapping[str, int] = {
    "remote": APPLICATION,
    "no_method": NO_METHOD,
    "arguments": INVALID_PARAMS,
    "timeout": SYSTEM,
    "busy": SYSTEM,
    "lost": TRANSPORT,
    "protocol": INVALID_REQUEST,
}
_KINDS: Mapping[int, str] = {
    NO_METHOD: "no_method",
    INVALID_PARAMS: "arguments",
    NOT_WELL_FORMED: "protocol",
    -32701: "protocol",
    -32702: "protocol",
    INVALID_REQUEST: "protocol",
}
_BY_TYPE: Mapping[str, str] = {"TimeoutError": "timeout", "ServerBusy": "busy", "ConnectionLostError": "lost"}
"""What our own servers put before the text where one code stands for several kinds."""
_TYPED = re.compile(r"([A-Za-z_][\w.]*)(?:: (.*))?", re.DOTALL)
_STOCK = re.compile(r"<class '([\w.]+)'>:(.*)", re.DOTALL)
"""What Python's SimpleXMLRPCServer makes of an exception, with code 1."""
_NO_METHOD = re.compile(
    r'<class \'Exception\'>:method ".*" is not supported|UNKNOWN_METHOD|No such method: .*', re.DOTALL
)
"""How SimpleXMLRPCServer, Supervisor and aria2 say it, all with code 1."""
_ARGUMENTS = re.compile(r"INCORRECT_PARAMETERS(?:: .*)?", re.DOTALL)
"""How Supervisor says it."""


def to_fault(failure: Failure) -> tuple[int, str]:
    """Code and text of a failure; the method's own where it has them."""
    if failure.code is not None and -0x80000000 <= failure.code <= 0x7FFFFFFF:
        return failure.code, printable(failure.message)
    text = f"{failure.type}: {failure.message}" if failure.message else failure.type
    return _CODES.get(failure.kind, APPLICATION), printable(text)


def to_struct(failure: Failure) -> dict[str, Any]:
    """The same as an item of a `system.multicall`."""
    code, text = to_fault(failure)
    return {"faultCode": code, "faultString": text}


def from_fault(fault: Fault, method: str) -> Failure:
    """What the fault of a reply means; whatever its value is, a Failure comes of it."""
    return from_struct(fault.value if isinstance(fault.value, dict) else {"faultString": fault.value}, method)


def from_struct(value: Mapping[str, Any], method: str) -> Failure:
    """The same for the struct itself."""
    code = _read_code(value.get("faultCode"))
    text = value.get("faultString")
    text = text if isinstance(text, str) else "" if text is None else repr(text)
    if code == NO_METHOD or _NO_METHOD.fullmatch(text):
        name = _split(code, text)[0]
        return Failure("no_method", "" if name == _numbered(code) else name, method, code=code)
    name, message = _split(code, text)
    kind = _KINDS.get(code) or ("arguments" if _ARGUMENTS.fullmatch(text) else "remote")
    if code in (SYSTEM, TRANSPORT):
        kind = _BY_TYPE.get(name, kind)
    # Beside the class of an exception the number is the wire's own, and says nothing on another one.
    return Failure(kind, name, message, code=code if name == _numbered(code) else None)


def is_fault(value: Any) -> bool:
    """Whether an item of a `system.multicall` is a fault's struct."""
    return isinstance(value, dict) and value.keys() == {"faultCode", "faultString"}


def _read_code(found: Any) -> int:
    """The code, which some servers send as text; 0 where there is none."""
    try:
        return int(found)
    except (TypeError, ValueError, OverflowError):
        return 0


def _split(code: int, text: str) -> tuple[str, str]:
    """The name of the error and its message; the fault's number is the name where the text has none."""
    match = _STOCK.fullmatch(text) if code == 1 else _TYPED.fullmatch(text) if -32768 <= code <= -32000 else None
    if match is None:
        return _numbered(code), text
    return match[1], match[2] or ""


def _numbered(code: int) -> str:
    return f"fault {code}"
