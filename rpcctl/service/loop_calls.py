"""Calls of async methods: stepped by one task on the event loop, so that waiting ones occupy no worker.

The rules are those of `rpcctl.service.calls`, with the task in the worker's place. Unlike a thread it can be
interrupted: a call that is cancelled or overdue is cancelled where it awaits.
"""

from typing import TYPE_CHECKING, Any

from rpcctl.interfaces import Sink
from rpcctl.messages import Reply, Request
from rpcctl.service.calls import Call, Owner
from rpcctl.service.failures import failure_of_handler
from rpcctl.service.loop import close_async, event_loop
from rpcctl.service.outcome import outcome_of

if TYPE_CHECKING:
    import asyncio


class LoopCall(Call):
    """A call whose replies are an async iterator; it is a Run."""

    __slots__ = ("_interruptible", "_resumed", "_task")

    holds_worker = False

    def __init__(self, owner: Owner, request: Request, replies: Any, sink: Sink, allowance: int | None) -> None:
        """Parked, as every call."""
        super().__init__(owner, request, replies, sink, allowance)
        self._task: asyncio.Task[None] | None = None
        self._resumed: asyncio.Event | None = None
        self._interruptible = False

    def _go(self) -> None:
        event_loop().call_soon_threadsafe(self._begin if self._resumed is None else self._resumed.set)

    def _hurry(self) -> None:
        event_loop().call_soon_threadsafe(self._interrupt)

    def _begin(self) -> None:
        import asyncio

        self._resumed = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._drive(self._resumed))

    def _interrupt(self) -> None:
        # Neither before the task's first step, which would then never tell the end, nor while it closes the iterator.
        if self._interruptible and self._task is not None:
            self._task.cancel()

    async def _drive(self, resumed: "asyncio.Event") -> None:
        self._interruptible = True
        await self._step_through(resumed)
        self._interruptible = False
        await close_async(self._replies)
        self._leave()
        self._task = None

    async def _step_through(self, resumed: "asyncio.Event") -> None:
        from asyncio import CancelledError

        while not self._is_over():
            self.stepping = True
            reply, more = await self._step_on_loop()
            if reply is None or not self._deliver(reply) or not more:
                return
            if not self._may_go_on():
                try:
                    await resumed.wait()
                except CancelledError:
                    pass  # Interrupted because the call is over, which the loop sees.
                resumed.clear()

    async def _step_on_loop(self) -> tuple[Reply | None, bool]:
        """The next reply, and whether another can follow."""
        try:
            return await self._replies.__anext__(), True
        except StopAsyncIteration as stop:
            self.outcome = outcome_of(stop.args[0] if stop.args else None)
            return None, False
        except BaseException as exc:
            if self._is_over():
                return None, False  # Nobody is left to be told, and thousands may be cancelled at once.
            return failure_of_handler(exc), False
