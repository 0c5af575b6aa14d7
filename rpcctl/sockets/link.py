"""One connection of a host: bytes in to its session, bytes out from any thread, and how it ends.

What is written lies in a queue until the host's thread sends it, together with what else is there by then; with
`at_once`, and while that thread sleeps or runs calls, the writing thread sends it itself: no change of threads.
"""

import socket
from collections import deque
from collections.abc import Callable
from selectors import EVENT_READ, EVENT_WRITE
from threading import Lock, get_ident
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from rpcctl.errors import RpcctlError

from .session import BUSY, IDLE, PARTIAL, Policy, Session

if TYPE_CHECKING:
    from .cipher import Cipher

_PIECE = 64 * 1024
_BURST = 16
"""Pieces that the host's thread lets wait: a peer can read them while it makes the next ones. Workers let all wait."""
_MUCH = 1 << 20
"""Unsent bytes from which on nothing more is read from a peer."""
_PARTING = 1.0
"""Seconds in which a peer may take the last bytes and hang up: one that is cut off loses what it has not read."""


class Keeper(Protocol):
    """What a link needs of its host."""

    policy: Policy
    asleep: bool
    """Whether the host's thread waits for sockets."""
    lent: bool
    """Whether it runs calls: it does not look at what was written then either."""
    owner: int
    """That thread."""

    def see_to(self, link: "Link") -> None:
        """Have `settle` called on the host's thread. From any thread."""

    def post(self, work: Callable[[], None]) -> None:
        """Do this on the host's thread, soon. From any thread."""

    def watch(self, link: "Link", events: int) -> None:
        """Look at the socket for these events from now on; 0 for none."""

    def forget(self, link: "Link") -> None:
        """The link is closed."""

    def note(self, text: str) -> None:
        """A line for the log."""


