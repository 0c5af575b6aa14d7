"""What a host has to tell the log about its peers: no line without end and no flood of lines, whatever they send."""

from collections.abc import Callable
from threading import Lock
from time import monotonic

from .session import Note

MOST = 100
"""Lines in one span; those beyond it are counted."""
SPAN = 10.0
"""Seconds."""
_LONGEST = 400


class Notes:
    """Passes lines on, as long as they are not too many. From any thread."""

    def __init__(self, tell: Note, clock: Callable[[], float] = monotonic) -> None:
        """`tell` takes a line; `clock` gives seconds."""
        self._tell = tell
        self._clock = clock
        self._lock = Lock()
        self._until = 0.0
        self._told = self._left_out = 0

    def __call__(self, text: str) -> None:
        """Pass the line on, or count it."""
        self.look()
        with self._lock:
            self._told += 1
            if self._told > MOST:
                self._left_out += 1
                return
        self._tell(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")

    def look(self, *, over: bool = False) -> None:
        """Tell how many lines were left out, once their span is over, or everything is."""
        now = self._clock()
        with self._lock:
            if now < self._until and not over:
                return
            left_out, self._left_out, self._told = self._left_out, 0, 0
            self._until = now + SPAN
        if left_out:
            self._tell(f"{left_out} more {'line' if left_out == 1 else 'lines'} about clients left out")
