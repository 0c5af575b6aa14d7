"""The line below a server's log on a terminal: how many calls, how many errors, how long they take, how many run."""

from collections.abc import Callable, Iterator
from threading import Lock
from time import monotonic

from rpcctl.cli.output import Output
from rpcctl.cli.status import to_count, to_time
from rpcctl.histogram import Histogram
from rpcctl.messages import REFUSED, Request

RECENT = 30.0
"""Seconds after which latencies begin to be forgotten; after twice as many they are."""


class Traffic:
    """Counts calls; an executor's `on_done`. From any thread."""

    def __init__(self, output: Output, clock: Callable[[], float] = monotonic) -> None:
        """Nothing was called."""
        self._output = output
        self._clock = clock
        self._lock = Lock()
        self._calls = self._failed = 0
        self._now, self._before = Histogram(), Histogram()
        self._turned = clock()

    def __call__(self, request: Request, outcome: str, seconds: float) -> None:
        """Count one call; what never became one says nothing of those that did."""
        if outcome.startswith(REFUSED):
            return
        with self._lock:
            self._calls += 1
            self._failed += outcome != "ok"
            self._now.add(seconds)

    def show(self, in_flight: int) -> None:
        """Write the line anew."""
        self._output.status(*self._parts(in_flight))

    def _parts(self, in_flight: int) -> Iterator[str]:
        with self._lock:
            self._forget()
            recent = Histogram(self._before.counts)
            recent.merge(self._now.counts)
            calls, failed = self._calls, self._failed
        yield f"{to_count(calls)} {'call' if calls == 1 else 'calls'}"
        yield f"{to_count(failed)} failed"
        p50, p99 = recent.percentiles((50, 99))
        if recent.counts:
            yield f"p99 {to_time(p99)}"
        yield f"{in_flight} in flight"
        if recent.counts:
            yield f"p50 {to_time(p50)}"

    def _forget(self) -> None:
        now = self._clock()
        if now - self._turned >= 2 * RECENT:
            self._now = Histogram()
        if now - self._turned >= RECENT:
            self._before, self._now, self._turned = self._now, Histogram(), now
