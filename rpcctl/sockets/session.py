"""The seam between a host of connections and a protocol: what each owes the other."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from . import STREAM_OPTIONS_SERVER

IDLE = "idle"
"""Nothing is under way: the peer may be silent for as long as an idle connection is kept."""
PARTIAL = "partial"
"""The peer owes the rest of something that it has begun: it may pause for the stall time only."""
BUSY = "busy"
"""We owe the peer something: it may be silent for as long as that takes."""


class Session(Protocol):
    """A protocol's side of one connection. All of it is called on the host's thread, and must not wait."""

    def receive(self, data: bytes) -> None:
        """Take the next bytes, split anywhere.

        Any of our errors ends the connection, once what was written before has left, and is told to the log.
        """

    def state(self) -> str:
        """IDLE, PARTIAL or BUSY."""

    def end(self) -> None:
        """The connection is gone: abandon what runs. Called once, and nothing after it."""


class Policy(NamedTuple):
    """What a host grants its connections."""

    max_connections: int = 16384
    """Further ones wait until one is closed."""
    idle: float | None = None
    """Seconds for which a connection is kept on which nothing is under way; None for ever."""
    stall: float | None = 30.0
    """Seconds of silence in the middle of a message or handshake, and seconds in which a peer takes none of the bytes
    that wait for it, before the connection is closed."""
    max_unsent: int = 128 * 1024 * 1024
    """Bytes that may wait for a peer which does not read, before the connection is closed. Far below it, nothing more
    is read from that peer."""


Note = Callable[[str], None]
"""Takes a line for the log."""
_DEFAULTS = {option.name: option.default for option in STREAM_OPTIONS_SERVER}


def policy_of(options: Mapping[str, Any], max_message: int) -> Policy:
    """What a protocol's settings ask for."""
    found = {**_DEFAULTS, **options}
    return Policy(
        found["max-connections"],
        found["idle-timeout"],
        found["stall-timeout"],
        # Two answers of the greatest size, and something beside them.
        2 * max_message + (1 << 20),
    )