class Link:
    """A connection. `write` and `post` are for any thread, all else is for the host's."""

    def __init__(self, keeper: Keeper, sock: socket.socket, peer: str, cipher: "Cipher | None") -> None:
        """Not watched before `begin`."""
        self.peer = peer
        """`host:port`, or `local`."""
        self.cipher = cipher
        self.queued = False
        """Whether the host is to settle it."""
        self.sock = sock
        self.events = 0
        """What its socket is watched for."""
        self._keeper = keeper
        self._session: Session | None = None
        self._lock = Lock()
        self._written: deque[bytes] = deque()
        """What any thread has put here; the rest is under the lock."""
        self._behind: list[bytes] = []
        self._rest: bytes | memoryview = b""
        """What is being sent, before what is behind it."""
        self._unsent = 0
        self._moved = monotonic()
        self._paused = self._heard_all = self._ending = self._shut = self._broken = self._gone = False

    # From any thread.

    def write(self, data: bytes, *, at_once: bool = False) -> None:
        """Send the bytes after those before them; dropped when the peer is gone.

        `at_once` is for the only answer that is under way on this connection: others then do not come along with it.
        """
        self._written.append(data)
        keeper = self._keeper
        if at_once and (keeper.asleep or keeper.lent) and self.cipher is None:
            self._send()
            if not self._unsent and not self._heard_all:
                return
        elif len(self._written) >= _BURST and get_ident() == keeper.owner:
            self._send()
        if not self.queued:
            self.queued = True
            keeper.see_to(self)

    def post(self, work: Callable[[], None]) -> None:
        """Do this on the host's thread, soon."""
        self._keeper.post(work)

    # On the host's thread.

    def begin(self, make: Callable[["Link"], Session]) -> None:
        """Let a session speak for this end."""
        try:
            self._session = make(self)
        except Exception as exc:
            self._fail(exc)
        self.settle()

    def pause(self) -> None:
        """Read nothing more until `resume`: the peer then has to wait with what it sends."""
        self._paused = True

    def resume(self) -> None:
        """Read again."""
        self._paused = False
        self.settle()

    def close(self) -> None:
        """Close it as soon as what was written has left."""
        if not self._ending:
            self._ending, self._paused = True, False
            self._moved = monotonic()
        if not self.queued:
            self.queued = True
            self._keeper.see_to(self)

    def on_ready(self, events: int) -> None:
        """Take what came, send what waits."""
        if events & EVENT_READ:
            self.queued = True  # It is settled right afterwards: whoever writes meanwhile need not ask for it.
            self._receive()
        self.settle()

    def settle(self) -> None:
        """Send what waits, and end what is over."""
        if self._gone:
            return
        self.queued = False
        if self._written or self._unsent or self.cipher is not None:
            self._send()
        if self._broken or self._is_over():
            self.drop()
            return
        events = EVENT_WRITE if self._unsent and self._rest else 0
        if not self._heard_all and not self._paused and (self._unsent < _MUCH or self._ending):
            events |= EVENT_READ
        if events != self.events:
            self._keeper.watch(self, events)

    def look(self, now: float) -> None:
        """End it when it is overdue."""
        policy, silence = self._keeper.policy, now - self._moved
        state = self.state()
        if self._ending:
            if silence > _PARTING:
                self.drop()
        elif self._unsent and policy.stall is not None and silence > policy.stall:
            self._give_up(f"takes no answers for {policy.stall:g} s")
        elif state == PARTIAL and policy.stall is not None and silence > policy.stall:
            self._give_up(f"stopped in the middle of a message, {policy.stall:g} s ago")
        elif state == IDLE and policy.idle is not None and silence > policy.idle:
            self.close()
        elif self._heard_all:
            self.settle()

    def state(self) -> str:
        """IDLE, PARTIAL or BUSY."""
        if self.cipher is not None and not self.cipher.ready:
            return PARTIAL
        return self._session.state() if self._session is not None else IDLE

    def is_sending(self) -> bool:
        """Whether there are bytes that the peer has not taken."""
        return bool(self._unsent)

    def drop(self) -> None:
        """Close it now. Safe to repeat."""
        if self._gone:
            return
        self._gone = True
        self._keeper.forget(self)
        with self._lock:
            # A worker that sends at this moment must not send to whoever gets the same descriptor next.
            self.sock.close()
        session, self._session = self._session, None
        if session is not None:
            session.end()

    def _receive(self) -> None:
        try:
            data = self.sock.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._broken = True
            return
        if not data:
            self._heard_all = True
            return
        if self._ending:
            return
        self._moved = monotonic()
        try:
            self._take(data)
        except Exception as exc:
            self._fail(exc)

    def _take(self, data: bytes) -> None:
        if self.cipher is not None:
            data = self.cipher.decrypt(data)
            self._heard_all = self.cipher.ended
        if data and self._session is not None:
            self._session.receive(data)

    def _is_over(self) -> bool:
        """Whether nothing more is to be done; a peer that says no more may still wait for answers."""
        if self._unsent:
            return False
        if not self._ending:
            return self._heard_all and self.state() != BUSY
        if not self._shut:
            self._shut = True
            try:
                self.sock.shutdown(socket.SHUT_WR)
            except OSError:
                return True
        return self._heard_all

    def _fail(self, exc: Exception) -> None:
        what = exc.message if isinstance(exc, RpcctlError) else f"{type(exc).__name__}: {exc}"
        self._keeper.note(f"{self.peer}: {what}")
        self.close()

    def _give_up(self, why: str) -> None:
        self._keeper.note(f"{self.peer}: {why}: closed")
        self.drop()

    # Under the lock, on whichever thread.

    def _send(self) -> None:
        with self._lock:
            while self._written:
                self._behind.append(self._written.popleft())
            if self._broken or self._shut or self._gone:
                self._behind.clear()
                self._rest, self._unsent = b"", 0
                return
            try:
                while self._rest or self._gather():
                    sent = self.sock.send(self._rest)
                    self._moved = monotonic()
                    self._rest = memoryview(self._rest)[sent:] if sent < len(self._rest) else b""
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:
                self._broken = True
            self._unsent = len(self._rest) + sum(map(len, self._behind))
            if self._unsent > self._keeper.policy.max_unsent and not self._broken:
                self._keeper.note(f"{self.peer}: {self._unsent} bytes wait for it, and it takes none: closed")
                self._broken = True

    def _gather(self) -> bool:
        """Make one piece of all that waits; whether there is any."""
        behind = self._behind
        data = behind[0] if len(behind) == 1 else b"".join(behind)
        behind.clear()
        self._rest = data if self.cipher is None else self.cipher.encrypt(data)
        return bool(self._rest)
