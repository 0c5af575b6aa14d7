"""XML-RPC messages to bytes and back, as the specification of 1999 (revised 2003) has them, with nil and i8.

    <methodCall><methodName>add</methodName><params><param><value><int>2</int></value></param>...</params></methodCall>
    <methodResponse><params><param><value>...</value></param></params></methodResponse>
    <methodResponse><fault><value><struct>faultCode: int, faultString: string</struct></value></fault></methodResponse>

Pure: no socket, thread or clock. What XML 1.0 cannot hold in any spelling is refused, never sent.
"""

import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from rpcctl.errors import LocalProtocolError, RemoteProtocolError

from .reader import DEFAULT_LIMITS, INVALID_REQUEST, Fault, Limits, MalformedError, Name, read_document

CONTENT_TYPE = "text/xml; charset=utf-8"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_ESCAPED = re.compile("[&<>\r]")


class Types(NamedTuple):
    """Which types a peer knows beside those of 1999."""

    nil: bool = True
    i8: bool = True
    exponents: bool = True
    """Whether a double may be written as 1e+20."""


EXTENDED = Types()
STRICT = Types(False, False, False)
"""The types of 1999 alone."""


def types_of(options: Mapping[str, Any]) -> Types:
    """The types that the peer knows, by the options `xmlrpc-strict` and `no-nil`."""
    return STRICT if options.get("xmlrpc-strict") else EXTENDED._replace(nil=not options.get("no-nil"))


class Call(NamedTuple):
    """A request as it stands on the wire."""

    method: str
    args: list[Any]


def write_call(method: str, args: Iterable[Any], types: Types = EXTENDED) -> bytes:
    """A request; LocalProtocolError names what the wire cannot carry."""
    parts = [_DECLARATION, "<methodCall><methodName>", escape(method), "</methodName><params>"]
    for each in args:
        parts.append("<param>")
        _write(each, parts, types)
        parts.append("</param>")
    parts.append("</params></methodCall>\n")
    return "".join(parts).encode()


def write_reply(value: Any, types: Types = EXTENDED) -> bytes:
    """The reply of a method that returned; LocalProtocolError names what the wire cannot carry."""
    parts = [_DECLARATION, "<methodResponse><params><param>"]
    _write(value, parts, types)
    parts.append("</param></params></methodResponse>\n")
    return "".join(parts).encode()


def write_fault(code: int, text: str) -> bytes:
    """A fault; what cannot be written of its text becomes an escape, for an error must always arrive."""
    parts = [_DECLARATION, "<methodResponse><fault>"]
    _write({"faultCode": code, "faultString": printable(text)}, parts, STRICT)
    parts.append("</fault></methodResponse>\n")
    return "".join(parts).encode()


def read_call(body: bytes, limits: Limits = DEFAULT_LIMITS) -> Call:
    """A request; MalformedError with the code of the fault it deserves."""
    found = read_document(body, "methodCall", limits)
    if not found or type(found[0]) is not Name:
        raise MalformedError(INVALID_REQUEST, "no <methodName>")
    if len(found) > 2:
        raise MalformedError(INVALID_REQUEST, "a call is one <methodName> and one <params>")
    params: Any = found[1] if len(found) == 2 else []
    if type(params) is Name:
        raise MalformedError(INVALID_REQUEST, "two <methodName>")
    return Call(found[0].strip(), params)


def read_reply(body: bytes, limits: Limits = DEFAULT_LIMITS) -> Any:
    """The value of a reply, or its Fault; RemoteProtocolError when it is neither.

    White space before the declaration is passed over, which some servers let slip out.
    """
    found = read_document(body.lstrip(b" \t\r\n"), "methodResponse", limits)
    if len(found) != 1:
        raise RemoteProtocolError("a <methodResponse> is one <params> or one <fault>")
    reply = found[0]
    if type(reply) is Fault:
        return reply
    if len(reply) > 1:
        raise RemoteProtocolError("the reply has more than one value")
    return reply[0] if reply else None


def is_xmlrpc(body: bytes) -> bool:
    """Whether a body that cannot be read means to be a reply all the same."""
    return b"<methodResponse" in body[:1024]


