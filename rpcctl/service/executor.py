"""Executors: how many calls are accepted, on which threads they run, how long they may take, and how they end.

`Threads` runs them on a pool of workers, `Inline` on the server's own thread; async methods run on the event loop with
either. Knows no protocol and no method table: a handler's replies are an iterator.
"""

from collections.abc import Callable
from itertools import takewhile
from threading import Condition, Lock
from time import monotonic
from types import GeneratorType
from typing import NamedTuple

from rpcctl.errors import UsageError
from rpcctl.interfaces import Guest, Handler, Sink
from rpcctl.messages import REFUSED, Failure, Request
from rpcctl.service.alarm import Alarm
from rpcctl.service.calls import Call
from rpcctl.service.failures import failure_of_handler
from rpcctl.service.loop_calls import LoopCall
from rpcctl.service.outcome import OnDone
from rpcctl.service.stdio import warn
from rpcctl.service.workers import CallingThread, Job, WorkerPool, Workers

DEFAULT_THREADS = 32
_MOST_THREADS = 10_000
_MOST_REPLACED = 256
"""Workers held by stuck calls that are made up for; beyond it stuck calls do eat the pool, but not the machine."""
_FOREVER = float("inf")


class Limits(NamedTuple):
    """What an executor grants."""

    call_timeout: float | None = None
    """Seconds a call may take, streams and pauses included; None means any time."""
    max_concurrent: int = 1024
    """Calls accepted and not ended: running, queued for a thread, or paused. As many more may wait in line."""
    max_wait: float = 5.0
    """Seconds a call waits in line before it is answered that the server is busy."""


DEFAULT_LIMITS = Limits()


class Calls:
    """The calls of one server process, from acceptance to their end: the part that all executors share."""

    capacity = 1
    """How many run side by side."""
    hosts_guests = True
    """Whether servers' threads may run calls; to be set to False where most calls wait for another process."""

    def __init__(self, workers: Workers, limits: Limits, on_done: OnDone | None = None) -> None:
        """No thread is started before it is needed."""
        self.lock = Lock()
        self.place: Callable[[Job], None] = workers.put
        self._workers = workers
        self._limits = limits
        self._on_done = on_done
        self._changed = Condition(self.lock)
        # Each with the instant it came there, oldest first, as all share one time limit.
        self._accepted: dict[Call, float] = {}
        self._line: dict[Call, float] = {}
        self._refused: dict[Call, float] = {}
        self._stuck: set[Call] = set()
        self._draining = self._closed = False
        self._alarm = Alarm(self._sweep)

    @property
    def running(self) -> int:
        """Calls accepted and not ended."""
        return len(self._accepted)

    @property
    def stuck(self) -> int:
        """Calls that were answered with a timeout and whose code still runs."""
        return len(self._stuck)

    def submit(self, handler: Handler, request: Request, sink: Sink, allowance: int | None = None) -> Call:
        """Start a call at once, or when there is room; when there is none in time, answer that the server is busy."""
        try:
            replies = handler(request)
        except BaseException as exc:
            replies = iter((failure_of_handler(exc),))
        # Most are generators: their type tells sooner than a look for what it has not.
        kind = Call if type(replies) is GeneratorType or not hasattr(type(replies), "__anext__") else LoopCall
        call = kind(self, request, replies, sink, allowance)
        with self.lock:
            place = self._choose_place()
            place[call] = call.submitted
            call.parked = place is not self._accepted
        if place is not self._accepted:
            self._alarm.ring()
            return call
        if self._limits.call_timeout is not None:
            self._alarm.start()
        call.start()
        return call

    def welcome(self) -> Guest | None:
        """A part in the work for a server's thread."""
        return self._workers.welcome() if self.hosts_guests else None

    def refuse(self, request: Request, why: str) -> None:
        """Tell whoever follows the calls of a request that never became one."""
        if self._on_done is not None:
            _tell(self._on_done, request, f"{REFUSED} {why}", 0.0)

    def drain(self, grace: float) -> int:
        """Refuse new calls and wait up to `grace` seconds until all others have ended; returns how many have not."""
        with self._changed:
            self._draining = True
            self._changed.wait_for(lambda: self._closed or not (self._accepted or self._line), grace)
            return len(self._accepted) + len(self._line)

    def close(self) -> None:
        """Refuse new calls and cancel all others; a `drain` that waits returns. Safe to repeat, from any thread."""
        with self._changed:
            self._draining = self._closed = True
            left = [*self._accepted, *self._line]
            self._changed.notify_all()
        for call in left:
            call.cancel()
        self._workers.close()
        self._alarm.close()

    def on_ended(self, call: Call) -> None:
        """Make room for the next one in line, after the end was told to all who want to know."""
        if self._on_done is not None:
            _tell(self._on_done, call.request, call.outcome, monotonic() - call.submitted)
        with self.lock:
            if self._accepted.pop(call, None) is None:
                self._line.pop(call, None)
                self._refused.pop(call, None)
            following = self._promote() if self._line else None
            if self._draining and not self._accepted:
                self._changed.notify_all()
        if following is not None:
            following.start()

    def on_stuck(self, call: Call) -> None:
        """Count a call that is over and whose step has not returned; if that holds a worker, replace the worker."""
        with self.lock:
            if not call.stepping:
                return
            self._stuck.add(call)
            self._replace_workers()
        if call.holds_worker:
            warn(
                f"{call.request.method}: still runs after its time limit and holds a thread; stuck calls: {self.stuck}"
            )

    def on_unstuck(self, call: Call) -> None:
        """Count it no longer."""
        with self.lock:
            self._stuck.discard(call)
            self._replace_workers()

    def _replace_workers(self) -> None:
        held = sum(call.holds_worker for call in self._stuck)
        self._workers.replace(min(held, _MOST_REPLACED))

    def _choose_place(self) -> dict[Call, float]:
        most = self._limits.max_concurrent
        if self._draining:
            return self._refused
        if len(self._accepted) < most:
            return self._accepted
        return self._line if len(self._line) < most else self._refused

    def _promote(self) -> Call | None:
        """Accept the call that has waited longest, if there is room; the lock is held."""
        if len(self._accepted) >= self._limits.max_concurrent:
            return None
        call = next(iter(self._line))
        del self._line[call]
        self._accepted[call] = monotonic()
        if not call.parked:
            return None
        call.parked = False
        if self._limits.call_timeout is not None:
            self._alarm.start()
        return call

    def _sweep(self) -> float | None:
        """End what is overdue; in how many seconds to look again, None for not before the alarm rings."""
        patience = _FOREVER if self._limits.call_timeout is None else self._limits.call_timeout
        with self.lock:
            now = monotonic()
            refused = list(self._refused)
            tired = _since(self._line, now - self._limits.max_wait)
            late = _since(self._accepted, now - patience)
            # A call that is accepted after this look is due no earlier than a whole `patience` from now.
            idle = _FOREVER if self._closed else now
            nap = min(
                next(iter(self._line.values()), _FOREVER) + self._limits.max_wait,
                next(iter(self._accepted.values()), idle) + patience,
            )
        for call in refused:
            call.expire(self._refusal(0.0))
        for call in tired:
            call.expire(self._refusal(self._limits.max_wait))
        for call in late:
            call.expire(_timeout(call.request.method, patience))
        return None if nap == _FOREVER else nap - now

    def _refusal(self, waited: float) -> Failure:
        if self._draining and not waited:
            return Failure("busy", "ServerBusy", "the server is shutting down")
        why = f"no call ended within {waited:g} s" if waited else "as many calls wait in line"
        text = f"the server is at its limit, --max-concurrent {self._limits.max_concurrent}, and {why}"
        return Failure("busy", "ServerBusy", text)


