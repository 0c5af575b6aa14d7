"""Whose turn it is on a connection that carries one exchange at a time. Knows no socket and no wire."""

from threading import Lock
from typing import Any

from rpcctl.errors import DeadlineError
from rpcctl.messages import Deadline


class Turn:
    """Held by one thread at a time: a second one waits, or it would read the first one's answer.

    with turn.within(deadline):
        ...  # say something, and hear the answer
    """

    __slots__ = ("_lock", "_place")

    def __init__(self, place: object) -> None:
        """`place` is what errors call the connection."""
        self._place = place
        self._lock = Lock()

    def within(self, deadline: Deadline) -> "Turn":
        """Wait until it is ours, for `with` to give it back; DeadlineError when the deadline comes first."""
        # Most often nobody has it: then no clock is read.
        if not self._lock.acquire(blocking=False) and not self._lock.acquire(timeout=_patience(deadline)):
            raise DeadlineError(
                f"{self._place}: another call holds the connection", hint="a connection for each thread"
            )
        return self

    def __enter__(self) -> None:
        """It is ours."""

    def __exit__(self, *exc: Any) -> None:
        """Let the next one have it."""
        self._lock.release()


def _patience(deadline: Deadline) -> float:
    left = deadline.remaining()
    return -1 if left is None else left
