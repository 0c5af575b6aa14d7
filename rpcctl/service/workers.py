"""Where the steps of calls run: on worker threads, or at once on the thread that asks.

Knows jobs without arguments, nothing of calls.
"""

from collections import deque
from collections.abc import Callable
from threading import Lock, Thread, local
from typing import TYPE_CHECKING, NamedTuple, Protocol

from rpcctl.service.stdio import warn

if TYPE_CHECKING:
    from rpcctl.interfaces import Guest

Job = Callable[[], None]
"""Expected not to raise: it costs a warning, never the worker."""


class Workers(Protocol):
    """Runs jobs."""

    def put(self, job: Job) -> None:
        """Run the job, at once or when there is room."""

    def welcome(self) -> "Guest | None":
        """A part in the work for a thread of somebody else's; None where nothing is won by it."""

    def replace(self, held: int) -> None:
        """Make up for threads that are held by jobs which may never return."""

    def close(self) -> None:
        """Run what was put, then let the threads end. Safe to repeat."""


def do(job: Job) -> None:
    """Run it; what it raises is told."""
    try:
        job()
    except BaseException as exc:
        warn(f"a worker's job raised {type(exc).__name__}: {exc}")


class _Own(local):
    """What one thread is about."""

    def __init__(self) -> None:
        self.busy = False
        self.waiting: deque[Job] = deque()


class CallingThread:
    """Runs each job on the thread that puts it; a job put by a job waits for that one to return."""

    def __init__(self) -> None:
        """Nothing to start."""
        self._own = _Own()

    def put(self, job: Job) -> None:
        """Run it now. A stream that is resumed from within its own step goes on after it, not inside it."""
        own = self._own
        if own.busy:
            own.waiting.append(job)
            return
        own.busy = True
        try:
            do(job)
            while own.waiting:
                do(own.waiting.popleft())
        finally:
            own.busy = False

    def welcome(self) -> None:
        """Every thread runs what it puts."""

    def replace(self, held: int) -> None:
        """There are no threads to add."""

    def close(self) -> None:
        """There are no threads to end."""


class _Putting(local):
    """Where one thread's jobs go, if not to the workers."""

    gathered: deque[Job] | None = None


class Place(NamedTuple):
    """What a guest has taken of a pool: the gate of a worker that sleeps meanwhile, or the right to one more thread."""

    gate: "Lock | None"


class WorkerPool:
    """Daemon threads, started on demand.

    At most one woken worker is on its way to the jobs: when it takes one and others are left, it wakes the next before
    it starts. So trivial jobs are done by few threads, and no job waits behind a slow one while a thread is to be had.
    """

    def __init__(self, threads: int) -> None:
        """No thread is started before the first job."""
        self._lock = Lock()
        self._jobs: deque[Job] = deque()
        self._idle: list[Lock] = []  # A gate for each sleeping worker; the last to sleep is the first to wake.
        self._threads = self._limit = threads
        self._living = 0
        self._started = 0
        self._coming = False
        self._closed = False
        self._putting = _Putting()

    def put(self, job: Job) -> None:
        """Hand it to a worker."""
        gathered = self._putting.gathered
        if gathered is not None:
            gathered.append(job)
            return
        with self._lock:
            self._jobs.append(job)
            if not self._coming:
                self._summon()

    def welcome(self) -> "Guest | None":
        """A part in the work; with a single thread None: whoever asks for one wants all jobs to run on the same."""
        if self._threads == 1:
            return None
        from rpcctl.service.guests import Visitor

        return Visitor(self)

    def keep_jobs(self, gathered: deque[Job] | None) -> None:
        """Put what this thread puts into `gathered` from now on; None: hand it to the workers again."""
        self._putting.gathered = gathered

    def stand_in(self) -> "Place | None":
        """Take the place of a worker that has nothing to do, until `leave`; None when jobs wait or there is none."""
        with self._lock:
            if self._jobs or self._closed:
                return None
            if self._idle:
                return Place(self._idle.pop())
            if self._living >= self._limit:
                return None
            self._living += 1
            return Place(None)

    def leave(self, place: "Place") -> None:
        """Give a place back."""
        with self._lock:
            if place.gate is None:
                self._living -= 1
            elif self._closed or self._living > self._limit:
                place.gate.release()
            else:
                self._idle.append(place.gate)
            if self._jobs and not self._coming:
                self._summon()

    def replace(self, held: int) -> None:
        """Have that many threads more than asked for; a surplus ends when it has no job in hand."""
        with self._lock:
            self._limit = self._threads + held
            if self._jobs and not self._coming:
                self._summon()

    def close(self) -> None:
        """Run what was put, then let the threads end. Safe to repeat."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().release()

    def _summon(self) -> None:
        """Get one more worker on its way, if there is one to be had; the lock is held."""
        if self._idle:
            self._coming = True
            self._idle.pop().release()
        elif self._living < self._limit:
            self._coming = self._start_thread()

    def _start_thread(self) -> bool:
        self._started += 1
        thread = Thread(target=self._work, name=f"rpcctl-worker-{self._started}", daemon=True)
        try:
            thread.start()
        except RuntimeError as exc:
            warn(f"{exc}: {self._living} worker threads must do")
            return False
        self._living += 1
        return True

    def _work(self) -> None:
        gate = Lock()
        gate.acquire()
        arriving = True
        while True:
            with self._lock:
                if arriving:
                    self._coming = False
                job = self._take()
                if job is None:
                    if self._is_surplus():
                        self._resign()
                        return
                    self._idle.append(gate)
            arriving = job is None
            if job is None:
                gate.acquire()
            else:
                do(job)
                job = None  # An idle worker must not keep the last call's values alive.

    def _take(self) -> Job | None:
        """The next job, when there is one for this worker; the lock is held."""
        if not self._jobs or self._living > self._limit:
            return None
        job = self._jobs.popleft()
        if self._jobs and not self._coming:
            self._summon()
        return job

    def _resign(self) -> None:
        """One worker less; what it came for is left to another. The lock is held."""
        self._living -= 1
        if self._jobs and not self._coming:
            self._summon()

    def _is_surplus(self) -> bool:
        return self._closed or self._living > self._limit
