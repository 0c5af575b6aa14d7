"""The calls of a client over one connection: what was sent, what became of it, and which reply belongs to it.

When the connection is lost the conversation is over, and every call in it gets to know; the client begins another.
"""

import os
from collections.abc import Iterable, Sequence

from rpcctl.address import Address
from rpcctl.errors import (
    ConnectionLostError,
    DeadlineError,
    MethodNotFoundError,
    RemoteProtocolError,
    RpcctlError,
)
from rpcctl.interfaces import Settings
from rpcctl.limits import first_limit
from rpcctl.messages import NEVER, Deadline, Reply, Request, Result

from .codec import Ids, monitor_of
from .dialects import Dialect
from .layout import ReplyQueue
from .link import Link, exists
from .message import REFUSED, TAKEN, UNROUTABLE, Delivery
from .spelling import Speller, show

_REPLIES = "replies"
_DOUBT = 1.0
"""Seconds without a reply after which it is looked whether anybody takes requests from the queue."""
_FOREVER = 3600.0
"""Seconds for which the reply queue of calls without a time limit is kept after the client has gone."""


class _Waiting:
    """A call whose reply is not there yet."""

    __slots__ = ("doubt", "fate", "heard", "limit", "reply", "request")

    def __init__(self, request: Request) -> None:
        self.request = request
        self.limit = first_limit(request)
        self.reply: Reply | None = None
        self.fate = ""
        """What became of the request: one of the fates of a message, or empty while that is not known."""
        self.doubt: Deadline | None = None if request.oneway else Deadline.after(_DOUBT)
        """When to look whether there is a server at all; None when that was done."""
        self.heard: Deadline | None = None
        """Until when the next sign of life is due, if some are wanted."""

    def settle(self, fate: str) -> None:
        self.fate = fate


