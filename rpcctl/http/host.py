"""The listener of one address with its connections and its event loop, on a thread of its own. Knows no request."""

import os
import threading
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from rpcctl.address import Address
from rpcctl.sockets.listening import SPARE, Place, allow_connections, listen, unlink

from .auth import Doorkeeper
from .connection import Connection
from .desk import Desk
from .gate import Policy
from .running import FLUSH, Running

if TYPE_CHECKING:
    import asyncio
    import ssl

_SHORTEST_LOOK, _LONGEST_LOOK = 0.02, 1.0
"""Seconds between two looks at what is overdue: a quarter of the shortest limit, within these."""


class Host:
    """One listener, its connections, and what its thread is told."""

    def __init__(
        self,
        at: Address,
        place: Place,
        policy: Policy,
        doorkeeper: Doorkeeper,
        tls: "ssl.SSLContext | None",
        on_end: Callable[[], None],
    ) -> None:
        """Take the address; nothing is accepted before `start`. `on_end` is told when the thread ends."""
        self.policy = policy
        self.draining = False
        self.date = b""
        self.tls = tls
        self._on_end = on_end
        self.desk = Desk(self, doorkeeper)
        self._most = allow_connections(policy.max_connections)
        self._listener = listen(at, place)
        self.place = place if len(place) == 1 else (place[0], self._listener.getsockname()[1], *place[2:])
        """Where it is bound, with the real port."""
        self._inode = os.stat(place[0]).st_ino if len(place) == 1 else 0
        self._connections: set[Connection] = set()
        self._turned_away: set[Connection] = set()
        self._posted: deque[Callable[[], None]] = deque()
        self._rung = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._running: Running | None = None
        self.failure: BaseException | None = None

    @property
    def started(self) -> bool:
        """Whether connections are accepted."""
        return self._thread is not None

    # From any thread.

    def start(self) -> None:
        """Accept connections, on a thread of its own; returns when it does."""
        began = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(began,), name="rpcctl-http", daemon=True)
        self._thread.start()
        began.wait()

    def drain(self) -> None:
        """Accept nothing more; requests that are under way are answered."""
        self.draining = True
        self.post(self._drain)

    def close(self) -> None:
        """Let the last answers leave, close everything, free the address. Safe to repeat."""
        running, thread = self._running, self._thread
        if running is not None and thread is not None:
            self.post(running.exit.set)
            if thread is not threading.current_thread():
                thread.join(FLUSH + 2.0)
        self._listener.close()
        if self._inode:
            unlink(self.place[0], self._inode)
            self._inode = 0

    def post(self, what: Callable[[], None]) -> None:
        """Have it called on the event loop's thread; many are told with one ring of its bell."""
        self._posted.append(what)
        if not self._rung and self._loop is not None:
            self._rung = True
            try:
                self._loop.call_soon_threadsafe(self._call_posted)
            except RuntimeError:
                pass  # The loop is closed: there is nobody left to answer.

    # On the event loop's thread.

    def now(self) -> float:
        """The loop's clock."""
        return self._loop.time() if self._loop is not None else 0.0

    def admit(self, connection: Connection) -> bool:
        """Count a connection; whether there is room for it. Those turned away may be told so, as far as files last."""
        self._connections.add(connection)
        room = len(self._connections) - len(self._turned_away) <= self._most
        if not room:
            self._turned_away.add(connection)
            if len(self._turned_away) > SPARE // 2:
                connection.abort()
        return room

    def forget(self, connection: Connection) -> None:
        """It is closed."""
        self._connections.discard(connection)
        self._turned_away.discard(connection)
        if not self._connections and self._running is not None:
            self._running.empty.set()

    def aside(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Do what takes long on another thread, then go on with its result, or what it raised."""

        def run() -> Any:
            try:
                return work()
            except Exception as exc:
                return exc

        def on_done(future: "asyncio.Future[Any]") -> None:
            if not future.cancelled():
                then(future.result())

        if self._loop is not None:
            self._loop.run_in_executor(None, run).add_done_callback(on_done)

    def _call_posted(self) -> None:
        # First: what is posted from here on rings again.
        self._rung = False
        while self._posted:
            what = self._posted.popleft()
            try:
                what()
            except Exception as exc:
                self.report("an answer could not be written", exc)

    def _run(self, began: threading.Event) -> None:
        running = self._running = Running(self, began)
        try:
            running.run(sockets=[self._listener])
        except BaseException as exc:
            self.failure = exc
        finally:
            began.set()
            self._on_end()

    def _drain(self) -> None:
        if self._running is not None:
            self._running.stop_accepting()
        for connection in list(self._connections):
            connection.drain()

    def look(self) -> float:
        """End what is overdue; in how many seconds to look again."""
        self.date = f"date: {formatdate(usegmt=True)}\r\n".encode()
        now = self.now()
        for connection in [each for each in self._connections if each.due <= now]:
            connection.overdue()
        policy = self.policy
        shortest = min(policy.header_timeout, policy.body_timeout, policy.keep_alive)
        return max(_SHORTEST_LOOK, min(_LONGEST_LOOK, shortest / 4))

    def began(self, loop: "asyncio.AbstractEventLoop") -> None:
        """The loop runs."""
        self._loop = loop
        loop.set_exception_handler(_report_bugs)
        # What was posted before there was a loop rang no bell.
        self.post(lambda: None)

    def report(self, what: str, exc: BaseException) -> None:
        """Tell of a mistake of ours or of an app's, in the log."""
        if self._loop is not None:
            self._loop.call_exception_handler({"message": what, "exception": exc})

    def remaining(self) -> list[Connection]:
        """The connections that are open."""
        return list(self._connections)


def _report_bugs(loop: "asyncio.AbstractEventLoop", context: dict[str, Any]) -> None:
    """Connections that fail are daily business, and not worth a line; anything else is."""
    if not isinstance(context.get("exception"), OSError):
        loop.default_exception_handler(context)
