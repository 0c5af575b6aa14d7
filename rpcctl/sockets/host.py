"""Serves the connections of one address on one thread at a time, a session of the protocol for each; knows bytes only.

    host = Host(address, policy, lambda link: MySession(link), note=log)
    host.bind(); host.address            # with the real port
    host.serve()                         # on the calling thread, until close()

The thread never waits for a peer: what one does not take lies in its link's queue, and what takes long is the
executor's. Workers leave answers in those queues; a bell wakes the thread, if it sleeps. As an executor's guest it runs
short calls itself, and when one takes longer another thread becomes the host's (`relay`).
"""

import os
import socket
from collections import deque
from collections.abc import Callable
from selectors import EVENT_READ, DefaultSelector
from threading import Event, Lock, get_ident
from time import monotonic
from typing import TYPE_CHECKING, Any

from rpcctl.address import Address
from rpcctl.interfaces import Guest

from .bell import Bell
from .link import Link
from .listening import allow_connections, listen, name_peer, place_of, unlink
from .notes import Notes
from .relay import Relay
from .session import Note, Policy, Session

if TYPE_CHECKING:
    import ssl

_MOST_ACCEPTED = 128
"""Connections accepted before those that stand get their turn."""
_FLUSH = 1.0
"""Seconds for the last answers to leave when the host is closed."""
_LONGEST_LOOK, _SHORTEST_LOOK = 1.0, 0.02
"""Seconds between two looks at what is overdue: a quarter of the shortest limit, within these."""


