"""Pyro5's messages to bytes and back, of protocol version 502. Pure.

    "PYRO"  u16 502  u8 type  u8 serializer  u16 flags  u16 sequence
    u32 length of the payload  u32 length of the annotations  16 bytes correlation id  u16 reserved  u16 0x4dc5
    annotations, each: 4 letters  u32 length  bytes
    payload

All numbers are big-endian; by the header's description in Pyro5 5.17's protocol.py. What the payload holds is known in
`encodings`.
"""

import struct
import zlib
from collections.abc import Mapping
from typing import NamedTuple

from rpcctl.errors import LocalProtocolError, RemoteProtocolError
from rpcctl.sockets.looks import recognise

VERSION = 502
CONNECT, CONNECT_OK, CONNECT_FAIL, INVOKE, RESULT, PING = range(1, 7)
"""Types of messages."""
EXCEPTION, COMPRESSED, ONEWAY, BATCH, STREAM, SERIALIZED, CORRELATED = (1 << bit for bit in range(7))
"""Flags. STREAM comes with EXCEPTION, so that clients which know of no streams fail."""
STREAM_ID = "STRM"
"""The annotation that names a stream."""

_HEADER = struct.Struct("!4sHBBHHII16sHH")
_pack_head = _HEADER.pack
_TAG = b"PYRO"
_START = _TAG + VERSION.to_bytes(2, "big")
_MAGIC = 0x4DC5
_PYRO4 = 48
_UNCORRELATED = bytes(16)
_NOTHING: Mapping[str, bytes] = {}
_WORTH_COMPRESSING = 200
"""Bytes below which a payload is not compressed."""
_SEQUENCES = 1 << 16


class Message(NamedTuple):
    """One message, its payload decompressed."""

    type: int
    serializer: int
    """Which encoding the payload is in."""
    payload: bytes
    flags: int = 0
    sequence: int = 0
    annotations: Mapping[str, bytes] = {}
    correlation: bytes = b""
    """16 bytes that a client marks the messages of one matter with; empty for none."""


def next_sequence(sequence: int) -> int:
    """The number of the request after that one."""
    return (sequence + 1) % _SEQUENCES


def pack(message: Message) -> bytes:
    """A message as bytes, compressed if it is flagged so and worth it; LocalProtocolError beyond 4 GiB."""
    kind, serializer, payload, flags, sequence, annotations, correlation = message
    return frame(kind, serializer, payload, flags, sequence, correlation, annotations)


def frame(
    kind: int,
    serializer: int,
    payload: bytes,
    flags: int,
    sequence: int,
    correlation: bytes = b"",
    annotations: Mapping[str, bytes] = _NOTHING,
) -> bytes:
    """As `pack`, of what a Message consists of: a server answers every call with one."""
    if flags & COMPRESSED:
        if len(payload) > _WORTH_COMPRESSING:
            payload = zlib.compress(payload, 4)
        else:
            flags &= ~COMPRESSED
    notes = _pack_annotations(annotations) if annotations else b""
    flags = flags | CORRELATED if correlation else flags & ~CORRELATED
    try:
        head = _pack_head(
            *(_TAG, VERSION, kind, serializer, flags, sequence),
            *(len(payload), len(notes), correlation or _UNCORRELATED, 0, _MAGIC),
        )
    except struct.error:
        raise LocalProtocolError(f"{len(payload)} bytes are more than a message can hold") from None
    return head + notes + payload


def _pack_annotations(annotations: Mapping[str, bytes]) -> bytes:
    return b"".join(name.encode("ascii") + len(data).to_bytes(4, "big") + data for name, data in annotations.items())


class Messages:
    """Bytes as they come to whole messages; keeps the unfinished rest."""

    def __init__(self, max_message: int, max_first: int | None = None) -> None:
        """`max_message` bounds annotations and payload, compressed and not, in bytes; `max_first` the first's."""
        self._most = max_message
        self._limit = max_message if max_first is None else min(max_first, max_message)
        self._rest = bytearray()
        self._need = _HEADER.size

    @property
    def is_partial(self) -> bool:
        """Whether a message has begun that has not come whole."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that these bytes complete; RemoteProtocolError as soon as it is seen that they are none."""
        rest = self._rest
        rest += data
        found: list[Message] = []
        while True:
            if len(rest) < _HEADER.size:
                _check_start(rest)
                self._need = _HEADER.size
                return found
            head = _HEADER.unpack_from(rest)
            _check_head(head, rest, self._limit)
            self._need = end = _HEADER.size + head[6] + head[7]
            if len(rest) < end:
                return found
            body = bytes(memoryview(rest)[_HEADER.size : end])
            del rest[:end]
            found.append(_read(head, body, self._limit))
            self._limit = self._most

    def missing(self) -> int:
        """How many bytes are wanted before there can be another message; at least 1."""
        return max(1, self._need - len(self._rest))


_Head = tuple[bytes, int, int, int, int, int, int, int, bytes, int, int]


def _check_start(rest: bytearray) -> None:
    start = bytes(rest[: len(_START)])
    if _START.startswith(start):
        return
    if start.startswith(_TAG):
        _refuse_version(int.from_bytes(start[4:6], "big") if len(start) == 6 else start[4])
    look = recognise(bytes(rest[:32]))
    if look is None:
        raise RemoteProtocolError(f"no Pyro: its first bytes are {start!r}")
    raise RemoteProtocolError(f"no Pyro: it looks like {look.name}", hint=look.form)


def _refuse_version(version: int) -> None:
    if version == _PYRO4:
        raise RemoteProtocolError("this is Pyro4, an older protocol: version 48 instead of 502")
    raise RemoteProtocolError(f"version {version} of Pyro's protocol instead of {VERSION}")


def _check_head(head: _Head, rest: bytearray, most: int) -> None:
    if head[0] != _TAG or head[1] != VERSION:
        _check_start(rest)
    if head[10] != _MAGIC:
        raise RemoteProtocolError(f"no Pyro: the header ends with 0x{head[10]:04x} instead of 0x{_MAGIC:04x}")
    if head[6] + head[7] > most:
        raise RemoteProtocolError(f"a message of {head[6] + head[7]} bytes, {most} are allowed (--max-message)")


def _read(head: _Head, body: bytes, most: int) -> Message:
    _, _, kind, serializer, flags, sequence, _, noted, correlation, _, _ = head
    notes = _read_annotations(body[:noted]) if noted else {}
    payload = body[noted:] if noted else body
    if flags & COMPRESSED:
        payload = _decompress(payload, most)
    return Message(kind, serializer, payload, flags, sequence, notes, correlation if flags & CORRELATED else b"")


def _read_annotations(data: bytes) -> dict[str, bytes]:
    found, at = {}, 0
    while at < len(data):
        begin = at + 8
        end = begin + int.from_bytes(data[at + 4 : begin], "big")
        if begin > len(data) or end > len(data):
            raise RemoteProtocolError("an annotation is longer than all of them together")
        found[data[at : at + 4].decode("ascii", "replace")] = data[begin:end]
        at = end
    return found


def _decompress(data: bytes, most: int) -> bytes:
    unzip = zlib.decompressobj()
    try:
        found = unzip.decompress(data, most + 1)
    except zlib.error as exc:
        raise RemoteProtocolError(f"the payload cannot be decompressed: {exc}") from None
    if len(found) > most:
        raise RemoteProtocolError(f"the payload is more than {most} bytes when decompressed (--max-message)")
    if not unzip.eof:
        raise RemoteProtocolError("the compressed payload ends too early")
    return found
