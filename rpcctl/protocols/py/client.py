"""Calls a target in this process: the handler is loaded by a function handed in, and runs on a thread of its own.

The thread keeps the caller free to notice a time limit or Ctrl-C; one that never returns is left behind.
"""

from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Thread

from rpcctl.address import Address
from rpcctl.errors import ConnectionLostError, UsageError
from rpcctl.interfaces import Handler, Preview, Settings
from rpcctl.limits import first_limit, next_limit
from rpcctl.messages import ENDS, Deadline, Reply, Request


class Client:
    """Calls the methods of the target that the address names."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Nothing is loaded before `connect`."""
        self._address = address
        self._settings = settings
        self._handler: Handler | None = None
        self._closed = False

    def connect(self, deadline: Deadline) -> None:
        """Load the target; TargetError when it is missing or broken. Loading has no time limit."""
        if self._settings.load is None:
            raise UsageError(f"{self._address} can only be called where targets can be loaded")
        self._handler = self._settings.load(self._address.path)

    def send(self, request: Request) -> Iterator[Reply]:
        """Run the method and yield its replies as they come; DeadlineError when one takes too long."""
        if self._handler is None or self._closed:
            raise ConnectionLostError(f"{self._address} is closed")
        replies = self._handler(request)
        worker = _Worker(replies)
        try:
            yield from self._receive(request, worker)
        finally:
            worker.stop()

    def preview(self, request: Request) -> list[Preview]:
        """The call as Python would write it; there are no bytes."""
        words = [repr(each) for each in request.args] + [f"{name}={each!r}" for name, each in request.kwargs.items()]
        return [Preview(f"{request.method}({', '.join(words)})")]

    def close(self) -> None:
        """Forget the target."""
        self._closed = True

    def _receive(self, request: Request, worker: "_Worker") -> Iterator[Reply]:
        limit = first_limit(request)
        while True:
            try:
                reply = worker.step(limit.deadline)
            except Empty:
                raise limit.error(request) from None
            if reply is None:
                return
            yield reply
            if isinstance(reply, ENDS):
                return
            limit = next_limit(request)


class _Worker:
    """Drives an iterator of replies on a thread, one step for each one asked for."""

    def __init__(self, replies: Iterator[Reply]) -> None:
        self._replies = replies
        self._steps: SimpleQueue[bool] = SimpleQueue()
        self._results: SimpleQueue[Reply | BaseException | None] = SimpleQueue()
        Thread(target=self._run, name="rpcctl-py", daemon=True).start()

    def step(self, deadline: Deadline) -> Reply | None:
        """The next reply, None when there is none; Empty when it is not there in time; raises what the iterator did."""
        self._steps.put(True)
        result = self._results.get(timeout=deadline.remaining())
        if isinstance(result, BaseException):
            raise result
        return result

    def stop(self) -> None:
        """Close the iterator as soon as the running step returns."""
        self._steps.put(False)

    def _run(self) -> None:
        try:
            while self._steps.get():
                self._results.put(next(self._replies, None))
        except BaseException as exc:
            self._results.put(exc)
        finally:
            close = getattr(self._replies, "close", None)
            if close is not None:
                close()
