"""oslo.messaging's rabbit driver: names of exchanges and queues, properties, and which endpoint a request means. Pure.

    request   exchange EX, key TOPIC or TOPIC.SERVER; fanout: exchange TOPIC_fanout, no key
    reply     default exchange, key = the caller's queue
    server    queues TOPIC and TOPIC.SERVER bound to EX, TOPIC_fanout_ID bound to TOPIC_fanout

As oslo.messaging 18.3 declares them (_drivers/impl_rabbit.py). Arguments are named; there are no others.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from rpcctl.errors import ArgumentError, UsageError
from rpcctl.messages import INSPECT, PING, Reply, Request

from . import codec
from .codec import Answer, Call, Ids
from .dialects import Route
from .layout import Exchange, Kind, Layout, ReplyQueue
from .message import Delivery, Message

EXCHANGE = "openstack"
_RESERVED = (INSPECT, PING)


class Endpoint(NamedTuple):
    """Methods of one namespace and version: those whose names begin with the prefix."""

    prefix: str = ""
    namespace: str | None = None
    version: str = "1.0"


class Oslo:
    """The dialect of oslo.messaging 4.0 and later."""

    late = False

    def __init__(self, route: Route, options: Mapping[str, Any], max_message: int) -> None:
        """Read the options of whichever end it is."""
        self._route = route
        self._exchange = route.exchange or EXCHANGE
        self._max_message = max_message
        self._key = f"{route.topic}.{route.server}" if route.server else route.topic
        self._namespace, self._version = "", ""
        self._endpoints: tuple[Endpoint, ...] = (Endpoint(),)
        namespace, version = options.get("namespace"), options.get("version")
        if isinstance(namespace, tuple) or isinstance(version, tuple):
            self._endpoints = read_endpoints(namespace or (), version or ())
        else:
            self._namespace, self._version = namespace or "", _check_version(version or "")
        monitor = codec.monitor_of(options)
        self._beat = None if monitor is None else int(monitor)

    def request(self, request: Request, ids: Ids, timeout: float | None) -> Message:
        """A call, cast or fanout cast."""
        if request.args:
            raise ArgumentError(
                f"{request.method}: oslo.messaging has no arguments by position", hint="name each one, as in name=value"
            )
        targeted = request.method not in _RESERVED
        message = codec.request_message(
            request,
            ids,
            namespace=self._namespace if targeted else "",
            version=self._version if targeted else "",
            beat=self._beat,
        )
        properties: Mapping[str, Any] = codec.JSON_PROPERTIES
        if ids.reply_to and timeout is not None:
            properties = {**properties, "expiration": str(max(1, int(timeout * 1000)))}
        exchange, key = (f"{self._route.topic}_fanout", "") if request.fanout else (self._exchange, self._key)
        return Message(exchange, key, codec.wrap(message), properties)

    def read_reply(self, delivery: Delivery) -> Answer:
        """A reply or a sign of life."""
        return codec.read_reply(codec.unwrap(codec.read_json(delivery, self._max_message)))

    def reply_queue(self, id: str, seconds: float) -> ReplyQueue:
        """A durable queue that goes by itself: a reply that comes late must find it, or it holds up the server."""
        arguments = {"x-queue-type": "classic", "x-expires": max(60_000, int(seconds * 1000))}
        return ReplyQueue(f"reply_{id}", f"reply_{id}", {"durable": True, "arguments": arguments})

    def queue(self) -> str:
        """The queue in which requests wait."""
        return self._key

    def layout(self, server: str, id: str, kind: Kind) -> Layout:
        """The five objects of an oslo.messaging server."""
        topic, exchange = self._route.topic, self._exchange
        fanout = f"{topic}_fanout"
        return Layout(
            (
                Exchange(exchange, "topic", kind.durable or kind.quorum),
                Exchange(fanout, "fanout", kind.own_quorum, auto_delete=True),
            ),
            (
                kind.queue(topic, exchange, topic),
                kind.queue(f"{topic}.{server}", exchange, f"{topic}.{server}"),
                kind.passing(f"{fanout}_{id}", fanout)._replace(key=topic),
            ),
        )

    def read_call(self, delivery: Delivery) -> Call:
        """A request, its method as the served table has it."""
        call = codec.read_request(codec.unwrap(codec.read_json(delivery, self._max_message)))
        if call.refusal is not None or call.method in _RESERVED:
            return call
        for each in self._endpoints:
            if each.namespace == call.namespace and codec.is_compatible(call.version, each.version):
                return call._replace(method=each.prefix + call.method)
        return call._replace(refusal=codec.unsupported(call.method, call.version))

    def reply(self, call: Call, reply: Reply | None, unique: str) -> Message:
        """A reply or a sign of life."""
        body = codec.wrap(codec.reply_message(reply, call.id, unique))
        return Message("", call.reply_to, body, codec.JSON_PROPERTIES)


make = Oslo


def read_endpoints(namespaces: tuple[str, ...], versions: tuple[str, ...]) -> tuple[Endpoint, ...]:
    """`NAME` for all methods, `PREFIX=NAME` for those of one target, as endpoints; UsageError for a wrong version."""
    named = dict(_split(each) for each in namespaces)
    versioned = {prefix: _check_version(version) for prefix, version in map(_split, versions)}
    prefixes = [each for each in {**named, **versioned} if each]
    made = [
        Endpoint(f"{each}.", named.get(each, named.get("")) or None, versioned.get(each, versioned.get("")) or "1.0")
        for each in prefixes
    ]
    if not prefixes or "" in named or "" in versioned:
        made.append(Endpoint("", named.get("") or None, versioned.get("") or "1.0"))
    return tuple(made)


def _split(text: str) -> tuple[str, str]:
    prefix, equals, name = text.partition("=")
    return (prefix, name) if equals else ("", text)


def _check_version(text: str) -> str:
    if text and not codec.is_version(text):
        raise UsageError(f"{text!r} is no version of an endpoint", hint="MAJOR.MINOR, as 2.0")
    return text
