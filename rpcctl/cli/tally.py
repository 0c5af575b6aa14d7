"""Which lines of a batch are done, which failed, and of which nobody knows. Pure."""

from collections.abc import Iterable

_SHOWN = 8
"""Most ranges of lines that are told."""


class Tally:
    """Counts lines; keeps the numbers of those under way, and of the first few that failed."""

    def __init__(self) -> None:
        """No line yet."""
        self.done = 0
        self.failed = 0
        self.last = 0
        """The number of the last line that was begun."""
        self._open: dict[int, None] = {}
        self._failures: list[int] = []

    def begin(self, number: int) -> None:
        """A line is under way."""
        self.last = number
        self._open[number] = None

    def end(self, number: int, *, well: bool) -> None:
        """A line is over."""
        del self._open[number]
        if well:
            self.done += 1
            return
        self.failed += 1
        if len(self._failures) <= _SHOWN:
            self._failures.append(number)

    def describe(self) -> str:
        """As `7 done, 2 failed (lines 3, 5), 4 unknown (lines 8-11)`."""
        parts = [f"{self.done} done"]
        if self.failed:
            parts.append(f"{self.failed} failed ({_lines(self._failures, self.failed)})")
        if self._open:
            parts.append(f"{len(self._open)} unknown ({_lines(self._open, len(self._open))})")
        return ", ".join(parts)


def _lines(numbers: Iterable[int], count: int) -> str:
    ranges = list(find_ranges(numbers))
    more = ", …" if len(ranges) > _SHOWN or count > sum(last - first + 1 for first, last in ranges) else ""
    shown = ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in ranges[:_SHOWN])
    return f"{'line' if count == 1 else 'lines'} {shown}{more}"


def find_ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of each run of numbers that follow each other."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges
