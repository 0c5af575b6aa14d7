"""The event loop that all async functions of the process run on, and how threads step what lives there.

One daemon thread, started on the first use, which is also when asyncio is imported. Knows neither requests nor replies.
"""

from collections.abc import AsyncIterator, Awaitable, Iterator
from queue import SimpleQueue
from threading import Event, Lock, Thread, get_ident
from typing import TYPE_CHECKING, Generic, TypeVar

from rpcctl.service.stdio import warn

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class _Home:
    """The loop and its thread; there is one of them."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread: Thread | None = None


_home = _Home()


def event_loop() -> "asyncio.AbstractEventLoop":
    """The running loop of this process's async calls."""
    return _home.loop or _start()


def _start() -> "asyncio.AbstractEventLoop":
    import asyncio

    with _home.lock:
        if _home.loop is None:
            loop = asyncio.new_event_loop()
            up = Event()
            loop.call_soon(up.set)
            _home.thread = Thread(target=_run, args=(loop,), name="rpcctl-loop", daemon=True)
            _home.thread.start()
            up.wait()
            _home.loop = loop
        return _home.loop


def _run(loop: "asyncio.AbstractEventLoop") -> None:
    import asyncio

    asyncio.set_event_loop(loop)
    while True:
        try:
            loop.run_forever()
        except BaseException as exc:
            # asyncio lets SystemExit and KeyboardInterrupt of a task through: that must not end the other calls.
            warn(f"a task on the event loop raised {type(exc).__name__}")


def is_loop_thread() -> bool:
    """Whether the caller runs on the event loop, where nothing may block."""
    return _home.thread is not None and _home.thread.ident == get_ident()


def wait_for(awaitable: Awaitable[T]) -> T:
    """Await on the loop, blocking the calling thread; raises what the awaitable raised."""
    steps = Blocking(_single(awaitable))
    try:
        return next(steps)
    finally:
        steps.close()


async def _single(awaitable: Awaitable[T]) -> AsyncIterator[T]:
    yield await awaitable


class Blocking(Iterator[T], Generic[T]):
    """An async iterator stepped by plain `next`, which blocks; `close` also closes what is iterated over.

    All steps run in a single task, because timeouts and task groups of asyncio do not survive a change of task.
    A step is taken when it is asked for, never ahead. For one thread at a time, and never for the loop's own.
    """

    def __init__(self, items: AsyncIterator[T]) -> None:
        """Nothing runs before the first `next`."""
        self._items = items
        self._ready: SimpleQueue[tuple[T] | BaseException] = SimpleQueue()
        self._task: asyncio.Task[None] | None = None
        self._wanted: asyncio.Event | None = None
        self._begun = self._over = self._closing = False

    def __next__(self) -> T:
        """The next item, or what the async iterator raised."""
        if self._over:
            raise StopIteration
        self._ask()
        answer = self._ready.get()
        if isinstance(answer, tuple):
            return answer[0]
        self._over = True
        if isinstance(answer, StopAsyncIteration):
            raise StopIteration
        raise answer

    def close(self) -> None:
        """Abandon the iteration and wait until its `finally` blocks have run; safe to repeat."""
        unfinished = self._begun and not self._over
        self._over = self._closing = True
        if unfinished:
            event_loop().call_soon_threadsafe(self._interrupt)
            while isinstance(self._ready.get(), tuple):
                pass  # An item that came in the same instant.

    def _ask(self) -> None:
        if is_loop_thread():
            raise RuntimeError("an async function cannot be waited for on the event loop itself: await it")
        loop = event_loop()
        if self._begun:
            assert self._wanted is not None
            loop.call_soon_threadsafe(self._wanted.set)
        else:
            self._begun = True
            loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        import asyncio

        self._wanted = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._step_through(self._wanted))

    def _interrupt(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _step_through(self, wanted: "asyncio.Event") -> None:
        try:
            while not self._closing:
                self._ready.put((await self._items.__anext__(),))
                await wanted.wait()
                wanted.clear()
            end: BaseException = StopAsyncIteration()
        except BaseException as exc:
            end = exc
        self._task = None  # From here on nothing interrupts the closing.
        await close_async(self._items)
        self._ready.put(end)


async def close_async(items: AsyncIterator[object]) -> None:
    """Close an async iterator if it can be closed; what its `finally` blocks raise can be told to nobody else."""
    try:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()
    except BaseException as exc:
        warn(f"closing a stream raised {type(exc).__name__}")
