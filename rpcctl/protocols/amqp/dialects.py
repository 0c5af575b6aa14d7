"""The ways in which programs talk over RabbitMQ, each with one shape, and imported when it is asked for.

A dialect knows bodies, properties, names of queues and exchanges; it moves nothing. Pure.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

from rpcctl.address import Address
from rpcctl.errors import AddressError, UsageError
from rpcctl.messages import Reply, Request

from .codec import Answer, Call, Ids
from .layout import Kind, Layout, ReplyQueue
from .message import Delivery, Message

NAMES = ("oslo", "plain", "nameko", "celery")


class Route:
    """What is called: a Target, as oslo.messaging has it. `exchange` is empty for the dialect's own."""

    def __init__(self, at: Address, options: Mapping[str, Any]) -> None:
        """AddressError when no topic is named."""
        self.topic: str = options.get("topic") or ""
        if not self.topic:
            raise AddressError(f"{at} names no topic", hint=f"{at}{'&' if at.options else '?'}topic=NAME")
        self.exchange: str = options.get("exchange") or ""
        self.server: str = options.get("server") or ""


class Dialect(Protocol):
    """One way to talk. Made with (route, options, max_message)."""

    late: bool
    """Whether its servers acknowledge after the reply when nothing else is said."""

    def request(self, request: Request, ids: Ids, timeout: float | None) -> Message:
        """What is sent for a call, or for a one-way call when `ids` has no place to reply to; seconds until its end."""

    def read_reply(self, delivery: Delivery) -> Answer:
        """A reply; RemoteProtocolError when it is none."""

    def reply_queue(self, id: str, seconds: float) -> ReplyQueue:
        """Where a client takes its replies; the queue goes by itself, so many seconds after its client."""

    def queue(self) -> str:
        """The queue in which requests wait."""

    def layout(self, server: str, id: str, kind: Kind) -> Layout:
        """What a server of that name declares and consumes; `id` makes names unique."""

    def read_call(self, delivery: Delivery) -> Call:
        """A request; RemoteProtocolError when it is none that can be answered."""

    def reply(self, call: Call, reply: Reply | None, unique: str) -> Message:
        """What is sent for a Result or Failure, or as a sign of life; TypeError, ValueError when it cannot be."""


def dialect_of(at: Address, options: Mapping[str, Any], max_message: int) -> Dialect:
    """The dialect that the options ask for; AddressError when no topic is named, UsageError for what it lacks."""
    name = options.get("dialect") or NAMES[0]
    if name != NAMES[0] and options.get("call-monitor") is not None:
        raise UsageError(f"dialect={name} has no signs of life for --call-monitor", hint="--timeout limits a call")
    made: Dialect = import_module(f"rpcctl.protocols.amqp.{name}").make(Route(at, options), options, max_message)
    return made
