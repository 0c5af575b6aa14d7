"""What a server does with requests: which are run, refused, repeated or poison. Lives on the thread that owns the
connection, but for `post`, which any thread may call.

No more is taken than runs side by side: what waits here is not acknowledged, and goes to others if this server dies.
Nothing that a peer sends raises, and nothing is given back to the queue for ever.
"""

import os
from collections import OrderedDict, deque
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from time import monotonic

from rpcctl.errors import RemoteProtocolError, RpcctlError
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.messages import Request

from . import INFO
from .calls import Taken
from .codec import Call
from .dialects import Dialect
from .link import Link
from .message import TAKEN, UNROUTABLE, Delivery

_REMEMBERED = 1000
"""Requests whose repetition is noticed."""
_RETRIES = (0.5, 1.0, 2.0)
"""Seconds after which a reply is sent again that found no queue: a client that lost its broker makes it anew."""
_TRIES = 3
"""Connections over which a reply is sent, at most: one that ends them must not be sent for ever."""
_SHOWN = 200


class Intake:
    """The requests of one server; it is their Outlet."""

    def __init__(self, dialect: Dialect, settings: Settings, *, late: bool, wake: Callable[[], None]) -> None:
        """`late` tells when requests are acknowledged; `wake` is called when something was posted."""
        self.dialect = dialect
        self.max_message = settings.max_message
        self.max_items = settings.max_items
        self.draining = False
        self.generation = 0
        self.running = 0
        self.capacity = 1
        self.own_queues: frozenset[str] = frozenset()
        """Where no reply may be sent to: a server that answers itself would never come to rest."""
        self._settings = settings
        self._late = late
        self._wake = wake
        self._link: Link | None = None
        self._held: deque[Delivery] = deque()
        self._posted: deque[Taken] = deque()
        self._unsent: dict[int, Taken] = {}
        self._seen: OrderedDict[str, bool] = OrderedDict()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def serve(self, handler: Handler, executor: Executor) -> None:
        """From now on requests are run by these."""
        self._handler, self._executor = handler, executor
        self.capacity = executor.capacity

    def attach(self, link: Link) -> None:
        """Take requests from that connection; replies that the last one did not confirm go over this one."""
        self._link = link
        self.generation += 1
        self._held.clear()
        for taken in self._unsent.values():
            if taken.tries < _TRIES:
                self._posted.append(taken)
            else:
                self._note(f"the reply to {taken.call.method} is given up: the connection did not survive it")
        self._unsent.clear()
        link.on_delivery = self._hold

    def new_id(self) -> str:
        """An id that nobody else makes."""
        return os.urandom(16).hex()

    def post(self, taken: Taken) -> None:
        """See to a request whose reply is there. From any thread."""
        self._posted.append(taken)
        self._wake()

    def has_posted(self) -> bool:
        """Whether `turn` has something to do."""
        return bool(self._posted)

    def turn(self) -> float | None:
        """Send what was posted, start what can be; seconds until the next turn is due, None for no time limit."""
        while True:
            self._answer_posted()
            begun = self._take_held()
            if not begun:
                break
            # Before they run: what is acknowledged now runs once at most, whatever befalls this server.
            self._current().send()
            for call, delivery in begun:
                self._run(call, delivery)
        now = monotonic()
        while self._timers and self._timers[0][0] <= now:
            heappop(self._timers)[2]()
        return max(0.0, self._timers[0][0] - now) if self._timers else None

    def _answer_posted(self) -> None:
        while self._posted:
            taken = self._posted.popleft()
            if taken.tries == 0:
                self.running -= 1
            self._answer(taken)

    def _take_held(self) -> list[tuple[Call, Delivery]]:
        """The requests that can be run now, acknowledged if that is to be early."""
        begun: list[tuple[Call, Delivery]] = []
        while self._held and self.running + len(begun) < self.capacity and not self.draining:
            delivery = self._held.popleft()
            call = self._read(delivery)
            if call is not None:
                begun.append((call, delivery))
        return begun

    def give_back(self) -> None:
        """Take nothing more, and let others have what was not started."""
        self.draining = True
        while self._held:
            self._current().reject(self._held.popleft().tag, requeue=True)

    def _hold(self, delivery: Delivery) -> None:
        if self.draining:
            self._current().reject(delivery.tag, requeue=True)
        else:
            self._held.append(delivery)

    def _read(self, delivery: Delivery) -> Call | None:
        """The request that a message is; None when it is rejected, or repeats one."""
        link = self._current()
        try:
            call = self.dialect.read_call(delivery)
            self._check_reply(call)
        except RemoteProtocolError as exc:
            link.reject(delivery.tag, requeue=False)
            self._note(f"rejected a message of {delivery.size} bytes to {delivery.key[:_SHOWN]!r}: {exc.message}")
            return None
        if self._settings.trace is not None:
            self._settings.trace("<", f"{call.method} {dict(call.kwargs) or list(call.args)!r}", delivery.body)
        repeated = self._is_repeated(call)
        if repeated or not self._late:
            link.ack(delivery.tag)
        if repeated:
            self._note(f"dropped a repetition of {call.method[:_SHOWN]}")
            return None
        return call

    def _run(self, call: Call, delivery: Delivery) -> None:
        taken = Taken(self, call, delivery.tag, self.generation)
        self.running += 1
        if call.refusal is not None:
            taken.deliver(call.refusal)
            taken.ended()
            return
        request = Request(
            call.method,
            call.args,
            call.kwargs,
            oneway=not call.reply_to,
            encoding=INFO.encoding,
            context=call.context,
            peer=delivery.properties.get("user_id") or call.reply_to or delivery.key,
        )
        if call.beat and call.reply_to:
            self._after(call.beat, lambda: self._beat(taken))
        taken.attach(self._executor.submit(self._handler, request, taken, self.max_items + 1))

    def _check_reply(self, call: Call) -> None:
        name = call.reply_to
        if name and (len(name.encode()) > 255 or name in self.own_queues):
            raise RemoteProtocolError(f"it wants its reply in {name[:_SHOWN]!r}")

    def _is_repeated(self, call: Call) -> bool:
        """Whether it was seen before; with late acknowledgement, whether it came to its end."""
        key = call.unique
        if not key:
            return False
        if self._seen.get(key):
            return True
        self._seen[key] = not self._late
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False

    def _answer(self, taken: Taken) -> None:
        """Publish the reply, if there is one, and acknowledge what is acknowledged late."""
        if taken.call.unique in self._seen:
            self._seen[taken.call.unique] = True
        if taken.message is None:
            self._finish(taken)
            return
        taken.tries += 1
        number = next(self._numbers)
        self._unsent[number] = taken
        if self._settings.trace is not None:
            self._settings.trace(">", f"the reply to {taken.call.method}", taken.message.body)
        try:
            self._current().publish(taken.message, lambda fate: self._settle(number, fate))
        except RpcctlError as exc:
            del self._unsent[number]
            self._note(f"the reply to {taken.call.method} cannot be sent: {exc.message}")
            self._finish(taken)

    def _settle(self, number: int, fate: str) -> None:
        taken = self._unsent.pop(number, None)
        if taken is None:
            return
        if fate == UNROUTABLE and taken.tries <= len(_RETRIES):
            self._after(_RETRIES[taken.tries - 1], lambda: self._answer(taken))
            return
        if fate != TAKEN:
            self._note(f"the reply to {taken.call.method} was dropped: its caller has gone")
        self._finish(taken)

    def _finish(self, taken: Taken) -> None:
        if self._late and taken.generation == self.generation:
            self._current().ack(taken.tag)

    def _beat(self, taken: Taken) -> None:
        if taken.ended_:
            return
        try:
            self._current().publish(taken.beat()._replace(mandatory=False))
        except RpcctlError:
            return
        self._after(taken.call.beat, lambda: self._beat(taken))

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        heappush(self._timers, (monotonic() + seconds, next(self._numbers), action))

    def _current(self) -> Link:
        assert self._link is not None
        return self._link

    def _note(self, text: str) -> None:
        self._settings.note(text)
        if self._settings.trace is not None:
            self._settings.trace("*", text, None)
