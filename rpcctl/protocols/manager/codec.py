"""A manager's messages: frames, requests and replies, as CPython's `multiprocessing` has them. Pure.

    frame    length, 4 bytes, signed, big-endian; -1: 8 bytes more with the length, unsigned; then so many bytes
    request  pickle of (ident, method, args, kwargs)
    reply    pickle of (kind, value)

        #RETURN          the result                          #PROXY     (exposed methods, Token(typeid, address, ident))
        #ERROR           the exception that the method raised           #TRACEBACK       text: the server itself failed
        #UNSERIALIZABLE  text: the result has no pickle

`multiprocessing/connection.py` (frames) and `multiprocessing/managers.py` (the rest). Pickles are written by Python's
own pickler, from plain data, and read by `pickles`, which runs nothing.
"""

import pickle
from collections.abc import Mapping
from typing import Any, NamedTuple

from rpcctl.errors import LocalProtocolError, RemoteProtocolError

from .forms import ALLOWED, TOKEN, settle
from .pickles import Made, read

RETURN, ERROR, TRACEBACK, UNSERIALIZABLE, PROXY = "#RETURN", "#ERROR", "#TRACEBACK", "#UNSERIALIZABLE", "#PROXY"
OWN_IDENT = "rpcctl"
"""The object that our servers always have: to be called without `create` and `decref`."""
ITERATOR = "Iterator"
"""The typeid of a stream."""
_PICKLE = 4
"""Protocol that every Python since 3.4 reads."""
_SHORT = 0x7FFFFFFF


class Call(NamedTuple):
    """A request."""

    ident: str | None
    method: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}


class Proxy(NamedTuple):
    """The reference to an object that stays at the server."""

    typeid: str
    ident: str
    exposed: tuple[str, ...]


class Frames:
    """Bytes to frames, split anywhere."""

    def __init__(self, limit: int) -> None:
        """`limit` is the largest frame in bytes; it may be changed between two frames."""
        self.limit = limit
        self._buffer = bytearray()

    def __len__(self) -> int:
        """Bytes that wait."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        self._buffer += data

    def next(self) -> bytes | None:
        """The next frame, or None when it is not whole; RemoteProtocolError when its length is not allowed."""
        if len(self._buffer) < 4:
            return None
        size, start = int.from_bytes(self._buffer[:4], "big", signed=True), 4
        if size == -1 and len(self._buffer) >= 12:
            size, start = int.from_bytes(self._buffer[4:12], "big"), 12
        elif size == -1:
            return None
        if not 0 <= size <= self.limit:
            raise RemoteProtocolError(f"a frame of {size} bytes, {self.limit} are allowed (--max-message)")
        if len(self._buffer) < start + size:
            return None
        frame = bytes(self._buffer[start : start + size])
        del self._buffer[: start + size]
        return frame


def frame(data: bytes) -> bytes:
    """Bytes as a frame."""
    if len(data) > _SHORT:
        return b"\xff\xff\xff\xff" + len(data).to_bytes(8, "big") + data
    return len(data).to_bytes(4, "big") + data


def write(value: Any, limit: int) -> bytes:
    """A value as a frame; LocalProtocolError when it has no pickle, or one of more bytes than the limit."""
    try:
        data = pickle.dumps(value, _PICKLE)
    except (pickle.PicklingError, RecursionError, TypeError, AttributeError) as exc:
        raise LocalProtocolError(f"no pickle can be made of it: {exc}") from exc
    if len(data) > limit:
        raise LocalProtocolError(f"the message has {len(data)} bytes, {limit} are allowed (--max-message)")
    return frame(data)


def read_call(data: bytes) -> Call:
    """A request that was received; RemoteProtocolError when it is none, or names anything but plain values."""
    found = read(data, ALLOWED, settle)
    if type(found) is not list or len(found) != 4:
        raise RemoteProtocolError("no request: not (ident, method, args, kwargs)")
    ident, method, args, kwargs = found
    if not (ident is None or type(ident) is str) or type(method) is not str:
        raise RemoteProtocolError("no request: ident and method are not text")
    if type(args) is not list or type(kwargs) is not dict or not all(type(name) is str for name in kwargs):
        raise RemoteProtocolError("no request: args and kwargs are no arguments")
    token = args[0] if method == "get_methods" and len(args) == 1 else None
    if type(token) is Made and token.name == TOKEN:
        return Call(ident, method, (_read_token(token).ident,))
    return Call(ident, method, tuple(settle(args)), settle(kwargs) if kwargs else kwargs)


def read_reply(data: bytes) -> tuple[str, Any]:
    """Kind and value of a reply: plain data, of an exception its `Made`, of a proxy the Proxy."""
    found = read(data, None, settle)
    if type(found) is not list or len(found) != 2 or type(found[0]) is not str:
        raise RemoteProtocolError("no reply: not (kind, value)")
    kind, value = found
    if kind == ERROR and type(value) is Made:
        return kind, value
    if kind == PROXY:
        return kind, _read_proxy(value)
    return kind, settle(value)


def _read_proxy(value: Any) -> Proxy:
    """`(exposed, Token)`; of our servers, which need no class for it, `(exposed, (typeid, address, ident))`."""
    if type(value) is not list or len(value) != 2:
        raise RemoteProtocolError("no proxy: not (exposed, token)")
    exposed, token = value
    names = tuple(each for each in exposed if type(each) is str) if type(exposed) is list else ()
    return _read_token(token)._replace(exposed=names)


def _read_token(token: Any) -> Proxy:
    state = token.state if type(token) is Made else token
    if type(state) is not list or len(state) != 3 or type(state[0]) is not str or type(state[2]) is not str:
        raise RemoteProtocolError("no token: not (typeid, address, ident)")
    return Proxy(state[0], state[2], ())
