"""Threads that drive a handler's replies, and the calls that are started one by one and collected together.

A thread keeps the caller free to notice a time limit or Ctrl-C; one that never returns is left behind.
"""

from collections.abc import Iterator
from itertools import count
from queue import Empty, SimpleQueue
from threading import Thread

from rpcctl.limits import Limit, first_limit, next_limit
from rpcctl.messages import ENDS, Deadline, Reply, Request
from rpcctl.outcomes import to_failure

Outcome = Reply | BaseException | None
"""What a step of the iterator gave: a reply, what it raised, or None when it is over."""
Results = SimpleQueue[tuple[int, Outcome]]


class Worker:
    """Drives an iterator of replies on a thread of its own, one step for each one asked for."""

    def __init__(self, replies: Iterator[Reply], results: Results, number: int = 0) -> None:
        """What each step gave goes into `results`, with the number."""
        self._replies = replies
        self._results = results
        self._number = number
        self._steps: SimpleQueue[bool] = SimpleQueue()
        Thread(target=self._run, name="rpcctl-py", daemon=True).start()

    def step(self) -> None:
        """Ask for the next reply."""
        self._steps.put(True)

    def stop(self) -> None:
        """Close the iterator as soon as the running step returns."""
        self._steps.put(False)

    def _run(self) -> None:
        try:
            while self._steps.get():
                self._results.put((self._number, next(self._replies, None)))
        except BaseException as exc:
            self._results.put((self._number, exc))
        finally:
            close = getattr(self._replies, "close", None)
            if close is not None:
                close()


class Pipeline:
    """The calls that were started and are not over, by number."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self._results: Results = SimpleQueue()
        self._calls: dict[int, _Call] = {}
        self._numbers = count(1)

    def start(self, request: Request, replies: Iterator[Reply]) -> int:
        """Run a call; its number."""
        number = next(self._numbers)
        self._calls[number] = call = _Call(request, Worker(replies, self._results, number))
        call.worker.step()
        return number

    def collect(self, deadline: Deadline) -> list[tuple[int, Reply]]:
        """What `rpcctl.interfaces.PipelineClient.collect` says; a stream goes on when its item is collected."""
        arrived = self._await(deadline) if self._calls else []
        found = [(number, reply) for number, outcome in arrived for reply in self._take(number, outcome)]
        return found or self._give_up()

    def abandon(self, number: int) -> None:
        """Forget a call; its thread ends when the method does."""
        call = self._calls.pop(number, None)
        if call is not None:
            call.worker.stop()

    def _await(self, deadline: Deadline) -> list[tuple[int, Outcome]]:
        """At most one outcome of each call, since none goes on before its last one is taken."""
        for call in self._calls.values():
            deadline = deadline.sooner(call.limit.deadline)
        arrived: list[tuple[int, Outcome]] = []
        try:
            arrived.append(self._results.get(timeout=deadline.remaining()))
            while True:
                arrived.append(self._results.get_nowait())
        except Empty:
            return arrived

    def _take(self, number: int, outcome: Outcome) -> Iterator[Reply]:
        call = self._calls.get(number)
        if call is None:
            return
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome is None or isinstance(outcome, ENDS):
            self.abandon(number)
        else:
            call.limit = next_limit(call.request)
            call.worker.step()
        if outcome is not None:
            yield outcome

    def _give_up(self) -> list[tuple[int, Reply]]:
        """End the calls whose time is over."""
        late = [(number, call) for number, call in self._calls.items() if call.limit.deadline.expired()]
        for number, _ in late:
            self.abandon(number)
        return [(number, to_failure(call.limit.error(call.request))) for number, call in late]


class _Call:
    """One call, and the limit of its next reply."""

    __slots__ = ("limit", "request", "worker")

    def __init__(self, request: Request, worker: Worker) -> None:
        self.request = request
        self.worker = worker
        self.limit: Limit = first_limit(request)
