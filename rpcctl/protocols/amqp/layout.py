"""Which exchanges and queues a server needs, and where a client takes its replies: data for who declares them. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

TRANSIENT_MS = 1_800_000
"""Milliseconds after which a fanout or reply queue without consumers goes, as oslo.messaging has it."""


class Exchange(NamedTuple):
    """An exchange: `kind` is topic, fanout or direct."""

    name: str
    kind: str
    durable: bool = False
    auto_delete: bool = False


class Queue(NamedTuple):
    """A queue, and the exchange that it is bound to, if it is."""

    name: str
    durable: bool = False
    arguments: Mapping[str, Any] = {}
    exchange: str = ""
    key: str = ""
    own: bool = False
    """Whether it goes with the server."""


class Layout(NamedTuple):
    """What a server declares, in this order."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]


class ReplyQueue(NamedTuple):
    """Where replies come in."""

    name: str
    to: str
    """What requests say as the place to reply to."""
    declared: Mapping[str, Any] | None = None
    """Properties to declare it with; None for one that is there."""
    exchange: str = ""
    """The exchange that it is bound to by `to`; empty for none."""


class Kind(NamedTuple):
    """What queues are made of."""

    durable: bool = False
    quorum: bool = False
    """Whether those that servers share are quorum queues."""
    own_quorum: bool = False
    """Whether those of one server are, and its fanout exchange is durable."""

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> "Kind":
        """What --durable and --queue-type ask for."""
        found = options.get("queue-type") or ""
        return cls(bool(options.get("durable")), found.startswith("quorum"), found == "quorum")

    def queue(self, name: str, exchange: str = "", key: str = "") -> Queue:
        """A queue that stays, as oslo.messaging declares it with the same options."""
        arguments = {"x-queue-type": "quorum"} if self.quorum else {}
        return Queue(name, self.durable or self.quorum, arguments, exchange, key)

    def passing(self, name: str, exchange: str) -> Queue:
        """A queue of one server, which goes with it."""
        arguments: dict[str, Any] = {"x-expires": TRANSIENT_MS}
        if self.own_quorum:
            arguments["x-queue-type"] = "quorum"
        return Queue(name, self.own_quorum, arguments, exchange, key="", own=True)
