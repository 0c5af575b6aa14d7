"""Keeps a loop running while the thread that runs it is lent to calls. Knows neither sockets nor calls.

A call that is run where its request was read needs no change of threads, which costs more than a trivial method. But a
method may take as long as it likes: so a deputy looks, and when a thread that was lent does not come back, the deputy
runs the loop from there on, and the thread that went ends when it has done what it was lent for.
"""

from collections.abc import Callable
from threading import Event, Lock, Thread, get_ident

from rpcctl.interfaces import Guest

_MOMENT = 0.005
"""Seconds between two of the deputy's looks. Who is lent for the same work at two of them is not waited for."""
_QUIET = 40
"""Looks without anything new, after which the deputy sleeps until somebody is lent."""


class Relay:
    """One loop, run by one thread at a time, which may change where the loop lends it."""

    def __init__(self, guest: Guest) -> None:
        """No thread is started before `run`."""
        self.guest = guest
        self._lock = Lock()
        self._over = Event()
        self._called = Event()
        self._error: BaseException | None = None
        self._runner = 0
        self._deputised = self._dozing = False
        self._lendings = 0
        """Counts up when the runner is lent, and when it is back or is not waited for: odd while it is lent."""

    def run(self, loop: Callable[[], None]) -> None:
        """Run the loop on threads of its own until it returns; raises what it raised.

        A thread that is lent may still be at it then: it touches nothing of the loop any more.
        """
        self._loop = loop
        self._start(self._run_loop)
        self._over.wait()
        if self._error is not None:
            raise self._error

    def lend(self) -> bool:
        """Let the guest work on this thread, the loop's; False when the loop runs elsewhere since: return at once."""
        if not self._deputised and not self._appoint():
            self.guest.hand_over()
            return True
        self._lendings += 1
        if self._dozing:
            self._dozing = False
            self._called.set()
        self.guest.work()
        with self._lock:
            if self._runner != get_ident():
                return False
            self._lendings += 1
        return True

    def _start(self, run: Callable[[], None]) -> None:
        Thread(target=run, name="rpcctl-host", daemon=True).start()

    def _appoint(self) -> bool:
        self._deputised = True
        try:
            self._start(self._look_after)
        except RuntimeError:
            self._deputised = False  # There are no threads left: nobody is lent, then.
        return self._deputised

    def _run_loop(self) -> None:
        self._runner = get_ident()
        try:
            self._loop()
        except BaseException as exc:
            self._error = exc
        if self._runner == get_ident():
            self._over.set()
            self._called.set()

    def _look_after(self) -> None:
        """Take the loop over when it stands still."""
        seen, quiet = 0, 0
        while not self._over.is_set():
            self._rest(seen, quiet)
            now = self._lendings
            if now == seen and now % 2 and self._take_over(now):
                self.guest.hand_over()
                self._run_loop()
                return
            quiet = quiet + 1 if now == seen and quiet < _QUIET else 0
            seen = now

    def _rest(self, seen: int, quiet: int) -> None:
        self._called.clear()
        if quiet < _QUIET:
            self._called.wait(_MOMENT)
            return
        self._dozing = True
        # Whoever is lent looks at `_dozing` after it has counted; so it is looked here after it was set.
        if self._lendings == seen and not self._over.is_set():
            self._called.wait()
        self._dozing = False

    def _take_over(self, seen: int) -> bool:
        with self._lock:
            if self._lendings != seen:
                return False
            self._lendings += 1
            self._runner = get_ident()
            self._deputised = False
            return True
