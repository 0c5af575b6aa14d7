"""What goes to a broker and what comes from it, whatever moves it there. Pure.

Properties bear the names of AMQP 0-9-1 (class basic), `headers` among them; those that are not set are not there.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

TAKEN, UNROUTABLE, REFUSED = "taken", "unroutable", "refused"
"""What became of a published message: in a queue; in none, as there is none for it; refused by the broker."""

Outcome = Callable[[str], None]
"""Told what became of a message."""


class Message(NamedTuple):
    """A message to publish."""

    exchange: str
    key: str
    body: bytes
    properties: Mapping[str, Any] = {}
    mandatory: bool = True
    """Whether to be told when no queue takes it."""


class Delivery(NamedTuple):
    """A message received. `tag` is for `ack` and `reject`; `consumer` is the tag that `consume` was given."""

    body: bytes
    properties: Mapping[str, Any]
    exchange: str
    key: str
    consumer: str
    tag: Any
    redelivered: bool = False
    size: int = 0
    """Bytes of the body as it was sent; more than there are in `body` when it was too large to be taken in."""

    @property
    def headers(self) -> Mapping[str, Any]:
        """Its headers, or none."""
        found = self.properties.get("headers")
        return found if isinstance(found, Mapping) else {}
