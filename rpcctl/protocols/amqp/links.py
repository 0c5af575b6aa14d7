"""Which connection an address asks for: RabbitMQ's, or one of kombu's transports without a broker; and when again."""

import random

from rpcctl.address import Address
from rpcctl.interfaces import Settings

from .link import Link
from .place import place_of

_PAUSES = (1.0, 3.0, 5.0, 10.0, 20.0, 30.0)


def pause_after(tries: int) -> float:
    """Seconds before a broker that is lost is looked for again, give or take a fifth: not all come back at once."""
    return _PAUSES[min(tries, len(_PAUSES) - 1)] * random.uniform(0.8, 1.2)


def link_of(at: Address, settings: Settings) -> Link:
    """The connection, not yet open."""
    if at.transport in ("amqp", "amqps"):
        return Link(place_of(at, settings), settings)
    from .virtual import VirtualLink

    return VirtualLink(place_of(at, settings), settings)
