"""The ways in which Pyro writes values: serpent, JSON and MessagePack; and a call and its parts in each of them. Pure.

    serpent 1, msgpack 4   [object, method, args, kwargs]
    json 3                 {"object", "method", "params", "kwargs"}
    msgpack's own types    0x30 complex, two doubles   0x31 an integer as digits   0x32 a time stamp   0x33 a day

By Pyro5 5.17's serializers.py. Number 2, marshal, is never read: made-up data can crash the interpreter.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgpack

from rpcctl.errors import LocalProtocolError, RemoteProtocolError
from rpcctl.messages import Encoding

from . import literals

MARSHAL = 2
_CLASS = "__class__"
_COMPLEX, _INTEGER, _TIME, _DAY = 0x30, 0x31, 0x32, 0x33


class Coding(NamedTuple):
    """One way in which values are written."""

    id: int
    name: str
    values: Encoding
    """What a stock client can read of results."""
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]

    def dump(self, value: Any) -> bytes:
        """Plain data as bytes; LocalProtocolError when there is no form for something in it."""
        try:
            return self.write(value)
        except (TypeError, ValueError, OverflowError, RecursionError) as exc:
            raise LocalProtocolError(f"{self.name} cannot carry it: {exc}") from None

    def dump_result(self, value: Any) -> bytes:
        """As `dump`, for a method's own value, which must not look like an object to the client."""
        data = self.dump(value)
        if _CLASS.encode() in data and _has_class(value):
            raise LocalProtocolError(f"a client would take a map with the key {_CLASS!r} for an object")
        return data

    def dump_call(self, name: str, method: str, args: Any, kwargs: Mapping[str, Any] | None) -> bytes:
        """A call of an object's method as bytes."""
        if self.id == JSON.id:
            return self.dump({"object": name, "method": method, "params": args, "kwargs": kwargs})
        return self.dump((name, method, args, kwargs))

    def load(self, data: bytes) -> Any:
        """Bytes as data; RemoteProtocolError says what is wrong with them."""
        try:
            return self.read(data)
        except Exception as exc:
            raise RemoteProtocolError(f"no {self.name}: {exc or type(exc).__name__}") from None

    def load_call(self, data: bytes) -> "Call":
        """Bytes as a call, or as a batch of calls in its args; RemoteProtocolError when they are none."""
        found = self.load(data)
        if isinstance(found, dict):
            found = [found.get(name) for name in ("object", "method", "params", "kwargs")]
        if not isinstance(found, (list, tuple)) or len(found) != 4:
            raise RemoteProtocolError("no call: object, method, args and kwargs are expected")
        name, method, args, kwargs = found
        if type(name) is not str or type(method) is not str:
            raise RemoteProtocolError("no call: object and method are text")
        return Call(name, method, *check_arguments(args, kwargs))


class Call(NamedTuple):
    """A call of an object's method."""

    object: str
    method: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


def check_arguments(args: Any, kwargs: Any) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Arguments as a call or a part of a batch has them; RemoteProtocolError when they are none."""
    if not isinstance(args, (list, tuple)):
        raise RemoteProtocolError("no call: its args are no list")
    if kwargs is not None and (type(kwargs) is not dict or not all(type(name) is str for name in kwargs)):
        raise RemoteProtocolError("no call: its kwargs are no map of names")
    return tuple(args), kwargs or {}


def marshalled_text(data: bytes) -> str:
    """The text that a stock server says why it refuses a connection with, before it knows how the client writes."""
    if data[:1] and data[0] & 0x7F in b"zZ":
        return data[2 : 2 + data[1]].decode("latin-1") if len(data) > 1 else ""
    return data[5:].decode("utf-8", "replace")


def _has_class(value: Any) -> bool:
    if type(value) is dict:
        return _CLASS in value or any(map(_has_class, value.values()))
    return type(value) in (list, tuple) and any(map(_has_class, value))


def _write_json(value: Any) -> bytes:
    import json

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8")


def _read_json(data: bytes) -> Any:
    import json

    return json.loads(data.decode("utf-8"))


def _write_msgpack(value: Any) -> bytes:
    packed: bytes = msgpack.packb(value, default=_extend)
    return packed


def _read_msgpack(data: bytes) -> Any:
    return msgpack.unpackb(data, strict_map_key=False, ext_hook=_read_extension)


def _extend(value: Any) -> msgpack.ExtType:
    if type(value) is int:
        return msgpack.ExtType(_INTEGER, str(value).encode())
    raise TypeError(f"there is no form for {type(value).__name__}")


def _read_extension(code: int, data: bytes) -> Any:
    if code == _INTEGER:
        return int(data)
    if code == _COMPLEX:
        return complex(*struct.unpack("dd", data))
    if code not in (_TIME, _DAY):
        return msgpack.ExtType(code, data)
    from datetime import date, datetime

    if code == _TIME:
        return datetime.fromtimestamp(struct.unpack("d", data)[0])
    return date.fromordinal(struct.unpack("l", data)[0])


SERPENT = Coding(1, "serpent", Encoding("pyro"), literals.write, literals.read)
JSON = Coding(3, "json", Encoding("pyro", binary=False, any_key=False), _write_json, _read_json)
MSGPACK = Coding(4, "msgpack", Encoding("pyro", any_key=False), _write_msgpack, _read_msgpack)
BY_NAME = {each.name: each for each in (SERPENT, JSON, MSGPACK)}
BY_ID = {each.id: each for each in BY_NAME.values()}
