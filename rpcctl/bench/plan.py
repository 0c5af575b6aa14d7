"""What is called, how often and when; and what a process and its parent say to each other. Knows no clock.

The calls of a load are numbered from 0. Call n belongs to connection n modulo their number, so that the processes need
not ask each other, and together make exactly the calls that were asked for, evenly spaced.
"""

from collections.abc import Mapping
from itertools import count
from typing import Any, NamedTuple

from rpcctl.address import Address
from rpcctl.errors import RpcctlError


class Subject(NamedTuple):
    """One server, how to reach it, and the call that is made."""

    address: Address
    method: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}
    connecting: Mapping[str, Any] = {}
    """Keywords of `rpcctl.api.Connection`."""
    retrying: Mapping[str, Any] = {}
    """Keywords of its `connect`."""


class Setup(NamedTuple):
    """The first message to a process."""

    subject: Subject
    numbers: tuple[int, ...]
    """Its connections, of all that there are."""
    connections: int
    """How many there are in all processes."""
    path: tuple[str, ...]
    """The parent's module path."""


class Load(NamedTuple):
    """To a process: make calls until one of the two limits is reached."""

    calls: int | None = None
    """Of all processes together."""
    seconds: float | None = None
    rate: float | None = None
    """Calls begun a second, by all processes together; None for each one as soon as the one before it is over."""
    begin: float = 0.0
    """When the first call is due, on the clock of `time.perf_counter`, which all processes share."""

    def split(self, parts: int) -> list["Load"]:
        """The same in so many turns."""
        calls = [None if self.calls is None else (self.calls + n) // parts for n in range(parts)]
        return [self._replace(calls=each, seconds=self.seconds and self.seconds / parts) for each in calls]

    def due(self) -> int | None:
        """How many calls are to be begun; None when nobody can tell beforehand."""
        if self.seconds is None:
            return self.calls
        if self.rate is None:
            return None
        timed = int(self.rate * self.seconds)
        return timed if self.calls is None else min(timed, self.calls)


class Stop(NamedTuple):
    """To a process: begin no further call, and tell what was measured."""


class Ready(NamedTuple):
    """From a process: its connections stand."""


class Refused(NamedTuple):
    """From a process: they do not."""

    error: RpcctlError


class Over(NamedTuple):
    """From a process: no call of the load is under way any more."""

    end: float
    """When the last one was over, on the clock of `Load.begin`."""
    cpu: float
    """Seconds of processor time that the load took it."""


class Tickets:
    """The calls of a load that fall to one process, for its threads to draw from."""

    def __init__(self, load: Load, numbers: tuple[int, ...], connections: int) -> None:
        """`numbers` are the process's own, ascending, of so many connections."""
        self._load = load
        self._numbers = numbers
        self._connections = connections
        self._draw = count().__next__  # One step of the interpreter: threads need no lock.
        self._end = float("inf") if load.seconds is None else load.begin + load.seconds

    def draw(self, now: float) -> float | None:
        """When the next call is due, in the past if it is late; None when there is none."""
        load = self._load
        turn, place = divmod(self._draw(), len(self._numbers))
        number = turn * self._connections + self._numbers[place]
        if now >= self._end or (load.calls is not None and number >= load.calls):
            return None
        if load.rate is None:
            return max(now, load.begin)
        due = load.begin + number / load.rate
        return due if due < self._end else None
