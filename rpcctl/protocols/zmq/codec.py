"""Messages to the frames of zerorpc 0.6.3 and back, pure: no socket, thread or clock.

    DEALER side   [empty frame, event]
    ROUTER side   [identity, further routing frames, empty frame, event]
    PUSH and PUB  [event]

    event   MessagePack array of three: [header, name, args]
    header  map: message_id, v (3), response_to (the id of the call's first event, on all but that one), anything else
    name    a method, or OK [result]   ERR [type, message, traceback or nil]   STREAM item   STREAM_DONE nil
            _zpc_more [credit]   _zpc_hb [0]

Ids are kept verbatim: zerorpc compares them by value and MessagePack type. All else is read leniently, since old peers
write text as bin. Two header keys are ours, and ignored by others as all unknown ones are: `kind` tells apart what ERR
cannot, `oneway` asks for no reply.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import msgpack

from rpcctl.errors import LocalProtocolError, RemoteProtocolError
from rpcctl.messages import FAILURES, End, Failure, Item, Reply, Request, Result

Event = tuple[dict[Any, Any], str, Any]
"""Header, name and args."""

BEAT = "_zpc_hb"
MORE = "_zpc_more"
SIGNALS = frozenset({BEAT, MORE})
VERSION = 3
_OWN_KEYS = frozenset({"message_id", "v", "response_to", "kind", "oneway"})


def message_ids(prefix: str) -> Callable[[], str]:
    """A source of ids of 32 hex digits: a prefix of 20 that no other process has, and a counter."""
    counter = count(1)
    return lambda: f"{prefix}{next(counter):012x}"


def split(frames: Sequence[bytes]) -> tuple[Sequence[bytes], bytes]:
    """A ROUTER's message as the frames that lead back to the peer, and the event; a missing delimiter is forgiven."""
    return (frames[:-2] if len(frames) > 2 else frames[:1]), frames[-1]


_packers: list[Any] = []
_KEPT = 64 * 1024
"""A packer that has grown for a larger event, in bytes, is let go with its buffer."""


def pack(header: Mapping[str, Any], name: str, args: Any) -> bytes:
    """An event as bytes; LocalProtocolError when MessagePack has no form for something in it."""
    # A packer has a buffer of its own, so it is used again, by one thread at a time; packb makes one for each event.
    try:
        packer = _packers.pop()
    except IndexError:
        packer = msgpack.Packer()
    try:
        packed: bytes = packer.pack((header, name, args))
    except (TypeError, ValueError, OverflowError, RecursionError) as exc:
        raise LocalProtocolError(f"MessagePack cannot carry it: {exc}") from None
    if len(packed) <= _KEPT:
        _packers.append(packer)
    return packed


def unpack(data: bytes) -> Event:
    """Bytes as an event, names and header keys as text; RemoteProtocolError says what is wrong with it."""
    try:
        event = msgpack.unpackb(data, strict_map_key=False)
    except msgpack.ExtraData as exc:
        event = exc.unpacked
    except UnicodeDecodeError:
        event = _unpack_bytes_in_text(data)
    except Exception as exc:
        raise RemoteProtocolError(f"not MessagePack: {exc or type(exc).__name__}") from None
    if type(event) is not list or len(event) != 3:
        raise RemoteProtocolError("not a zerorpc event: an array of three was expected")
    header, name, args = event
    if type(header) is not dict:
        raise RemoteProtocolError("not a zerorpc event: its header is no map")
    if "message_id" not in header:
        header = {text(key): value for key, value in header.items()}
    if type(name) is not str:
        if type(name) is not bytes:
            raise RemoteProtocolError("not a zerorpc event: its name is no text")
        name = text(name)
    return header, name, args


def salvage_header(data: bytes) -> dict[Any, Any]:
    """The header of an event that cannot be used, to tell whose it is; empty when it has none that can be read."""
    unpacker = msgpack.Unpacker(strict_map_key=False, unicode_errors="replace", max_buffer_size=0)
    try:
        unpacker.feed(data[:4096])
        unpacker.read_array_header()
        return {text(key): value for key, value in unpacker.unpack().items()}
    except Exception:
        return {}


def text(value: Any) -> Any:
    """Text that an old peer wrote as bin; anything else as it is."""
    return value.decode("utf-8", "replace") if type(value) is bytes else value


def pack_request(request: Request, message_id: Any) -> bytes:
    """A request as bytes; LocalProtocolError for named arguments, which the wire has not, or values it cannot carry."""
    if request.kwargs:
        raise LocalProtocolError(f"zerorpc has no named arguments: {next(iter(request.kwargs))}= cannot be sent")
    header = {"message_id": message_id, "v": VERSION}
    if request.oneway:
        # To a zerorpc server a request of version 1 comes from a client that sends no heartbeats: it is not killed.
        header = {"message_id": message_id, "v": 1, "oneway": True}
    if request.context:
        header.update((key, value) for key, value in request.context.items() if key not in _OWN_KEYS)
    return pack(header, request.method, request.args)


