"""Which connection an address asks for: RabbitMQ's, or one of kombu's transports without a broker."""

from rpcctl.address import Address
from rpcctl.interfaces import Settings

from .link import Link
from .place import place_of


def link_of(at: Address, settings: Settings) -> Link:
    """The connection, not yet open."""
    if at.transport in ("amqp", "amqps"):
        return Link(place_of(at, settings), settings)
    from .virtual import VirtualLink

    return VirtualLink(place_of(at, settings), settings)
