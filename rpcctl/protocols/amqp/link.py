"""A connection to RabbitMQ as calls need it: queues, messages with their fate, heartbeats. Belongs to one thread.

Everything is published with confirms on one channel, and what becomes of a message is told to whom it concerns; a
return (no queue for it) comes before the confirmation of the same message. Declarations go over a channel of their
own: what the broker refuses there closes that one only.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, NamedTuple

from rpcctl.errors import ArgumentError, ConnectError, ConnectionLostError, MethodNotFoundError, TransportError
from rpcctl.interfaces import Settings
from rpcctl.messages import NEVER, Deadline

from . import frames
from .faults import connecting, talking
from .message import REFUSED, TAKEN, UNROUTABLE, Delivery, Message, Outcome
from .place import Place
from .probe import name_other
from .wire import WORK, Wire

_DECLARE = 1
_PATIENCE = 10.0
"""Seconds for the broker to answer a declaration."""
_FAREWELL = 1.0
"""Seconds for it to say goodbye."""
_TICK = 4
"""Heartbeats are looked after that many times in their period."""


class Queue(NamedTuple):
    """What the broker says of a queue."""

    name: str
    messages: int
    consumers: int


class Link:
    """An open connection. `on_delivery` is called with each message; both may be set anew at any time."""

    virtual = False
    """Whether messages go without confirmation, limits in time, or notice that nobody takes them."""

    def __init__(self, place: Place, settings: Settings) -> None:
        """Touches no network."""
        self.on_delivery: Callable[[Delivery], None] = lambda delivery: None
        self.on_blocked: Callable[[str], None] = lambda reason: None
        """Told why the broker reads nothing more; an empty text when it reads again."""
        self._place = place
        self._settings = settings
        self._wire: Wire | None = None
        self._closed = False
        self._sent = 0
        self._pending: dict[int, tuple[Message, Outcome | None]] = {}
        self._unroutable: set[int] = set()

    def open(self, deadline: Deadline) -> None:
        """Reach the first of the hosts that lets us in; the error is the last one's."""
        hosts = self._place.hosts
        for host, port in hosts[:-1]:
            try:
                self._open(host, port, deadline)
                return
            except TransportError as exc:
                self.note(f"given up, on to the next host: {exc.message}")
        self._open(*hosts[-1], deadline)

    def note(self, text: str) -> None:
        """Tell the trace."""
        if self._settings.trace is not None:
            self._settings.trace("*", text, None)

    def declare_exchange(
        self, name: str, kind: str, *, durable: bool = False, auto_delete: bool = False, passive: bool = False
    ) -> None:
        """Make an exchange or, if `passive`, see that there is one: MethodNotFoundError when there is none."""
        with self._asking() as channel:
            channel.exchange_declare(name, kind, passive=passive, durable=durable, auto_delete=auto_delete)

    def declare_queue(self, name: str, *, passive: bool = False, **properties: Any) -> Queue:
        """Make a queue or, if `passive`, look at one: MethodNotFoundError when there is none."""
        with self._asking() as channel:
            return Queue(*channel.queue_declare(name, passive=passive, **{"auto_delete": False, **properties}))

    def bind(self, queue: str, exchange: str, key: str) -> None:
        """Have the exchange put what has that key into the queue."""
        with self._asking() as channel:
            channel.queue_bind(queue, exchange, key)

    def delete_queue(self, name: str) -> None:
        """Remove a queue, without waiting for an answer."""
        with self._asking() as channel:
            channel.queue_delete(name, nowait=True)

    def prefetch(self, count: int) -> None:
        """Take in at most so many messages that are not acknowledged, 0 for any number; before `consume`."""
        with self._asking(WORK) as channel:
            channel.basic_qos(0, count, False)

    def consume(
        self, queue: str, tag: str, *, no_ack: bool = False, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Have the queue's messages delivered."""
        with self._asking(WORK) as channel:
            channel.basic_consume(queue, tag, no_ack=no_ack, arguments=arguments and dict(arguments))

    def cancel(self, tag: str) -> None:
        """Have no more delivered; what is on its way still comes."""
        with self._asking(WORK) as channel:
            channel.basic_cancel(tag, nowait=True)

    def publish(self, message: Message, outcome: Outcome | None = None) -> None:
        """Have a message sent with the next `wait`; ArgumentError for names that are too long."""
        wire = self._current()
        try:
            data = frames.publish(
                WORK,
                message.exchange,
                message.key,
                message.mandatory,
                frames.write_properties(message.properties),
                message.body,
                wire.frame_max,
            )
        except (ValueError, TypeError, UnicodeError) as exc:
            raise ArgumentError(f"it cannot be published: {exc}") from exc
        self._sent += 1
        self._pending[self._sent] = message, outcome
        wire.put(data)

    def ack(self, tag: int) -> None:
        """Tell the broker, with the next `wait`, that a message is done with."""
        self._current().put(frames.ack(WORK, tag))

    def reject(self, tag: int, *, requeue: bool) -> None:
        """Give a message back, for others or for nobody."""
        self._current().put(frames.reject(WORK, tag, requeue))

    def wait(self, seconds: float | None) -> bool:
        """Send what waits, and take in what comes within so many seconds; whether anything did.

        Returns early for heartbeats. ConnectionLostError or another TransportError when the connection has ended.
        """
        wire = self._current()
        wire.deadline = Deadline.after(_PATIENCE)
        with talking(self._place.at):
            came = wire.pump(self._nap(seconds))
            self._tick(wire)
        return came

    def settle(self, deadline: Deadline) -> bool:
        """Wait until the broker has said what became of everything published; False when time is over first."""
        while self._pending and not deadline.expired():
            self.wait(deadline.remaining())
        return not self._pending

    def send(self) -> None:
        """Send what waits, as far as the socket takes it."""
        with talking(self._place.at):
            self._current().flush()

    def listen_to(self, ear: int) -> None:
        """Let `wait` return as well when that file can be read."""
        self._current().listen_to(ear)

    @property
    def idle(self) -> float:
        """Seconds since anything was heard of the broker."""
        return monotonic() - self._current().heard

    @property
    def heartbeat(self) -> int:
        """Seconds between signs of life, as agreed with the broker; 0 for none."""
        return int(self._current().heartbeat)

    def close(self) -> None:
        """Say goodbye, briefly, and let go; from the thread that owns it."""
        wire, self._wire = self._wire, None
        self._closed = True
        if wire is None:
            return
        try:
            wire.deadline = Deadline.after(_FAREWELL)
            wire.close()
        except Exception:
            pass  # The broker has left first, or does not answer.
        wire.collect()

    def abort(self) -> None:
        """Break the connection, from any thread; whoever waits gets ConnectionLostError."""
        self._closed = True
        wire = self._wire
        if wire is not None:
            wire.abort()

    def delivered(self, delivery: Delivery) -> None:
        """Hand a message on."""
        self.on_delivery(delivery)

    def returned(self, message: Message) -> None:
        """Note which one no queue took: its confirmation comes next."""
        for tag, (sent, _) in self._pending.items():
            if sent.key == message.key and sent.body == message.body and tag not in self._unroutable:
                self._unroutable.add(tag)
                return

    def confirmed(self, tag: int, multiple: bool, taken: bool) -> None:
        """Tell those concerned."""
        tags = [each for each in self._pending if each <= tag] if multiple else [tag]
        for each in tags:
            entry = self._pending.pop(each, None)
            fate = UNROUTABLE if each in self._unroutable else TAKEN if taken else REFUSED
            self._unroutable.discard(each)
            if entry is not None and entry[1] is not None:
                entry[1](fate)

    def blocked(self, reason: str) -> None:
        """Say so, and hand it on."""
        text = f"the broker blocks publishers: {reason}" if reason else "the broker takes messages again"
        self._settings.note(text)
        self.on_blocked(reason)

    def _open(self, host: str, port: int, deadline: Deadline) -> None:
        shown = f"{self._place.at}" if len(self._place.hosts) == 1 else f"{host}:{port}"
        wire = Wire(
            host,
            port,
            self._place.login,
            self,
            tls=self._tls(),
            heartbeat=self._place.heartbeat,
            max_message=self._settings.max_message,
        )
        until = Deadline.after(self._settings.connect_timeout).sooner(deadline)
        try:
            with connecting(self._place.at, shown):
                wire.open(until)
                wire.channel(_DECLARE)
                wire.channel(WORK).confirm_select(nowait=True)
        except BaseException as exc:
            wire.collect()
            name_other(self._place.at, exc, host, port)
            raise
        self._wire = wire
        if self._closed:
            self.close()
            raise ConnectError(f"{shown}: the connection was closed while it was made")

    def _tls(self) -> Any:
        if self._place.at.transport not in ("amqps",):
            return None
        from rpcctl.http.tls import client_context

        return client_context(self._settings.options, ())

    @contextmanager
    def _asking(self, number: int = _DECLARE) -> Iterator[Any]:
        wire = self._current()
        wire.deadline = Deadline.after(self._patience())
        with talking(self._place.at):
            yield wire.channel(number)
        wire.deadline = NEVER

    def _patience(self) -> float:
        """Seconds for an answer: a broker that is silent for two heartbeats is lost."""
        return min(_PATIENCE, 2.0 * self.heartbeat) if self.heartbeat else _PATIENCE

    def _nap(self, seconds: float | None) -> float | None:
        beat = self.heartbeat
        if not beat:
            return seconds
        most = beat / _TICK
        return most if seconds is None else min(seconds, most)

    def _tick(self, wire: Wire) -> None:
        beat = wire.heartbeat
        if not beat:
            return
        now = monotonic()
        if now - wire.heard > 2 * beat:
            raise ConnectionLostError(f"{self._place.at}: no sign of life of the broker for {2 * beat} s")
        # Not while something waits to be sent: a broker that reads nothing must not be sent more.
        if now - wire.spoke > beat / 2 and not wire.unsent:
            wire.put(frames.BEAT)
            wire.flush()

    def _current(self) -> Wire:
        if self._wire is None or self._closed:
            raise ConnectionLostError(f"{self._place.at}: the connection is closed")
        return self._wire


def exists(link: Link, queue: str) -> Queue | None:
    """What the broker says of a queue, by passive declaration, which needs no permission; None when there is none."""
    try:
        return link.declare_queue(queue, passive=True)
    except MethodNotFoundError:
        return None
