"""Follows notifications as oslo.messaging's listener does: from the queues that all listeners share, or a pool's own.

A notification is acknowledged when the next one is asked for: whoever stops in between gives it back. A broker that is
lost is looked for again, ever more slowly. A tap sees copies through a queue of its own, which goes with it.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator

from rpcctl.address import Address
from rpcctl.errors import ConnectError, ConnectionLostError, RemoteProtocolError, ResolveError
from rpcctl.interfaces import Settings
from rpcctl.messages import Deadline, Notification, Subscription

from . import notifications
from .declare import ensure_exchange
from .layout import Exchange
from .link import Link
from .links import link_of, pause_after
from .message import Delivery
from .notifier import declare_queue
from .oslo import EXCHANGE

_HELD = 100
"""Notifications taken from the broker before they are asked for."""


class Listener:
    """One listener. `adopt` is given each connection, to end it from outside, and says whether it is wanted at all."""

    def __init__(self, at: Address, settings: Settings, adopt: Callable[[Link], bool]) -> None:
        """Touches no network."""
        self._at = at
        self._settings = settings
        self._adopt = adopt
        self._options = settings.options
        self._exchange: str = settings.options.get("exchange") or EXCHANGE
        self._topic: str = settings.options.get("topic") or ""
        self._came: deque[Delivery] = deque()
        self._left: int | None = None
        """How many are still wanted."""

    def listen(self, subscription: Subscription) -> Generator[Notification, None, None]:
        """Notifications without end; with a limit in time, until it has passed."""
        tries, self._left = 0, subscription.most
        link = link_of(self._at, self._settings)
        while self._adopt(link):
            try:
                self._open(link, subscription)
                tries = max(tries, 1)
                for each in self._take(link, subscription):
                    tries = 1
                    yield each
                return
            except (ConnectionLostError, ConnectError, ResolveError) as exc:
                if not tries:
                    raise
                self._pause(tries - 1, subscription.limit, exc.message)
            finally:
                link.close()
            tries += 1
            link = link_of(self._at, self._settings)

    def _open(self, link: Link, subscription: Subscription) -> None:
        link.open(subscription.limit)
        self._came.clear()
        link.on_delivery = self._came.append
        link.prefetch(0 if subscription.requeue else _HELD)
        for number, queue in enumerate(self._queues(link, subscription), 1):
            link.consume(queue, str(number), no_ack=subscription.tap)

    def _queues(self, link: Link, subscription: Subscription) -> list[str]:
        """The names of the queues to take from, which are there from now on."""
        keys = [f"{self._topic}.{priority}" for priority in subscription.priorities]
        if subscription.tap:
            return [self._tap(link, keys)]
        if subscription.pool:
            for key in keys:
                declare_queue(link, self._exchange, subscription.pool, key, self._options)
            return [subscription.pool]
        for key in keys:
            declare_queue(link, self._exchange, key, key, self._options)
        return keys

    def _tap(self, link: Link, keys: list[str]) -> str:
        """A queue of our own. Without priorities it gets everything of the topic, calls and casts too."""
        ensure_exchange(link, Exchange(self._exchange, "topic"))
        name = f"rpcctl_tap_{os.urandom(16).hex()}"
        link.declare_queue(name, exclusive=True, auto_delete=True)
        for key in keys or [f"{self._topic}.#"]:
            link.bind(name, self._exchange, key)
        return name

    def _take(self, link: Link, subscription: Subscription) -> Iterator[Notification]:
        while self._left != 0:
            delivery = self._await(link, subscription)
            if delivery is None:
                return
            found = self._read(link, delivery, subscription)
            if found is None:
                continue
            yield found
            if self._left is not None:
                self._left -= 1
            if not subscription.tap and not subscription.requeue:
                link.ack(delivery.tag)
                link.send()

    def _await(self, link: Link, subscription: Subscription) -> Delivery | None:
        """The next message; None when time is over."""
        until = subscription.limit.sooner(Deadline.after(subscription.item_timeout))
        while not self._came:
            if until.expired():
                return None
            link.wait(until.remaining())
        return self._came.popleft()

    def _read(self, link: Link, delivery: Delivery, subscription: Subscription) -> Notification | None:
        try:
            found = notifications.read(delivery, self._settings.max_message)
        except RemoteProtocolError as exc:
            self._settings.note(f"passed over a message of {delivery.size} bytes to {delivery.key!r}: {exc.message}")
            if not subscription.tap:
                link.reject(delivery.tag, requeue=False)
            return None
        if self._settings.trace is not None:
            self._settings.trace("<", f"{found.event} to {delivery.key}", delivery.body)
        return found

    def _pause(self, tries: int, limit: Deadline, why: str) -> None:
        pause = pause_after(tries)
        left = limit.remaining()
        if left is not None and left < pause:
            raise ConnectionLostError(why)
        self._settings.note(f"{why}; trying again in {pause:.0f} s")
        time.sleep(pause)
