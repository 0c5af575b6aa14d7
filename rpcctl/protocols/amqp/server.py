"""Serves a handler through a broker, in any dialect. The thread that calls `serve` owns the connection.

A broker that is lost is looked for again, ever more slowly, until the server is closed; queues are then declared anew.
Shared exchanges and queues are looked at before they are made: whoever made them has decided on their properties.
"""

import socket
from threading import Event, Lock

from rpcctl.address import Address
from rpcctl.errors import AuthError, RpcctlError
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.messages import Deadline
from rpcctl.sockets.bell import Bell

from .declare import declare
from .dialects import dialect_of
from .intake import Intake
from .layout import Kind, Layout
from .link import Link
from .links import link_of, pause_after
from .serializer import load_serializer

_FAREWELL = 2.0
"""Seconds for the broker to confirm the last replies."""
_OWN = (
    "durable",
    "queue-type",
    "exchange-type",
    "ack",
    "prefetch",
    "password-file",
    "cacert",
    "cert",
    "key",
    "insecure",
)


class Server:
    """Serves a handler as one server of a topic."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Read the options; touches no network."""
        options = settings.options
        self._address = address
        self._settings = settings
        self._serializer = load_serializer(address, options)
        self._dialect = dialect_of(address, options, settings.max_message)
        self._name = options.get("server") or socket.gethostname()
        self._kind = Kind.read(options)
        late = options["ack"] == "late" if options.get("ack") else self._dialect.late
        self._intake = Intake(self._dialect, settings, late=late, wake=self._wake)
        self._prefetch: int | None = options.get("prefetch")
        self._layout = Layout((), ())
        self._link: Link | None = None
        self._lock = Lock()
        self._serving = False
        self._draining = False
        self._tries = 0
        self._closing = Event()
        self._quiet = Event()
        self._released = Event()
        self._asleep = False
        self._bell = Bell()

    @property
    def address(self) -> Address:
        """Where it can be called: the broker and the topic, without what is the server's own business."""
        at = self._address
        return at._replace(options=tuple(each for each in at.options if each[0] not in _OWN))

    def bind(self) -> None:
        """Reach the broker and declare what is served, so that calls wait from now on."""
        self._link = self._open()
        if not self._link.virtual and not any(each.durable for each in self._layout.queues):
            self._settings.note("the queues are transient: what waits in them is lost with the broker (--durable)")

    def serve(self, handler: Handler, executor: Executor) -> None:
        """Serve on the calling thread until `close`."""
        with self._lock:
            if self._closing.is_set():
                return
            self._serving = True
        self._intake.serve(self._serializer.serving(handler), executor)
        try:
            while not self._closing.is_set():
                self._serve_connection()
        finally:
            self._release()

    def drain(self) -> None:
        """Take no further requests, and let others have those that were not started; returns when that is so."""
        self._draining = True
        if self._serving and not self._closing.is_set():
            self._bell.ring()
            self._quiet.wait(_FAREWELL)

    def close(self) -> None:
        """Send what was answered, remove this server's own queue and let `serve` return."""
        with self._lock:
            first, serving = not self._closing.is_set(), self._serving
            self._closing.set()
        if serving:
            self._bell.ring()
            self._released.wait(2 * _FAREWELL)
        elif first:
            self._release()

    def _open(self) -> Link:
        link = link_of(self._address, self._settings)
        link.open(Deadline.after(self._settings.connect_timeout))
        try:
            self._layout = self._dialect.layout(self._name, self._intake.new_id(), self._kind)
            declare(link, self._layout)
            link.listen_to(self._bell.ear.fileno())
        except BaseException:
            link.close()
            raise
        return link

    def _serve_connection(self) -> None:
        """Serve until the connection is lost, then reach the broker again."""
        try:
            if self._link is None:
                self._link = self._open()
                self._settings.note("connected to the broker again")
            self._consume(self._link)
            self._run(self._link)
        except RpcctlError as exc:
            # Also what is no loss: what the broker refuses now it may take when someone has put it right.
            self._lose(exc)

    def _consume(self, link: Link) -> None:
        intake = self._intake
        intake.own_queues = frozenset(each.name for each in self._layout.queues)
        intake.attach(link)
        if self._draining:
            return
        link.prefetch(min(65535, intake.capacity if self._prefetch is None else self._prefetch))
        for number, queue in enumerate(self._layout.queues, 1):
            link.consume(queue.name, str(number))

    def _run(self, link: Link) -> None:
        intake = self._intake
        self._tries = 0
        while not self._closing.is_set():
            if self._draining and not self._quiet.is_set():
                self._hush(link)
            due = intake.turn()
            self._asleep = True
            # Whoever posts looks at `_asleep` after it has posted; so it is looked here after it was set.
            if intake.has_posted() or self._closing.is_set() or (self._draining and not self._quiet.is_set()):
                due = 0.0
            link.wait(due)
            self._asleep = False
            self._bell.answer()

    def _hush(self, link: Link) -> None:
        for number in range(1, len(self._layout.queues) + 1):
            link.cancel(str(number))
        self._intake.give_back()
        link.send()
        self._quiet.set()

    def _lose(self, exc: RpcctlError) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.abort()
            link.close()
        if self._closing.is_set():
            return
        pause = pause_after(self._tries)
        self._tries += 1
        why = exc.message if not isinstance(exc, AuthError) else f"{exc.message} ({exc.hint})"
        self._settings.note(f"{why}; trying again in {pause:.0f} s")
        self._closing.wait(pause)

    def _wake(self) -> None:
        if self._asleep:
            self._asleep = False
            self._bell.ring()

    def _release(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            self._say_goodbye(link)
        self._bell.close()
        self._quiet.set()
        self._released.set()

    def _say_goodbye(self, link: Link) -> None:
        try:
            if self._serving:
                self._intake.draining = True
                self._intake.turn()
                link.settle(Deadline.after(_FAREWELL))
            for queue in self._layout.queues:
                if queue.own:
                    link.delete_queue(queue.name)
        except RpcctlError:
            pass  # The broker has left first: there is nobody to tell.
        link.close()