class Conversation:
    """Calls in flight. Belongs to one thread at a time."""

    def __init__(self, link: Link, dialect: Dialect, at: Address, settings: Settings, speller: Speller) -> None:
        """Go on over an open connection."""
        self.over = False
        """Whether the connection is lost or closed."""
        self._link = link
        self._dialect = dialect
        self._at = at
        self._settings = settings
        self._speller = speller
        self._end: RpcctlError | None = None
        """What ended the connection."""
        self._monitor = monitor_of(settings.options)
        self._replies: ReplyQueue | None = None
        self._calls: dict[str, _Waiting] = {}
        self._late = False
        """Whether a reply may still come: its queue is then left to go by itself."""
        self._blocked = ""
        link.on_delivery, link.on_blocked = self._take, self._note_blocked

    def is_stale(self) -> bool:
        """Whether the connection has ended unnoticed, while there was no call."""
        link = self._link
        if not self.over and link.heartbeat and link.idle > link.heartbeat and not self._calls:
            try:
                link.wait(0.0)
            except RpcctlError as exc:
                self._give_up(exc)
        return self.over

    def ask(self, request: Request) -> Reply:
        """Make one call and wait for its reply, or for the fate of a one-way call."""
        key = self.begin(request)
        try:
            return self.wait_for(key)
        finally:
            self.end(key)

    def ask_all(self, requests: Sequence[Request]) -> list[Reply]:
        """Send all, then take the replies as they come; in the order of the requests."""
        begun = [self.begin(each) for each in requests]
        try:
            return [self.wait_for(key) for key in begun]
        finally:
            for key in begun:
                self.end(key)

    def begin(self, request: Request) -> str:
        """Publish a request; the key under which it is known here."""
        key, unique = os.urandom(16).hex(), os.urandom(16).hex()
        ids = Ids("", "", unique) if request.oneway else Ids(key, self._reply_queue(request).to, unique)
        message = self._speller.spell(request, ids)
        call = self._calls[key] = _Waiting(request)
        if self._monitor is not None and not request.oneway:
            call.heard = Deadline.after(self._monitor)
        if self._settings.trace is not None:
            self._settings.trace(">", show(request, message), message.body)
        self._link.publish(message, call.settle)
        return key

    def wait_for(self, key: str) -> Reply:
        """The reply to a call; the fate of a one-way call. Raises what the broker or the clock says."""
        while (reply := self.outcome(key)) is None:
            self.pump((key,))
        return reply

    def outcome(self, key: str) -> Reply | None:
        """The same without waiting: None while there is none. A one-way call has a Result when the broker has it."""
        call = self._calls[key]
        if call.reply is not None:
            return self._speller.read(call.request, call.reply)
        if call.fate == UNROUTABLE:
            raise self.unserved(call.request.method)
        if call.fate == REFUSED:
            raise ConnectionLostError(f"{call.request.method}: the broker refused it: is a queue full?")
        if call.fate == TAKEN and call.request.oneway:
            return Result(None)
        if self._end is not None:
            raise self._lost(call, self._end) from self._end
        self._check_time(call)
        return None

    def pump(self, keys: Iterable[str], deadline: Deadline = NEVER) -> None:
        """Send what waits and take in what comes, until the deadline or the next limit of these calls.

        What ends the connection is told by `outcome`.
        """
        if self.over:
            return
        until = deadline
        doubtful: list[_Waiting] = []
        for call in map(self._calls.__getitem__, keys):
            for each in (call.limit.deadline, call.heard, call.doubt):
                until = until if each is None else until.sooner(each)
            if call.doubt is not None and call.doubt.expired():
                doubtful.append(call)
        try:
            if doubtful:
                self._look(doubtful)
            else:
                self._link.wait(until.remaining())
        except RpcctlError as exc:
            # Also what the broker refuses: it ends its channel, and with it all that is under way there.
            self._give_up(exc)

    def hand_over(self) -> None:
        """Send what waits, without waiting for anything."""
        try:
            self._link.send()
        except RpcctlError as exc:
            self._give_up(exc)

    @property
    def heartbeat(self) -> int:
        """Seconds between signs of life, 0 for none."""
        return 0 if self.over else self._link.heartbeat

    def end(self, key: str) -> None:
        """Forget a call."""
        call = self._calls.pop(key, None)
        if call is not None and call.reply is None and not call.request.oneway and call.fate != UNROUTABLE:
            self._late = True

    def close(self) -> None:
        """Remove what is left of it at the broker, and say goodbye."""
        self.over, self._end = True, ConnectionLostError(f"{self._at}: the connection is closed")
        try:
            self._drop_replies()
        except RpcctlError:
            pass  # The broker has left first.
        self._link.close()

    def unserved(self, what: str) -> RpcctlError:
        """Nobody takes what was to be sent."""
        return MethodNotFoundError(
            f"{what}: nobody has ever served {self._dialect.queue()!r} at {self._at}",
            hint="is the topic right? rpcctl wait ADDRESS waits until it is served",
        )

    def _look(self, calls: Iterable[_Waiting]) -> None:
        """Say so when nobody takes requests: the calls wait all the same, as a server may come."""
        for call in calls:
            call.doubt = None
        if self._link.virtual:
            return
        queue = exists(self._link, self._dialect.queue())
        if queue is not None and not queue.consumers:
            self._settings.note(f"no server takes from the queue {queue.name!r}; {queue.messages} messages wait there")

    def _check_time(self, call: _Waiting) -> None:
        late = call.heard is not None and call.heard.expired()
        if not call.limit.deadline.expired() and not late:
            return
        method = call.request.method
        if self._blocked:
            raise DeadlineError(f"{method}: the broker blocks publishers: {self._blocked}")
        if late:
            raise DeadlineError(f"{method}: no sign of life of its server for {self._monitor:g} s (--call-monitor)")
        raise call.limit.error(call.request)

    def _give_up(self, exc: RpcctlError) -> None:
        self.over, self._end = True, exc
        self._link.abort()
        self._link.close()

    def _lost(self, call: _Waiting, exc: RpcctlError) -> RpcctlError:
        """What a call is told when the connection has ended."""
        if isinstance(exc, MethodNotFoundError):
            return self.unserved(call.request.method)
        if not isinstance(exc, ConnectionLostError):
            return type(exc)(exc.message, hint=exc.hint)
        known = "it may not have been taken" if call.request.oneway else "it may have run"
        return ConnectionLostError(f"{call.request.method}: {exc.message}; {known}", hint=exc.hint)

    def _take(self, delivery: Delivery) -> None:
        """A reply arrived: to its call, if that still waits."""
        try:
            answer = self._dialect.read_reply(delivery)
        except RemoteProtocolError as exc:
            if self._settings.trace is not None:
                self._settings.trace("*", f"a message in the reply queue was dropped: {exc.message}", delivery.body)
            return
        if self._settings.trace is not None:
            self._settings.trace("<", "a sign of life" if answer.reply is None else repr(answer.reply), delivery.body)
        call = self._calls.get(answer.id)
        if call is None:
            return
        if answer.reply is not None:
            call.reply = answer.reply
        elif self._monitor is not None:
            call.heard = Deadline.after(self._monitor)

    def _reply_queue(self, request: Request) -> ReplyQueue:
        if self._replies is not None:
            return self._replies
        link = self._link
        limit = first_limit(request).deadline.remaining()
        found = self._dialect.reply_queue(os.urandom(16).hex(), 2 * (_FOREVER if limit is None else limit))
        if link.virtual and found.declared is None:
            name = f"reply_{os.urandom(16).hex()}"
            found = ReplyQueue(name, name, {})
        if found.declared is not None:
            link.declare_queue(found.name, **found.declared)
            if found.exchange:
                link.bind(found.name, found.exchange, found.to)
        link.consume(found.name, _REPLIES, no_ack=True)
        self._replies = found
        return found

    def _drop_replies(self) -> None:
        """Remove the reply queue, unless a late reply needs it: without it that would hold up the server."""
        queue = self._replies
        if queue is None or queue.declared is None or self._late:
            return
        # Cancelled first: RabbitMQ would tell us that the consumer is gone in the midst of closing.
        self._link.cancel(_REPLIES)
        self._link.delete_queue(queue.name)

    def _note_blocked(self, reason: str) -> None:
        self._blocked = reason
