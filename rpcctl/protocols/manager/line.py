"""One connection to a manager after its handshake: requests out, replies in. What they are for is the client's."""

import os
from typing import Any

from rpcctl.address import Address
from rpcctl.errors import AuthError, ConnectError, RemoteProtocolError
from rpcctl.interfaces import Settings
from rpcctl.messages import Deadline
from rpcctl.sockets.looks import look_of, way_to
from rpcctl.sockets.wire import Wire, connect, too_late

from . import codec, handshake
from .place import without_typeid


class Line:
    """A connection; one request at a time. A TimeoutError or OSError of its socket is for the caller to name."""

    def __init__(self, wire: Wire, frames: codec.Frames) -> None:
        """Take over a connection whose handshake is done."""
        self._wire = wire
        self._frames = frames

    def ask(self, data: bytes, deadline: Deadline) -> tuple[str, Any]:
        """Send a request's frame and wait for its reply; EOFError when the server hangs up."""
        self._wire.deadline = deadline
        self._wire.send(data)
        return codec.read_reply(_next_frame(self._wire, self._frames))

    def is_stale(self) -> bool:
        """Whether the server has hung up in the meantime."""
        return self._wire.is_stale()

    def shut(self) -> None:
        """Close it; wakes whoever waits. From any thread."""
        self._wire.shut()


def dial(at: Address, key: bytes, settings: Settings, deadline: Deadline) -> Line:
    """Connect and shake hands within the connect timeout; AuthError for a wrong key, and what `connect` raises.

    A server that refuses the digest of old, MD5, is asked once more with SHA-256: some distributions patched it so.
    """
    try:
        return _dial(at, key, settings, deadline, "md5")
    except _OldRefusalError as refusal:
        try:
            return _dial(at, key, settings, deadline, "sha256")
        except AuthError:
            raise AuthError(refusal.message, hint=refusal.hint) from refusal


class _OldRefusalError(AuthError):
    """A server of the old handshake refuses our digest."""


def _dial(at: Address, key: bytes, settings: Settings, deadline: Deadline, bare: str) -> Line:
    wire = connect(without_typeid(at), settings.connect_timeout, deadline, str(at))
    shaking = handshake.ClientHandshake(key, os.urandom, bare)
    try:
        frames = _shake_hands(wire, shaking, at)
    except TimeoutError:
        wire.shut()
        raise too_late(
            f"{at}: it says nothing, and a manager speaks first", settings.connect_timeout, deadline
        ) from None
    except (EOFError, OSError) as exc:
        wire.shut()
        raise ConnectError(f"{at}: it hung up in the handshake: {exc or 'no reason given'}") from exc
    except AuthError as exc:
        wire.shut()
        kind = _OldRefusalError if shaking.is_old and bare == "md5" else AuthError
        raise kind(f"{at}: {exc.message}", hint=exc.hint) from exc
    except BaseException:
        wire.shut()
        raise
    frames.limit = settings.max_message
    return Line(wire, frames)


def _shake_hands(wire: Wire, shaking: handshake.ClientHandshake, at: Address) -> codec.Frames:
    frames = codec.Frames(handshake.LONGEST)
    first = wire.receive()
    _check_look(first, at)
    frames.feed(first)
    while not shaking.done:
        answers = shaking.receive(_next_frame(wire, frames))
        if answers:
            wire.send(b"".join(map(codec.frame, answers)))
    return frames


def _check_look(first: bytes, at: Address) -> None:
    if not first:
        raise EOFError
    if first[4:15] != handshake.CHALLENGE and len(first) >= 15:
        look = look_of(first)
        raise RemoteProtocolError(
            f"{at} looks like {look}, and not like a manager"
            if look
            else f"{at} is no manager: it begins with {first[:16]!r}",
            hint=way_to(first, at),
        )


def _next_frame(wire: Wire, frames: codec.Frames) -> bytes:
    while (found := frames.next()) is None:
        data = wire.receive()
        if not data:
            raise EOFError
        frames.feed(data)
    return found
