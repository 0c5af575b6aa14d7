"""One lock for threads and for tasks of the event loop: what `--lock` holds during each step of the target's code.

A waiting task must not block its loop, and a task that was cancelled while it waited must not keep the lock; neither
threading's locks nor asyncio's can promise both. Knows neither requests nor methods.
"""

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future


class Turns:
    """A lock, not reentrant, taken by `with` in a thread and by `async with` in a task: first come, first served."""

    def __init__(self) -> None:
        """Start free."""
        self._mutex = Lock()
        self._taken = False
        self._line: deque[Callable[[], Any]] = deque()

    def __enter__(self) -> None:
        """Wait for the turn, blocking the thread."""
        turn = Lock()
        turn.acquire()
        if not self._take(turn.release):
            turn.acquire()

    def __exit__(self, *exc_info: object) -> None:
        """Give the turn to whoever has waited longest."""
        self._pass_on()

    async def __aenter__(self) -> None:
        """Wait for the turn without blocking the loop."""
        from asyncio import get_running_loop

        loop = get_running_loop()
        turn: Future[None] = loop.create_future()
        if self._take(lambda: self._give(loop, turn)):
            return
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # The turn came in the same instant as the cancellation.
            raise

    async def __aexit__(self, *exc_info: object) -> None:
        """Give the turn to whoever has waited longest."""
        self._pass_on()

    def _take(self, give: Callable[[], Any]) -> bool:
        """Take the turn at once, or have `give` called when it comes."""
        with self._mutex:
            if self._taken:
                self._line.append(give)
                return False
            self._taken = True
            return True

    def _pass_on(self) -> None:
        with self._mutex:
            self._taken = bool(self._line)
            give = self._line.popleft() if self._line else None
        if give is not None:
            give()

    def _give(self, loop: "AbstractEventLoop", turn: "Future[None]") -> None:
        loop.call_soon_threadsafe(self._hand_over, turn)

    def _hand_over(self, turn: "Future[None]") -> None:
        if turn.cancelled():
            self._pass_on()
        else:
            turn.set_result(None)
