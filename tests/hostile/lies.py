"""What breaks the rules of each wire, byte for byte: at a conversation's beginning, and in the middle of it."""

import pickle
import zlib
from typing import NamedTuple

from tests.hostile.wires import MANAGER, MSGPACKRPC, PYRO, Wire, pyro_message


class Lie(NamedTuple):
    """Bytes in place of a message."""

    name: str
    data: bytes


def _pyro(*changes: tuple[int, bytes], payload: bytes = b"x" * 300) -> bytes:
    data = bytearray(pyro_message(4, payload, sequence=1))
    for at, change in changes:
        data[at : at + len(change)] = change
    return bytes(data)


_COMPRESSED = (8, b"\0\x02")
_BOMB = zlib.compress(bytes(1 << 26))
LIES = {
    MSGPACKRPC.name: [
        Lie("never used", b"\xc1"),
        Lie("array of 2**31", b"\x94\x00\x01\xa1x\xdd\x80\0\0\0"),
        Lie("array of -1", b"\x94\x00\x01\xa1x\xdd\xff\xff\xff\xff"),
        Lie("map of 2**31", b"\x94\x00\x01\xa1x\x91\xdf\x80\0\0\0" + b"\0" * (2 << 20)),
        Lie("text of 2**31", b"\x94\x00\x01\xdb\x80\0\0\0" + b"x" * (3 << 20)),
        Lie("bytes of -1", b"\x94\x00\x01\xc6\xff\xff\xff\xff" + b"x" * (3 << 20)),
        Lie("too deep", b"\x94\x00\x01\xa1x" + b"\x91" * 5000),
        Lie("a number", b"\x05"),
        Lie("type 3", b"\x94\x03\x01\xa1x\x90"),
        Lie("four in a notification", b"\x94\x02\x01\xa1x\x90"),
        Lie("id of 33 bits", b"\x94\x00\xcf\0\0\0\1\0\0\0\0\xa1x\x90"),
        Lie("id of -1", b"\x94\x00\xff\xa1x\x90"),
        Lie("method that is none", b"\x94\x00\x01\xc0\x90"),
        Lie("params that are none", b"\x94\x00\x01\xa1x\xc0"),
    ],
    PYRO.name: [
        Lie("payload of 2**31", _pyro((12, b"\x80\0\0\0"))),
        Lie("payload of -1", _pyro((12, b"\xff\xff\xff\xff"))),
        Lie("annotations of 2**31", _pyro((16, b"\x80\0\0\0"))),
        Lie("annotations of -1", _pyro((16, b"\xff\xff\xff\xff"))),
        Lie("annotation that is too long", _pyro((16, b"\0\0\0\x10"), (40, b"ABCD\xff\xff\xff\xff")) + bytes(16)),
        Lie("tag", _pyro((0, b"PYR0"))),
        Lie("version 48", _pyro((4, b"\0\x30"))),
        Lie("version 503", _pyro((4, b"\1\xf7"))),
        Lie("magic", _pyro((38, b"\x4d\xc6"))),
        Lie("type 0", _pyro((6, b"\0"))),
        Lie("type 2", _pyro((6, b"\2"))),
        Lie("type 99", _pyro((6, b"\x63"))),
        Lie("marshal", _pyro((7, b"\2"))),
        Lie("serializer 77", _pyro((7, b"\x4d"))),
        Lie("no zlib", _pyro(_COMPRESSED)),
        Lie("half of zlib", _pyro(_COMPRESSED, payload=zlib.compress(bytes(99))[:-5])),
        Lie("bomb", _pyro(_COMPRESSED, payload=_BOMB)),
    ],
    MANAGER.name: [
        Lie("length of 2**31 - 1", b"\x7f\xff\xff\xff"),
        Lie("length of -2**31", b"\x80\0\0\0"),
        Lie("length of -2", b"\xff\xff\xff\xfe"),
        Lie("long length of -1", b"\xff" * 12),
        Lie("long length of 2**63", b"\xff\xff\xff\xff\x80\0\0\0\0\0\0\0"),
        Lie("long length of 2**31", b"\xff\xff\xff\xff\0\0\0\0\x80\0\0\0"),
    ],
}
"""What ends the connection, by the name of the wire."""
GARBAGE = [
    b"\0" * 400,
    b"\xff" * 400,
    b"\x80" * 400,
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\n" * 400,
    b"\x1b[2J\r\nrpcctl: all is well\n" * 20,
    "naïve \u202e text".encode() * 20,
    pickle.dumps(list(range(100))),
    *(bytes(range(start, 256)) for start in (1, 64, 128, 200)),
]
"""What is of no wire at all."""


def lies_of(wire: Wire) -> list[Lie]:
    """Those of one wire."""
    return LIES[wire.name]