class Host:
    """One listener and its connections; it is their Keeper."""

    def __init__(
        self,
        at: Address,
        policy: Policy,
        make: Callable[[Link], Session],
        *,
        note: Note,
        tls: "ssl.SSLContext | None" = None,
    ) -> None:
        """`make` begins a session on a new connection; it may write at once. Nothing is bound yet."""
        self.address = at
        """Where it is bound, with the real port."""
        self.policy = policy
        self.note = Notes(note)
        self.asleep = False
        self.lent = False
        self.owner = get_ident()
        self.draining = False
        """Whether no new connections are accepted; sessions refuse new calls then."""
        self._make = make
        self._tls = tls
        self._most = policy.max_connections
        self._links: set[Link] = set()
        self._unsettled: deque[Link] = deque()
        self._posted: deque[Callable[[], None]] = deque()
        self._lock = Lock()
        self._serving = False
        self._accepting = False
        self._closing = Event()
        self._released = Event()
        self._listener: socket.socket | None = None
        self._inode = 0

    def bind(self) -> None:
        """Take the address: ConnectError when it is in use, AddressError or ResolveError when it is none of ours."""
        at = self.address
        place = place_of(at)
        self._most = allow_connections(self.policy.max_connections)
        self._listener = listen(at, place)
        if at.kind == "path":
            self._path = place[0]
            self._inode = os.stat(self._path).st_ino
        else:
            # A client cannot connect to *, but to this, and it says the same.
            host = "0.0.0.0" if at.host == "*" else at.host
            self.address = at._replace(host=host, port=self._listener.getsockname()[1])
        self._selector = DefaultSelector()
        self._bell = Bell()

    def serve(self, guest: Guest | None = None) -> None:
        """Serve until `close`: on the calling thread, or on others with which the `guest` may run calls."""
        with self._lock:
            if self._closing.is_set():
                return
            self._serving = True
        self.owner = get_ident()
        try:
            self._selector.register(self._bell.ear, EVENT_READ, self._bell.answer)
            self._accept_more()
            if guest is None:
                self._run(self._closing.is_set)
            else:
                relay = Relay(guest)
                relay.run(lambda: self._run(self._closing.is_set, relay))
            self._finish()
        finally:
            self._release()

    # From any thread.

    def drain(self) -> None:
        """Accept no connections any more; those that stand go on."""
        self.draining = True
        self.post(self._stop_listening)

    def close(self) -> None:
        """Let the last answers leave, close everything, free the address. Safe to repeat."""
        with self._lock:
            first, serving = not self._closing.is_set(), self._serving
            self._closing.set()
        if serving:
            self._bell.ring()
            self._released.wait(_FLUSH + 2.0)
        elif first and self._listener is not None:
            self._release()

    def post(self, work: Callable[[], None]) -> None:
        """Do this on the host's thread, soon."""
        self._posted.append(work)
        self._wake()

    def see_to(self, link: Link) -> None:
        """Have the link settled on the host's thread."""
        self._unsettled.append(link)
        self._wake()

    # On the host's thread.

    def watch(self, link: Link, events: int) -> None:
        """Look at the link's socket for these events from now on."""
        if not link.events:
            self._selector.register(link.sock, events, link.on_ready)
        elif events:
            self._selector.modify(link.sock, events, link.on_ready)
        else:
            self._selector.unregister(link.sock)
        link.events = events

    def forget(self, link: Link) -> None:
        """The link is closed: there is room for another one."""
        if link.events:
            self._selector.unregister(link.sock)
            link.events = 0
        self._links.discard(link)
        if not self._accepting:
            self._accept_more()

    def _run(self, is_over: Callable[[], bool], relay: Relay | None = None) -> None:
        self.owner = get_ident()
        self.lent = False
        look_at = monotonic() + self._pause()
        while not is_over():
            ready = self._wait(look_at, is_over)
            if relay is not None:
                relay.guest.gather()
            for key, events in ready:
                key.data(events)
            self._settle()
            now = monotonic()
            if now >= look_at:
                self._look(now)
                look_at = now + self._pause()
            if relay is not None and not self._lend(relay):
                return

    def _lend(self, relay: Relay) -> bool:
        """Run the calls that were gathered; False when another thread runs the loop since."""
        if not relay.guest.has_work():
            return True
        self.lent = True
        if not relay.lend():
            return False
        self.lent = False
        self._settle()
        return True

    def _wait(self, look_at: float, is_over: Callable[[], bool]) -> Any:
        self.asleep = True
        # Whoever leaves something here looks at `asleep` afterwards; so it is looked here after it was set.
        busy = self._unsettled or self._posted or is_over()
        nap = None if self._accepting and not self._links else max(0.0, look_at - monotonic())
        try:
            return self._selector.select(0 if busy else nap)
        finally:
            self.asleep = False

    def _settle(self) -> None:
        while self._posted:
            try:
                self._posted.popleft()()
            except Exception as exc:
                self.note(f"what was posted failed: {type(exc).__name__}: {exc}")
        while self._unsettled:
            self._unsettled.popleft().settle()

    def _look(self, now: float) -> None:
        self.note.look()
        for link in list(self._links):
            link.look(now)
        if not self._accepting:
            self._accept_more()

    def _pause(self) -> float:
        limits = [each for each in (self.policy.idle, self.policy.stall) if each is not None]
        return max(_SHORTEST_LOOK, min([_LONGEST_LOOK, *(each / 4 for each in limits)]))

    def _accept_more(self) -> None:
        if self._listener is not None and not self.draining and len(self._links) < self._most:
            self._accepting = True
            self._selector.register(self._listener, EVENT_READ, self._accept)

    def _accept_no_more(self) -> None:
        if self._accepting and self._listener is not None:
            self._accepting = False
            self._selector.unregister(self._listener)

    def _accept(self, events: int) -> None:
        assert self._listener is not None
        for _ in range(_MOST_ACCEPTED):
            if len(self._links) >= self._most:
                self._accept_no_more()
                return
            try:
                sock, peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError:
                # There are no files left: tried again at the next look.
                self._accept_no_more()
                return
            self._begin(sock, peer)

    def _begin(self, sock: socket.socket, peer: Any) -> None:
        sock.setblocking(False)
        if sock.family != getattr(socket, "AF_UNIX", None):
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                pass  # The peer has gone already.
        cipher = None
        if self._tls is not None:
            from .cipher import Cipher

            cipher = Cipher(self._tls)
        link = Link(self, sock, name_peer(peer), cipher)
        self._links.add(link)
        link.begin(self._make)

    def _finish(self) -> None:
        """Let what was answered leave, for a while."""
        self.draining = True
        self._stop_listening()
        self._settle()
        for link in list(self._links):
            if link.is_sending():
                link.close()
            else:
                link.drop()
        until = monotonic() + _FLUSH
        self._run(lambda: monotonic() >= until or not any(link.is_sending() for link in self._links))

    def _stop_listening(self) -> None:
        self._accept_no_more()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self._inode:
            unlink(self._path, self._inode)
            self._inode = 0

    def _release(self) -> None:
        self.draining = True
        for link in list(self._links):
            link.drop()
        self._stop_listening()
        self._selector.close()
        self._bell.close()
        self.note.look(over=True)
        self._released.set()

    def _wake(self) -> None:
        if self.asleep:
            self.asleep = False
            self._bell.ring()
