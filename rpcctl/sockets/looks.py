"""What somebody speaks, as far as the first bytes tell: for errors that name it. Pure.

Each line of the table is the beginning of what the protocol's own specification has its servers or clients send, to
everybody or to who begins wrongly.
"""

from collections.abc import Callable
from typing import NamedTuple

from rpcctl.address import Address


class Look(NamedTuple):
    """How one protocol begins."""

    fits: Callable[[bytes], bool]
    name: str
    """As in `looks like NAME`."""
    form: str = ""
    """An address of it, with HOST:PORT in it; empty when it is none of ours."""


def _begins(*words: bytes) -> Callable[[bytes], bool]:
    return lambda first: first.startswith(words)


_LOOKS = (
    Look(_begins(b"HTTP/", b"<!", b"<h"), "an HTTP server", "http://HOST:PORT/"),
    Look(_begins(b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"CONNECT ", b"PRI * HTTP/2"), "an HTTP client"),
    # ZMTP 3.1, section 3.1: the signature, FF, eight bytes of padding or of a length, 7F.
    Look(lambda first: first[:1] == b"\xff" and first[9:10] in (b"\x7f", b""), "ZeroMQ", "tcp://HOST:PORT"),
    # AMQP 0-9-1, section 4.2.2: the header of the version that a server would take.
    Look(_begins(b"AMQP"), "AMQP", "amqp://HOST:PORT"),
    # Pyro5 5.15, protocol.py: the magic of every message.
    Look(_begins(b"PYRO"), "Pyro", "pyro+tcp://HOST:PORT"),
    # CPython, multiprocessing/connection.py: a length of four bytes, then the challenge of the shared key.
    Look(lambda first: first[4:15] == b"#CHALLENGE#", "a multiprocessing manager", "manager+tcp://HOST:PORT"),
    # The MessagePack-RPC specification: an array of four or three, then the type of the message.
    Look(_begins(b"\x94\0", b"\x94\x01", b"\x93\x02"), "MessagePack-RPC", "msgpackrpc+tcp://HOST:PORT"),
    # RFC 4253, section 4.2.
    Look(_begins(b"SSH-"), "SSH"),
    # RFC 8446, section 5.1: a handshake or an alert, of any version.
    Look(_begins(b"\x16\x03", b"\x15\x03"), "TLS"),
)


def recognise(first: bytes) -> Look | None:
    """Whose first bytes these are, of which all that have come are given; None when nothing known begins so."""
    return next((look for look in _LOOKS if look.fits(first)), None) if first else None


def look_of(first: bytes, own: str = "") -> str:
    """The name of what these bytes are the beginning of, as `an HTTP client`; empty for what is unknown or `own`."""
    look = recognise(first)
    return "" if look is None or look.name == own else look.name


def way_to(first: bytes, at: Address) -> str:
    """What to type instead, for who has dialled `at` and was answered so."""
    look = recognise(first)
    form = look.form if look is not None and at.kind == "host" else ""
    return form.replace("HOST:PORT", at.location()) or "rpcctl protocols shows what can be spoken"