def printable(text: str) -> str:
    """The text with escapes, as Python writes them, for the characters that XML cannot hold."""
    return _UNWRITABLE.sub(lambda match: repr(match[0])[1:-1], text)


def _write(value: Any, parts: list[str], types: Types) -> None:
    writer = _WRITERS.get(type(value))
    if writer is None:
        writer = _find_writer(value)
    writer(value, parts, types)


def _write_none(value: None, parts: list[str], types: Types) -> None:
    if not types.nil:
        raise LocalProtocolError("None is not among the types of 1999 (--xmlrpc-strict, --no-nil)")
    parts.append("<value><nil/></value>")


def _write_boolean(value: bool, parts: list[str], types: Types) -> None:
    parts.append("<value><boolean>1</boolean></value>" if value else "<value><boolean>0</boolean></value>")


def _write_integer(value: int, parts: list[str], types: Types) -> None:
    if -0x80000000 <= value <= 0x7FFFFFFF:
        parts.append(f"<value><int>{value}</int></value>")
    elif not types.i8:
        raise LocalProtocolError("an integer of more than 32 bits is not among the types of 1999 (--xmlrpc-strict)")
    elif -(1 << 63) <= value < 1 << 63:
        parts.append(f"<value><i8>{value}</i8></value>")
    else:
        raise LocalProtocolError(f"integer of {value.bit_length()} bits does not fit xmlrpc")


def _write_double(value: float, parts: list[str], types: Types) -> None:
    if value - value != 0:
        raise LocalProtocolError(f"{value} is no number that xmlrpc can carry")
    text = repr(value)
    if not types.exponents and "e" in text:
        from decimal import Decimal

        text = format(Decimal(text), "f")
    parts.append(f"<value><double>{text}</double></value>")


def _write_text(value: str, parts: list[str], types: Types) -> None:
    parts.append(f"<value><string>{escape(value)}</string></value>")


def _write_bytes(value: bytes, parts: list[str], types: Types) -> None:
    parts.append(f"<value><base64>{b2a_base64(value, newline=False).decode('ascii')}</base64></value>")


def _write_list(value: Iterable[Any], parts: list[str], types: Types) -> None:
    parts.append("<value><array><data>")
    for each in value:
        _write(each, parts, types)
    parts.append("</data></array></value>")


def _write_dict(value: dict[Any, Any], parts: list[str], types: Types) -> None:
    parts.append("<value><struct>")
    for name, each in value.items():
        if type(name) is not str:
            raise LocalProtocolError(f"a key of type {type(name).__name__} does not fit xmlrpc")
        parts.append(f"<member><name>{escape(name)}</name>")
        _write(each, parts, types)
        parts.append("</member>")
    parts.append("</struct></value>")


def _write_date(value: Any, parts: list[str], types: Types) -> None:
    if value.tzinfo is not None or value.microsecond:
        raise LocalProtocolError("a dateTime.iso8601 has whole seconds and no zone")
    date = f"{value.year:04}{value.month:02}{value.day:02}"
    time = f"{value.hour:02}:{value.minute:02}:{value.second:02}"
    parts.append(f"<value><dateTime.iso8601>{date}T{time}</dateTime.iso8601></value>")


_Writer = Callable[[Any, list[str], Types], None]
_WRITERS: dict[type, _Writer] = {
    type(None): _write_none,
    bool: _write_boolean,
    int: _write_integer,
    float: _write_double,
    str: _write_text,
    bytes: _write_bytes,
    list: _write_list,
    tuple: _write_list,
    dict: _write_dict,
}


def _find_writer(value: Any) -> _Writer:
    # By its name, so that a call without dates does not load their module.
    kind = type(value)
    if (kind.__module__, kind.__qualname__) == ("datetime", "datetime"):
        return _write_date
    raise LocalProtocolError(f"no form for type {kind.__name__}")


def escape(text: str) -> str:
    """The text as it stands between tags; LocalProtocolError for what XML cannot hold."""
    if not _SPECIAL.search(text):
        return text
    found = _UNWRITABLE.search(text)
    if found:
        raise LocalProtocolError(
            f"text with the character U+{ord(found[0]):04X} at index {found.start()} does not fit xmlrpc"
        )
    return _ESCAPED.sub(lambda match: _ESCAPES[match[0]], text)