def context_of(header: Mapping[Any, Any]) -> Mapping[str, Any]:
    """What a peer's middleware put into the header."""
    return {key: value for key, value in header.items() if type(key) is str and key not in _OWN_KEYS}


def pack_signal(name: str, args: Any, message_id: Any, response_to: Any) -> bytes:
    """A heartbeat or a grant on an open channel."""
    return pack({"message_id": message_id, "v": VERSION, "response_to": response_to}, name, args)


def pack_reply(reply: Reply, message_id: Any, response_to: Any, version: Any = VERSION) -> bytes:
    """A reply as bytes, to a request of that version; LocalProtocolError when its value cannot be carried."""
    header = {"message_id": message_id, "v": VERSION, "response_to": response_to}
    if type(reply) is Result:
        return pack(header, "OK", (reply.value,))
    if type(reply) is Item:
        return pack(header, "STREAM", reply.value)
    if type(reply) is End:
        return pack(header, "STREAM_DONE", None)
    assert type(reply) is Failure
    if reply.kind != "remote":
        header["kind"] = reply.kind
    return pack(header, "ERR", _error_args(reply, version))


def _error_args(failure: Failure, version: Any) -> tuple[Any, ...]:
    kind, message = sendable(failure.type), sendable(failure.message)
    if type(version) is int and version < 2:
        return (f"{kind}({message!r})",)
    # zerorpc shows the traceback alone when there is one: an empty one would show an empty error.
    return kind, message, sendable(failure.traceback) or None


def sendable(value: str) -> str:
    """Text without lone surrogates, which UTF-8 has no form for."""
    return value.encode("utf-8", "backslashreplace").decode()


def read_reply(event: Event, method: str) -> Reply:
    """What an event says of a call of `method`; RemoteProtocolError when it is no answer."""
    header, name, args = event
    if name == "STREAM":
        return Item(args)
    if name == "OK":
        if type(args) is not list or not args:
            raise RemoteProtocolError("the server's OK holds no result")
        return Result(args[0])
    if name == "STREAM_DONE":
        return End()
    if name == "ERR":
        return _read_failure(header, args, method)
    raise RemoteProtocolError(f"the server answered with {name[:80]!r}, which is no zerorpc event")


def _read_failure(header: Mapping[Any, Any], args: Any, method: str) -> Failure:
    parts = [text(part) for part in args] if type(args) is list else [text(args)]
    if not parts:
        raise RemoteProtocolError("the server's ERR says nothing")
    if len(parts) == 1 or (parts[1] is None and len(parts) == 3):
        # A server of version 1 sends the repr of the error, one in Go its message alone.
        return Failure(_kind(header, "", "", "", method), "RemoteError", str(parts[0]))
    name, message = str(parts[0]), str(parts[1])
    traceback = parts[2] if len(parts) > 2 and type(parts[2]) is str else ""
    return Failure(_kind(header, name, message, traceback, method), name, message, traceback)


def _kind(header: Mapping[Any, Any], name: str, message: str, traceback: str, method: str) -> str:
    """Our servers say the kind; of zerorpc's, the traceback tells whether the method itself was reached."""
    kind = header.get("kind")
    if type(kind) is str and kind in FAILURES:
        return kind
    if name == "NameError" and message == method and _raised_in(traceback, "core.py"):
        return "no_method"
    if name == "TypeError" and traceback and _raised_in(traceback, "decorators.py"):
        return "arguments"
    return "remote"


def _raised_in(traceback: str, module: str) -> bool:
    """Whether the innermost frame is in that module of zerorpc; also when there is no traceback at all."""
    frames = [line for line in traceback.splitlines() if line.startswith('  File "')]
    return not frames or f'zerorpc/{module}"' in frames[-1].replace("\\", "/")


def _unpack_bytes_in_text(data: bytes) -> Any:
    """An event of a peer that writes binary data as text: what is not UTF-8 becomes bytes."""
    try:
        event = msgpack.unpackb(data, strict_map_key=False, unicode_errors="surrogateescape")
        return _restore_bytes(event)
    except Exception as exc:
        raise RemoteProtocolError(f"not MessagePack: {exc or type(exc).__name__}") from None


def _restore_bytes(value: Any) -> Any:
    if type(value) is str:
        raw = value.encode("utf-8", "surrogateescape")
        return value if value.isascii() or _is_utf8(raw) else raw
    if type(value) is list:
        return [_restore_bytes(each) for each in value]
    if type(value) is dict:
        return {_restore_bytes(key): _restore_bytes(each) for key, each in value.items()}
    return value


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
