"""Frames of AMQP 0-9-1 that every call needs, to bytes and back; the rarer ones are py-amqp's. Pure.

    frame    type u8, channel u16, size u32, payload, 0xCE            type: 1 method, 2 header, 3 body, 8 heartbeat
    method   class u16, method u16, arguments                         header: class u16, 0 u16, size u64, properties

By the specification of 2008, sections 2.3.5 and 4.2, and amqp0-9-1.xml; RabbitMQ's extensions: basic.nack, confirms.
"""

from collections.abc import Mapping
from struct import Struct, pack
from typing import Any

from amqp.serialization import decode_properties_basic, dumps

from rpcctl.errors import RemoteProtocolError

Frame = tuple[int, int, bytes]
"""Type, channel, payload."""

GREETING = b"AMQP\0\0\x09\x01"
METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
BEAT = b"\x08\x00\x00\x00\x00\x00\x00\xce"
DELIVER, RETURN, ACK, NACK = b"\0\x3c\0\x3c", b"\0\x3c\0\x32", b"\0\x3c\0\x50", b"\0\x3c\0\x78"
BLOCKED, UNBLOCKED = b"\0\x0a\0\x3c", b"\0\x0a\0\x3d"
_END = 0xCE
_HEAD = Struct(">BHI")
_CONFIRM = Struct(">QB")
_CONTENT = Struct(">HHQ")
_PUBLISH = Struct(">HHH")
_ACK = Struct(">BHIHHQBB")
_FIELDS = (
    *(("content_type", "s"), ("content_encoding", "s"), ("headers", "F"), ("delivery_mode", "o"), ("priority", "o")),
    *(("correlation_id", "s"), ("reply_to", "s"), ("expiration", "s"), ("message_id", "s"), ("timestamp", "L")),
    *(("type", "s"), ("user_id", "s"), ("app_id", "s")),
)


class Reader:
    """Bytes in, frames out; keeps the unfinished rest."""

    def __init__(self) -> None:
        """Nothing is there yet."""
        self._rest = b""

    def feed(self, data: bytes, largest: int) -> list[Frame]:
        """The frames that are complete now; RemoteProtocolError for what is none, or is over `largest` bytes."""
        if self._rest:
            data = self._rest + data
        frames: list[Frame] = []
        at, end = 0, len(data)
        unpack, head = _HEAD.unpack_from, _HEAD.size
        while end - at > head:
            kind, channel, size = unpack(data, at)
            after = at + head + size
            if size > largest:
                raise RemoteProtocolError(f"a frame of {size} bytes, {largest} are agreed on: is this a broker?")
            if after >= end:
                break
            if data[after] != _END:
                raise RemoteProtocolError("a frame does not end where it says: is this a broker?")
            frames.append((kind, channel, data[at + head : after]))
            at = after + 1
        self._rest = data[at:]
        return frames


def method(channel: int, signature: tuple[int, int], arguments: bytes) -> bytes:
    """A method without content."""
    return b"".join((_HEAD.pack(METHOD, channel, 4 + len(arguments)), pack(">HH", *signature), arguments, b"\xce"))


def publish(channel: int, exchange: str, key: str, mandatory: bool, properties: bytes, body: bytes, most: int) -> bytes:
    """basic.publish with its content, in frames of at most `most` bytes; ValueError for a name over 255 bytes."""
    to, route = exchange.encode(), key.encode()
    if len(to) > 255 or len(route) > 255:
        raise ValueError("names of exchanges and queues, and routing keys, have at most 255 bytes")
    arguments = b"".join(
        (_PUBLISH.pack(60, 40, 0), bytes((len(to),)), to, bytes((len(route),)), route, b"\1" if mandatory else b"\0")
    )
    parts = [
        *(_HEAD.pack(METHOD, channel, len(arguments)), arguments, b"\xce"),
        *(_HEAD.pack(HEADER, channel, 12 + len(properties)), _CONTENT.pack(60, 0, len(body)), properties, b"\xce"),
    ]
    room = most - 8
    for at in range(0, len(body), room):
        piece = body[at : at + room]
        parts += _HEAD.pack(BODY, channel, len(piece)), piece, b"\xce"
    return b"".join(parts)


def ack(channel: int, tag: int) -> bytes:
    """basic.ack of one message."""
    return _ACK.pack(METHOD, channel, 13, 60, 80, tag, 0, _END)


def reject(channel: int, tag: int, requeue: bool) -> bytes:
    """basic.reject of one message."""
    return _ACK.pack(METHOD, channel, 13, 60, 90, tag, int(requeue), _END)


def read_confirm(payload: bytes) -> tuple[int, bool]:
    """Tag of a basic.ack or basic.nack, and whether it stands for all before it too."""
    tag, flags = _CONFIRM.unpack_from(payload, 4)
    return tag, bool(flags & 1)


def read_deliver(payload: bytes) -> tuple[str, int, bool, str, str]:
    """Consumer, tag, whether it was delivered before, exchange and routing key of a basic.deliver."""
    consumer, at = short_text(payload, 4)
    tag, redelivered = _CONFIRM.unpack_from(payload, at)
    exchange, at = short_text(payload, at + 9)
    key, _ = short_text(payload, at)
    return consumer, tag, bool(redelivered & 1), exchange, key


def read_return(payload: bytes) -> tuple[str, str]:
    """Exchange and routing key of a basic.return."""
    _, at = short_text(payload, 6)
    exchange, at = short_text(payload, at)
    return exchange, short_text(payload, at)[0]


def read_header(payload: bytes) -> tuple[int, dict[str, Any]]:
    """Size of a body and the properties before it."""
    _, _, size = _CONTENT.unpack_from(payload)
    properties, _ = decode_properties_basic(payload, _CONTENT.size)
    if "application_headers" in properties:
        properties["headers"] = properties.pop("application_headers")
    return size, properties


def write_properties(properties: Mapping[str, Any]) -> bytes:
    """Flags and values of the properties that are set."""
    flags, kinds, values = 0, "", []
    for place, (name, kind) in enumerate(_FIELDS):
        value = properties.get(name)
        if value is not None:
            flags |= 0x8000 >> place
            kinds += kind
            values.append(value)
    return pack(">H", flags) + bytes(dumps(kinds, values))


def short_text(payload: bytes, at: int) -> tuple[str, int]:
    """A text of at most 255 bytes, and where it ends."""
    end = at + 1 + payload[at]
    return payload[at + 1 : end].decode("utf-8", "replace"), end
