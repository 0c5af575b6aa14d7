"""Calls a target in this process: the handler is loaded by a function handed in, and runs on threads of its own."""

from collections.abc import Iterator
from queue import Empty, SimpleQueue

from rpcctl.address import Address
from rpcctl.errors import ConnectionLostError, UsageError
from rpcctl.interfaces import Handler, Preview, Settings
from rpcctl.limits import first_limit, next_limit
from rpcctl.messages import ENDS, Deadline, Reply, Request

from .worker import Pipeline, Results, Worker


class Client:
    """Calls the methods of the target that the address names."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Nothing is loaded before `connect`."""
        self._address = address
        self._settings = settings
        self._handler: Handler | None = None
        self._pipeline = Pipeline()
        self._closed = False

    def connect(self, deadline: Deadline) -> None:
        """Load the target; TargetError when it is missing or broken. Loading has no time limit."""
        if self._settings.load is None:
            raise UsageError(f"{self._address} can only be called where targets can be loaded")
        self._handler = self._settings.load(self._address.path)

    def send(self, request: Request) -> Iterator[Reply]:
        """Run the method and yield its replies as they come; DeadlineError when one takes too long."""
        results: Results = SimpleQueue()
        worker = Worker(self._current()(request), results)
        try:
            yield from _receive(request, worker, results)
        finally:
            worker.stop()

    def start(self, request: Request) -> int:
        """Run a method and return at once; a number that stands for the call."""
        return self._pipeline.start(request, self._current()(request))

    def collect(self, deadline: Deadline) -> list[tuple[int, Reply]]:
        """The replies that are there of the calls that were started; waits for one until the deadline."""
        return self._pipeline.collect(deadline)

    def abandon(self, call: int) -> None:
        """Take in nothing more of a call that was started."""
        self._pipeline.abandon(call)

    def preview(self, request: Request) -> list[Preview]:
        """The call as Python would write it; there are no bytes."""
        words = [repr(each) for each in request.args] + [f"{name}={each!r}" for name, each in request.kwargs.items()]
        return [Preview(f"{request.method}({', '.join(words)})")]

    def close(self) -> None:
        """Forget the target."""
        self._closed = True

    def _current(self) -> Handler:
        if self._handler is None or self._closed:
            raise ConnectionLostError(f"{self._address} is closed")
        return self._handler


def _receive(request: Request, worker: Worker, results: Results) -> Iterator[Reply]:
    limit = first_limit(request)
    while True:
        worker.step()
        try:
            _, reply = results.get(timeout=limit.deadline.remaining())
        except Empty:
            raise limit.error(request) from None
        if isinstance(reply, BaseException):
            raise reply
        if reply is None:
            return
        yield reply
        if isinstance(reply, ENDS):
            return
        limit = next_limit(request)
