"""What was measured: latencies, errors by kind with an example of each, items of streams. In constant memory."""

from rpcctl.errors import RpcctlError
from rpcctl.histogram import Histogram
from rpcctl.messages import Failure
from rpcctl.replies import to_error

OTHER = "other"
_KINDS = 50
"""Kinds of errors that are told apart: their names come from the server."""


class Errors:
    """Errors of one kind."""

    __slots__ = ("count", "example")

    def __init__(self, example: RpcctlError) -> None:
        """None yet."""
        self.count = 0
        self.example = example


class Tally:
    """The calls of one process, or of all. For one thread at a time."""

    def __init__(self) -> None:
        """Nothing was measured."""
        self.latencies = Histogram()
        """Of calls that were answered, or not in time: the time that a caller spent on them."""
        self.errors: dict[str, Errors] = {}
        self.calls = 0
        """That are over, whatever came of them."""
        self.items = 0

    def __len__(self) -> int:
        """How many calls are over."""
        return self.calls

    @property
    def failed(self) -> int:
        """Calls that ended with an error."""
        return sum(each.count for each in self.errors.values())

    def add(self, seconds: float, items: int, failure: Failure | None) -> None:
        """Count a call that was answered after so many seconds, by a result, items or a failure."""
        self.calls += 1
        self.items += items
        self.latencies.add(seconds)
        if failure is not None:
            self._count(f"{failure.kind} {failure.type}", failure)

    def add_error(self, seconds: float, error: RpcctlError) -> None:
        """Count a call that got no answer; only one that ran out of time says something of latency."""
        self.calls += 1
        if error.kind == "timeout":
            self.latencies.add(seconds)
        self._count(error.kind, error)

    def merge(self, other: "Tally") -> None:
        """Add what another one has counted."""
        self.calls += other.calls
        self.items += other.items
        self.latencies.merge(other.latencies.counts)
        for kind, errors in other.errors.items():
            self._entry(kind, errors.example).count += errors.count

    def worst(self) -> RpcctlError | None:
        """An example of the commonest kind of error."""
        return max(self.errors.values(), key=lambda each: each.count).example if self.errors else None

    def _count(self, kind: str, found: Failure | RpcctlError) -> None:
        known = self.errors.get(kind)
        if known is None:
            known = self._entry(kind, to_error(found) if isinstance(found, Failure) else found)
        known.count += 1

    def _entry(self, kind: str, example: RpcctlError) -> Errors:
        if kind not in self.errors and len(self.errors) >= _KINDS:
            kind = OTHER
        return self.errors.setdefault(kind, Errors(example))
