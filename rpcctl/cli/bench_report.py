"""How `bench` shows what it measures: a line of progress, then a report for people, or the numbers for programs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rpcctl.bench.crew import Measured
from rpcctl.bench.figures import BUSY, Figures, ratios, to_record, to_row
from rpcctl.bench.plan import Load
from rpcctl.bench.tally import Errors
from rpcctl.cli.bench import count_processors
from rpcctl.cli.command import Values
from rpcctl.cli.output import Output
from rpcctl.cli.status import to_count, to_time

_DELAY = 1.0
"""Seconds of work before any progress is shown."""
_BAR = 12
_BARS = 28
"""Most columns of a bar of the histogram: with what stands before it, it fits into 40."""
_EXAMPLE = 200
"""Most characters of an error's text."""
_PERCENTILES = ("p50", "p75", "p90", "p95", "p99", "p99.9")


class Progress:
    """Shows how far a load is."""

    def __init__(self, load: Load, measured: Measured, output: Output) -> None:
        """`load` is all of it, and `measured` what is being filled."""
        self._load = load
        self._measured = measured
        self._output = output

    def show(self) -> None:
        """Write the line anew, on a terminal, when it has been going on for a while."""
        if self._measured.elapsed() >= _DELAY and self._output.is_live():
            self._output.status(*self._parts())

    def _parts(self) -> Iterator[str]:
        tally, seconds = self._measured.tally, self._measured.elapsed()
        done = min(1.0, self._done(tally.calls, seconds))
        full = round(_BAR * done)
        p50, p99 = tally.latencies.percentiles((50, 99))
        yield f"{done:4.0%}"
        yield f"{to_count(round(tally.calls / seconds))}/s"
        yield f"p99 {to_time(p99)}"
        yield f"p50 {to_time(p50)}"
        if tally.failed:
            yield f"{to_count(tally.failed)} failed"
        yield f"{to_count(tally.calls)} calls"
        yield f"{'━' * full}{'─' * (_BAR - full)}"
        yield f"{to_time(max(0.0, seconds / done - seconds)) if done else '?'} left"

    def _done(self, calls: int, seconds: float) -> float:
        parts = [calls / self._load.calls] if self._load.calls else []
        return max([*parts, seconds / self._load.seconds] if self._load.seconds else parts)


def print_figures(
    found: Sequence[Figures], errors: Sequence[Mapping[str, Errors]], values: Values, output: Output
) -> None:
    """The report in the form that was asked for, with the ratio when there are two servers."""
    if values.format == "auto" and not values.json:
        for number, (figures, kinds) in enumerate(zip(found, errors, strict=True)):
            output.lines([*([""] if number else []), *describe(figures, kinds)])
        if len(found) > 1:
            output.lines(["", *_describe_ratios(found[0], found[1])])
    elif values.format in ("csv", "table"):
        output.records([to_row(each) for each in found])
    elif len(found) == 1:
        output.value(to_record(found[0]))
    elif found:
        output.value({"servers": [to_record(each) for each in found], **_ratio_of(found)})


def warn_of_limit(figures: Figures, output: Output) -> None:
    """Say so when the processes that made the calls had no time left: then the server may be faster than it seems."""
    if figures.busy < BUSY:
        return
    more = figures.processes < min(count_processors(), figures.connections)
    what = "more --processes would show more" if more else "another machine has to call to find the server's limit"
    output.note(f"warning: the calling side was the limit, at {figures.busy:.0%} of a processor in one process: {what}")


def describe(figures: Figures, errors: Mapping[str, Errors]) -> Iterator[tuple[str, str] | str]:
    """The report's lines, those with a style as `(style, text)`; all but the first and errors fit into 40 columns."""
    yield ("title", f"{figures.address} {figures.method}")
    yield f"  {'calls':<12}{to_count(figures.calls)} in {to_time(figures.seconds)}"
    yield f"  {'throughput':<12}{to_count(round(figures.throughput, 1))}/s"
    yield f"  {'connections':<12}{figures.connections} in {_count(figures.processes, 'process', 'es')}"
    if figures.items:
        yield f"  {'items':<12}{to_count(figures.items)}"
    if figures.missed:
        yield ("bad", f"  {'missed':<12}{to_count(figures.missed)} due, never begun")
    yield ("bad" if figures.failed else "", f"  {'failed':<12}{to_count(figures.failed)}")
    for kind, count in figures.errors.items():
        yield f"    {to_count(count)}  {kind}: {_shorten(kind, errors[kind].example.message)}"
    yield from _describe_latency(figures)


def _shorten(kind: str, message: str) -> str:
    """The message in one line, without the type of the error with which the kind ends already."""
    return " ".join(message.removeprefix(f"{kind.rpartition(' ')[2]}: ").split())[:_EXAMPLE]


def _describe_latency(figures: Figures) -> Iterator[tuple[str, str] | str]:
    if not figures.histogram:
        return
    latency = figures.latency
    yield ""
    yield ("title", "  latency")
    yield f"  {'mean':<6}{to_time(latency['mean']):>9} ± {to_time(latency['deviation'])}"
    for name in ("min", *_PERCENTILES, "max"):
        yield f"  {name:<6}{to_time(latency[name]):>9}"
    yield ""
    most = max(count for _, _, count in figures.histogram)
    for _, high, count in figures.histogram:
        yield f"  {to_time(high):>9} {'█' * _bar(count, most):<1} {to_count(count) if count else ''}".rstrip()


def _bar(count: int, most: int) -> int:
    return max(1, round((_BARS - 10) * count / most)) if count else 0


def _describe_ratios(ours: Figures, theirs: Figures) -> Iterator[tuple[str, str] | str]:
    yield ("title", "ratio of the first to the second")
    for name, ratio in ratios(ours, theirs).items():
        yield f"  {name:<12}{ratio:.3g}"


def _ratio_of(found: Sequence[Figures]) -> dict[str, Any]:
    return {"ratio": {name: round(ratio, 4) for name, ratio in ratios(found[0], found[1]).items()}}


def _count(number: int, word: str, plural: str) -> str:
    return f"{number} {word}{'' if number == 1 else plural}"
