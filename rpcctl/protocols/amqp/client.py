"""Calls what is served behind a broker, in any dialect: calls, casts, and what the broker knows of a topic.

The client declares nothing that others share: a missing exchange or queue means that nobody has ever served it, and
is told at once. A call expires in its queue when its caller has given up.
"""

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

from rpcctl.address import Address
from rpcctl.errors import (
    ArgumentError,
    ConnectError,
    ConnectionLostError,
    DeadlineError,
    MethodNotFoundError,
    RemoteProtocolError,
    RpcctlError,
    TransportError,
    UsageError,
)
from rpcctl.interfaces import Settings
from rpcctl.limits import Limit, first_limit
from rpcctl.messages import INSPECT, PING, Deadline, Failure, Presence, Reply, Request, Result

from .codec import Ids
from .description import from_plain
from .dialects import dialect_of
from .layout import Kind, ReplyQueue
from .link import Link, exists
from .links import link_of
from .message import REFUSED, TAKEN, UNROUTABLE, Delivery, Message

_REPLIES = "replies"
_FOREVER = 3600.0
"""Seconds for which the reply queue of calls without a time limit is kept after the client has gone."""
_FAREWELL = 1.0


class _Waiting:
    """A call whose reply is not there yet."""

    __slots__ = ("fate", "heard", "reply", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.reply: Reply | None = None
        self.fate = ""
        """What became of the request: one of the fates of a message, or empty while that is not known."""
        self.heard: Deadline | None = None
        """Until when the next sign of life is due, if some are wanted."""

    def settle(self, fate: str) -> None:
        self.fate = fate


class Client:
    """Calls the methods of one topic. Usable from one thread at a time; `close` from any."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Read the options; touches no network."""
        options = settings.options
        self._address = address
        self._settings = settings
        self._dialect = dialect_of(address, options, settings.max_message)
        self._context = dict(map(_read_context, options.get("context") or ()))
        self._monitor: float | None = options.get("call-monitor")
        self._link: Link | None = None
        self._replies: ReplyQueue | None = None
        self._calls: dict[str, _Waiting] = {}
        self._late = False
        """Whether a reply may still come: its queue is then left to go by itself."""
        self._busy = False
        self._closed = False
        self._blocked = ""

    def connect(self, deadline: Deadline) -> None:
        """Reach the broker and log in."""
        if self._closed:
            raise self._closed_error()
        if self._link is None:
            link = link_of(self._address, self._settings)
            link.on_delivery, link.on_blocked = self._take, self._note_blocked
            link.open(deadline)
            if link.virtual:
                # Exchanges are known to the process that declared them, and to no other.
                for each in self._dialect.layout("", "", Kind()).exchanges:
                    link.declare_exchange(each.name, each.kind)
            self._link, self._replies = link, None

    def send(self, request: Request) -> Iterator[Reply]:
        """Send on the first `next`; yield the reply. Several calls may be under way at once."""
        if request.oneway:
            return self._cast(request)
        if request.method == INSPECT:
            return self._inspect(request)
        if request.method == PING:
            return self._ping(request)
        return self._call(request)

    def send_batch(self, requests: Sequence[Request]) -> list[Reply | None]:
        """Send all, then take the replies as they come: in the order of the requests, None for one-way calls."""
        for each in requests:
            self._spell(each, Ids("i", "q", "u"))
        begun = [self._begin(each) for each in requests]
        try:
            replies = [self._await(key) for key in begun]
            return [None if each.oneway else reply for each, reply in zip(requests, replies, strict=True)]
        finally:
            for key in begun:
                self._end(key)

    def close(self) -> None:
        """Free the connection; calls that wait raise ConnectionLostError."""
        self._closed = True
        link = self._link
        if link is None:
            return
        if self._busy:
            link.abort()
            return
        self._link = None
        try:
            self._drop_replies(link)
        except RpcctlError:
            pass  # The broker has left first.
        link.close()

    def _call(self, request: Request) -> Iterator[Reply]:
        yield self._ask(request)

    def _cast(self, request: Request) -> Iterator[Reply]:
        self._ask(request)
        yield from ()

    def _ask(self, request: Request) -> Reply:
        key = self._begin(request)
        try:
            return self._await(key)
        finally:
            self._end(key)

    def _ping(self, request: Request) -> Iterator[Reply]:
        """Any reply is a sign of life; only our own servers tell a name."""
        link = self._ready(request)
        notes = self._look(link)
        reply = self._ask(request)
        name = reply.value if isinstance(reply, Result) and isinstance(reply.value, str) else ""
        yield Result(Presence(name, notes))

    def _inspect(self, request: Request) -> Iterator[Reply]:
        reply = self._ask(request)
        if isinstance(reply, Result):
            yield Result(from_plain(reply.value))
        elif isinstance(reply, Failure) and reply.kind in ("no_method", "remote"):
            notes = self._look(self._ready(request))
            raise MethodNotFoundError(
                f"{self._address}: a server is there, but does not tell its methods: {reply.type}",
                hint=f"only rpcctl's own do; {Presence('', notes).describe()}",
            )
        else:
            yield reply

    def _look(self, link: Link) -> dict[str, Any]:
        """What the broker says of the queue; ConnectError when nobody takes from it."""
        if link.virtual:
            return {}
        name = self._dialect.queue()
        queue = exists(link, name)
        if queue is None:
            raise self._unserved(name)
        notes = {"queue": name, "waiting": queue.messages, "consumers": queue.consumers}
        if not queue.consumers:
            raise ConnectError(
                f"{self._address}: no server takes from the queue {name}, where {queue.messages} messages wait",
                hint="they are kept until one is started",
            )
        return notes

    def _begin(self, request: Request) -> str:
        """Publish a request; the id under which it is known here."""
        link = self._ready(request)
        call_id, unique = os.urandom(16).hex(), os.urandom(16).hex()
        reply_to = "" if request.oneway else self._reply_queue(link, request).to
        message = self._spell(request, Ids("" if request.oneway else call_id, reply_to, unique))
        call = self._calls[call_id] = _Waiting(request)
        if self._monitor is not None and not request.oneway:
            call.heard = Deadline.after(self._monitor)
        if self._settings.trace is not None:
            shown = f"{request.method} {dict(request.kwargs) or list(request.args)!r}"
            self._settings.trace(">", f"{shown} to {message.exchange or 'queue'} {message.key}", message.body)
        link.publish(message, call.settle)
        return call_id

    def _spell(self, request: Request, ids: Ids) -> Message:
        context = {**self._context, **request.context}
        timeout = first_limit(request).deadline.remaining()
        try:
            message = self._dialect.request(request._replace(context=context), ids, timeout)
        except (TypeError, ValueError, RecursionError) as exc:
            raise ArgumentError(f"{request.method}: the arguments cannot be sent: {exc}") from exc
        most = self._settings.max_message
        if len(message.body) > most:
            raise ArgumentError(
                f"{request.method}: the message has {len(message.body)} bytes, {most} are allowed",
                hint="a larger --max-message, at both ends",
            )
        return message

    def _await(self, key: str) -> Reply:
        """The reply to a call; the fate of a one-way call. Raises what the broker or the clock says."""
        call = self._calls[key]
        limit = first_limit(call.request)
        while call.reply is None:
            if call.fate == UNROUTABLE:
                raise self._unserved(call.request.method)
            if call.fate == REFUSED:
                raise ConnectionLostError(f"{call.request.method}: the broker refused it: is a queue full?")
            if call.fate == TAKEN and call.request.oneway:
                return Result(None)
            self._check_time(call, limit)
            self._wait(call, limit)
        return call.reply

    def _check_time(self, call: _Waiting, limit: Limit) -> None:
        late = call.heard is not None and call.heard.expired()
        if not limit.deadline.expired() and not late:
            return
        self._late = True
        if self._blocked:
            raise DeadlineError(f"{call.request.method}: the broker blocks publishers: {self._blocked}")
        if late:
            raise DeadlineError(
                f"{call.request.method}: no sign of life of its server for {self._monitor:g} s (--call-monitor)"
            )
        raise limit.error(call.request)

    def _wait(self, call: _Waiting, limit: Limit) -> None:
        until = limit.deadline if call.heard is None else limit.deadline.sooner(call.heard)
        link = self._link
        if link is None:
            raise self._closed_error()
        self._busy = True
        try:
            link.wait(until.remaining())
        except MethodNotFoundError as exc:
            self._drop(link)
            raise self._unserved(call.request.method) from exc
        except TransportError as exc:
            self._drop(link)
            raise self._lost(call, exc) from exc
        finally:
            self._busy = False

    def _lost(self, call: _Waiting, exc: TransportError) -> TransportError:
        if self._closed:
            return self._closed_error()
        if not isinstance(exc, ConnectionLostError):
            return exc
        known = "it was not taken" if call.request.oneway else "it may have run"
        return ConnectionLostError(f"{call.request.method}: {exc.message}; {known}", hint=exc.hint)

    def _end(self, key: str) -> None:
        call = self._calls.pop(key, None)
        if call is not None and call.reply is None and call.fate != UNROUTABLE:
            self._late = True

    def _take(self, delivery: Delivery) -> None:
        """A reply arrived: to its call, if that still waits."""
        try:
            answer = self._dialect.read_reply(delivery)
        except RemoteProtocolError as exc:
            self._trace(f"a message in the reply queue was dropped: {exc.message}", None)
            return
        if self._settings.trace is not None:
            self._settings.trace("<", repr(answer.reply), delivery.body)
        call = self._calls.get(answer.id)
        if call is None:
            return
        if answer.reply is not None:
            call.reply = answer.reply
        elif self._monitor is not None:
            call.heard = Deadline.after(self._monitor)

    def _reply_queue(self, link: Link, request: Request) -> ReplyQueue:
        if self._replies is not None:
            return self._replies
        limit = first_limit(request).deadline.remaining()
        found = self._dialect.reply_queue(os.urandom(16).hex(), 2 * (_FOREVER if limit is None else limit))
        if link.virtual and found.declared is None:
            found = ReplyQueue(f"reply_{found.to}_{os.urandom(16).hex()}", found.to, {})
            found = found._replace(to=found.name)
        if found.declared is not None:
            link.declare_queue(found.name, **found.declared)
            if found.exchange:
                link.bind(found.name, found.exchange, found.to)
        link.consume(found.name, _REPLIES, no_ack=True)
        self._replies = found
        return found

    def _drop_replies(self, link: Link) -> None:
        """Remove the reply queue, unless a late reply needs it: without it that would hold up the server."""
        queue = self._replies
        if queue is None or queue.declared is None or self._late:
            return
        # Cancelled first: RabbitMQ would tell us that the consumer is gone in the midst of closing.
        link.cancel(_REPLIES)
        link.delete_queue(queue.name)

    def _ready(self, request: Request) -> Link:
        """The connection; made anew when it was lost or has been silent for so long that the broker will have gone."""
        link = self._link
        if self._closed:
            raise self._closed_error()
        if link is not None and link.heartbeat and link.idle > link.heartbeat and not self._calls:
            try:
                link.wait(0.0)
            except RpcctlError:
                self._drop(link)
        if self._link is None:
            self.connect(first_limit(request).deadline)
        assert self._link is not None
        return self._link

    def _drop(self, link: Link) -> None:
        self._link, self._replies = None, None
        link.abort()
        link.close()

    def _note_blocked(self, reason: str) -> None:
        self._blocked = reason

    def _trace(self, text: str, data: bytes | None) -> None:
        if self._settings.trace is not None:
            self._settings.trace("*", text, data)

    def _unserved(self, what: str) -> RpcctlError:
        return MethodNotFoundError(
            f"{what}: nobody has ever served {self._dialect.queue()!r} at {self._address}",
            hint="is the topic right? rpcctl wait ADDRESS waits until it is served",
        )

    def _closed_error(self) -> ConnectionLostError:
        return ConnectionLostError(f"{self._address}: the connection is closed")


def _read_context(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(
            f"--context {text!r} is not KEY=VALUE", hint="--context user=ann --context 'roles=[\"admin\"]'"
        )
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value
