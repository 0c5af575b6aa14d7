"""What a server that does not speak HTTP says first, by which it is known. Pure.

Each line is the beginning of what the protocol's own specification has a server send, to everybody or to who begins
wrongly.
"""

from collections.abc import Callable
from typing import NamedTuple


class Greeting(NamedTuple):
    """How one protocol begins."""

    fits: Callable[[bytes], bool]
    name: str
    form: str
    """An address of it, with HOST:PORT in it; empty when it is none of ours."""


_GREETINGS = (
    # ZMTP 3.1, section 3.1: the signature, 0xFF, eight bytes of padding, 0x7F.
    Greeting(lambda data: data[:1] == b"\xff" and data[9:10] in (b"\x7f", b""), "ZeroMQ", "tcp://HOST:PORT"),
    # AMQP 0-9-1, section 4.2.2: the header of the version that a server would take.
    Greeting(lambda data: data.startswith(b"AMQP"), "AMQP", "amqp://HOST:PORT"),
    # Pyro5 5.15, protocol.py: the magic of every message.
    Greeting(lambda data: data.startswith(b"PYRO"), "Pyro", "pyro+tcp://HOST:PORT"),
    # CPython, multiprocessing/connection.py: a length of four bytes, then the challenge of the shared key.
    Greeting(lambda data: data[4:15] == b"#CHALLENGE#", "multiprocessing", "manager+tcp://HOST:PORT"),
    # RFC 4253, section 4.2.
    Greeting(lambda data: data.startswith(b"SSH-"), "SSH", ""),
)


def recognise(data: bytes) -> Greeting | None:
    """Whose greeting it is, by its first bytes, of which all that have come are given."""
    return next((each for each in _GREETINGS if each.fits(data)), None)
