"""Durations counted in classes of equal relative width, as HdrHistogram has them: exact to 0.1 %, in constant memory.

Class n holds the n-th nanosecond up to 2048 ns; above that every doubling is cut into 1024 classes of the same width.
Pure: told of durations, it knows no clock.
"""

from collections.abc import Iterable, Mapping
from math import ceil

_BITS = 11
_HALF = 1 << (_BITS - 1)
_WHOLE = 1 << _BITS
LONGEST = 100_000.0
"""Seconds that a longer duration counts as; with it there are fewer than 40,000 classes, of which few are in use."""


class Histogram:
    """Counts of durations in seconds."""

    __slots__ = ("counts",)

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        """Empty, or with the `counts` of another one."""
        self.counts: dict[int, int] = dict(counts or {})

    def add(self, seconds: float) -> None:
        """Count one duration; a negative one as 0."""
        place = _place(seconds)
        self.counts[place] = self.counts.get(place, 0) + 1

    def merge(self, counts: Mapping[int, int]) -> None:
        """Take over the `counts` of another one."""
        own = self.counts
        for place, count in counts.items():
            own[place] = own.get(place, 0) + count

    @property
    def total(self) -> int:
        """How many were counted."""
        return sum(self.counts.values())

    def percentiles(self, shares: Iterable[float]) -> list[float]:
        """For each share of 100, ascending: the seconds within which that part of the calls was over; 0.0 of none."""
        total, seen, found = self.total, 0, []
        places = iter(sorted(self.counts))
        place = next(places, 0)
        for share in shares:
            wanted = max(1, ceil(total * share / 100))
            while total and seen + self.counts[place] < wanted:
                seen += self.counts[place]
                place = next(places)
            found.append(_middle(place) if total else 0.0)
        return found

    def mean(self) -> float:
        """Seconds; 0.0 of none."""
        return self._moment(0.0, 1) if self.counts else 0.0

    def deviation(self) -> float:
        """Standard deviation, in seconds."""
        return float(self._moment(self.mean(), 2) ** 0.5) if self.counts else 0.0

    def extremes(self) -> tuple[float, float]:
        """The shortest and the longest, in seconds."""
        return (_middle(min(self.counts)), _middle(max(self.counts))) if self.counts else (0.0, 0.0)

    def bars(self, most: int) -> list[tuple[float, float, int]]:
        """At most so many ranges `(from, to, count)`, each as many times longer than the one before it."""
        if not self.counts:
            return []
        low, high = self.extremes()
        ratio = (high / low) ** (1 / most) if low else 1.0
        if ratio < 1.0 + 1 / _HALF:
            return [(low, high, self.total)]
        edges = [low * ratio**n for n in range(most)] + [high]
        filled = [0] * most
        for place, count in self.counts.items():
            seconds = _middle(place)
            filled[next((n for n in range(most - 1, 0, -1) if seconds >= edges[n]), 0)] += count
        return [(edges[n], edges[n + 1], filled[n]) for n in range(most)]

    def _moment(self, around: float, power: int) -> float:
        return sum((_middle(place) - around) ** power * count for place, count in self.counts.items()) / self.total


def _place(seconds: float) -> int:
    nanoseconds = int(min(max(seconds, 0.0), LONGEST) * 1e9)
    if nanoseconds < _WHOLE:
        return nanoseconds
    shift = nanoseconds.bit_length() - _BITS
    return shift * _HALF + (nanoseconds >> shift)


def _middle(place: int) -> float:
    """The seconds that stand for all of a class."""
    shift = max(0, place // _HALF - 1)
    begin = (place - shift * _HALF) << shift
    return (begin + ((1 << shift) - 1) / 2) / 1e9
