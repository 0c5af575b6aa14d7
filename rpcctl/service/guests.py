"""A thread with other duties that runs jobs among the workers, while they are short. Knows jobs, nothing of calls."""

from collections import deque
from time import monotonic

from rpcctl.service.workers import Job, WorkerPool, do

_SHORT = 0.0002
"""Seconds that a job may take; a longer one is likely to wait for something, beside which others could run."""
_SPELL = 0.005
"""Seconds after which the thread goes back to its duties, whatever is left."""
_MOST_PATIENT = 32
"""How many times as long as it took such a job, everything is left to the workers, once several have come close upon
each other; it begins with twice, as any job is long for which the machine had no time."""
_FORGETTING = 0.95
"""What is left of that number after each spell without such a job."""
_LONGEST_REST = 1.0


class Visitor:
    """One such thread at a pool, or several of which one gathers at a time; it is a Guest."""

    def __init__(self, pool: WorkerPool) -> None:
        """Nothing is gathered yet."""
        self._pool = pool
        self._gathered: deque[Job] = deque()
        self._in_work: deque[Job] = deque()
        self._resting = 0.0
        """Until when everything is left to the workers."""
        self._patience = 1.0

    def gather(self) -> None:
        """Keep what this thread puts from now on for `work`, unless a job has taken long lately."""
        if monotonic() >= self._resting:
            self._pool.keep_jobs(self._gathered)

    def has_work(self) -> bool:
        """Whether something was gathered."""
        return bool(self._gathered)

    def work(self) -> None:
        """Gather no more, and run on this thread what was gathered."""
        self._pool.keep_jobs(None)
        self._in_work = jobs = self._gathered
        self._gathered = deque()
        place = self._pool.stand_in()
        if place is None:
            self._pass_on(jobs)
            return
        try:
            self._run(jobs)
        finally:
            self._pool.leave(place)

    def hand_over(self) -> None:
        """Leave what is not begun to the workers, and what comes soon too."""
        self._rest(_LONGEST_REST)
        self._pool.keep_jobs(None)
        for jobs in (self._in_work, self._gathered):
            self._pass_on(jobs)

    def _run(self, jobs: deque[Job]) -> None:
        now = monotonic()
        until = now + _SPELL
        while jobs:
            try:
                job = jobs.popleft()
            except IndexError:
                return  # They were handed over.
            do(job)
            began, now = now, monotonic()
            if now - began > _SHORT:
                self._patience = min(2 * self._patience, _MOST_PATIENT)
                self._rest(self._patience * (now - began))
                self._pass_on(jobs)
                return
            if now > until:
                self._pass_on(jobs)
        self._patience = max(1.0, self._patience * _FORGETTING)

    def _rest(self, seconds: float) -> None:
        self._resting = max(self._resting, monotonic() + min(seconds, _LONGEST_REST))

    def _pass_on(self, jobs: deque[Job]) -> None:
        while jobs:
            try:
                self._pool.put(jobs.popleft())
            except IndexError:
                return  # Somebody else does the same.