class Threads(Calls):
    """Runs calls on up to `threads` worker threads: a slow method stops neither other calls nor the server's thread."""

    def __init__(
        self, threads: int = DEFAULT_THREADS, limits: Limits = DEFAULT_LIMITS, on_done: OnDone | None = None
    ) -> None:
        """No thread is started before the first call."""
        super().__init__(WorkerPool(threads), limits, on_done)
        self.capacity = min(threads, limits.max_concurrent)


class Inline(Calls):
    """Runs each step on the thread that submits or resumes the call: the fastest for methods that never wait.

    A call that waited in line runs on the thread on which another one ended.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS, on_done: OnDone | None = None) -> None:
        """There is nothing to start."""
        super().__init__(CallingThread(), limits, on_done)


def make_executor(
    text: str, *, call_timeout: float | None, max_concurrent: int, max_wait: float, on_done: OnDone | None = None
) -> Calls:
    """The executor that `threads:8`, `threads` or `inline` names; raises UsageError for anything else."""
    if max_concurrent < 1:
        raise UsageError(
            f"--max-concurrent {max_concurrent} would refuse every call", hint="--max-concurrent 1 or more"
        )
    limits = Limits(call_timeout, max_concurrent, max_wait)
    threads = count_threads(text)
    return Threads(threads, limits, on_done) if threads else Inline(limits, on_done)


def count_threads(text: str) -> int:
    """How many threads `threads:8`, `threads` or `inline` (0) asks for; UsageError for anything else."""
    name, colon, count = text.partition(":")
    if text == "inline":
        return 0
    if name != "threads" or (colon and not count.isdecimal()):
        raise UsageError(f"there is no executor {text!r}", hint="--executor threads:8 or --executor inline")
    threads = int(count) if colon else DEFAULT_THREADS
    if not 1 <= threads <= _MOST_THREADS:
        raise UsageError(f"{text!r}: threads are counted from 1 to {_MOST_THREADS}", hint="--executor threads:8")
    return threads


def _tell(on_done: OnDone, request: Request, outcome: str, seconds: float) -> None:
    try:
        on_done(request, outcome, seconds)
    except BaseException as exc:
        warn(f"{request.method}: the call could not be logged: {type(exc).__name__}: {exc}")


def _since(calls: dict[Call, float], instant: float) -> list[Call]:
    return [call for call, came in takewhile(lambda entry: entry[1] <= instant, calls.items())]


def _timeout(method: str, seconds: float) -> Failure:
    return Failure("timeout", "TimeoutError", f"{method} took longer than --call-timeout {seconds:g} s")
