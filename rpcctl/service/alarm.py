"""One thread that looks after time limits; knows nothing of what is limited."""

from collections.abc import Callable
from threading import Event, Lock, Thread

_SHORTEST_NAP = 0.005
"""Seconds between two looks at something that is overdue and cannot be ended this instant."""


class Alarm:
    """Calls `sweep` again and again on a thread of its own, which starts when it is first needed."""

    def __init__(self, sweep: Callable[[], float | None]) -> None:
        """`sweep` tells in how many seconds it wants to be called again; None: not before the alarm rings."""
        self._sweep = sweep
        self._lock = Lock()
        self._thread: Thread | None = None
        self._rung = Event()
        self._closed = False

    def start(self) -> None:
        """Look after time limits from now on; safe to repeat."""
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="rpcctl-alarm", daemon=True)
                self._thread.start()

    def ring(self) -> None:
        """Call `sweep` now, on the alarm's thread."""
        with self._lock:
            self._rung.set()
        self.start()

    def close(self) -> None:
        """Let the thread end as soon as there is nothing to look after; safe to repeat."""
        self._closed = True
        self._rung.set()

    def _run(self) -> None:
        while True:
            self._rung.clear()
            nap = self._sweep()
            if nap is None and self._is_finished():
                return
            self._rung.wait(None if nap is None else max(_SHORTEST_NAP, nap))

    def _is_finished(self) -> bool:
        with self._lock:
            if not self._closed or self._rung.is_set():
                return False
            self._thread = None
            return True
