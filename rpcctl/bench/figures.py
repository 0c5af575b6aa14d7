"""What was measured, in numbers: what is printed, written as JSON or CSV, and held against thresholds. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from rpcctl.bench.crew import Measured
from rpcctl.bench.plan import Subject

SHARES = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
BARS = 11
BUSY = 0.9
"""From this part of a processor on, a process that makes calls is taken for the limit of what was measured."""


class Figures(NamedTuple):
    """What came of one server; times in seconds."""

    address: str
    method: str
    connections: int
    processes: int
    seconds: float
    calls: int
    failed: int
    errors: Mapping[str, int]
    """How many of each kind, the commonest first."""
    throughput: float
    """Calls that succeeded, a second."""
    latency: Mapping[str, float]
    """`mean`, `deviation`, `min`, `max` and the percentiles as `p50`."""
    histogram: list[tuple[float, float, int]]
    items: int
    """Of streams."""
    rate: float | None
    """Calls that were to be begun a second."""
    missed: int
    """Calls that were due and never begun."""
    busy: float
    """The part of a processor that the busiest of our own processes used."""


def read(subject: Subject, connections: int, rate: float | None, measured: Measured, *, whole: bool) -> Figures:
    """The numbers of a measurement; one that is not `whole` was interrupted, and missed nothing."""
    tally, seconds = measured.tally, measured.seconds
    due = (measured.due or 0) if whole else 0
    errors = sorted(((kind, each.count) for kind, each in tally.errors.items()), key=lambda each: -each[1])
    return Figures(
        address=str(subject.address),
        method=subject.method,
        connections=connections,
        processes=len(measured.cpu),
        seconds=seconds,
        calls=tally.calls,
        failed=tally.failed,
        errors=dict(errors),
        throughput=(tally.calls - tally.failed) / seconds if seconds else 0.0,
        latency=latency_of(measured),
        histogram=tally.latencies.bars(BARS),
        items=tally.items,
        rate=rate,
        missed=max(0, due - tally.calls),
        busy=measured.busy(),
    )


def latency_of(measured: Measured) -> dict[str, float]:
    """Seconds by name."""
    found = measured.tally.latencies
    low, high = found.extremes()
    shares = {f"p{share:g}": seconds for share, seconds in zip(SHARES, found.percentiles(SHARES), strict=True)}
    return {"mean": found.mean(), "deviation": found.deviation(), "min": low, **shares, "max": high}


def ratios(ours: Figures, theirs: Figures) -> dict[str, float]:
    """The first one's throughput and latencies over the second one's; what the second one has none of is left out."""
    pairs = {"throughput": (ours.throughput, theirs.throughput)}
    pairs.update({name: (ours.latency[name], theirs.latency[name]) for name in ("mean", "p50", "p99")})
    return {name: one / other for name, (one, other) in pairs.items() if other}


def to_record(figures: Figures) -> dict[str, Any]:
    """As JSON has it; times in milliseconds."""
    return {
        "address": figures.address,
        "method": figures.method,
        "connections": figures.connections,
        "processes": figures.processes,
        "rps": figures.rate,
        "seconds": round(figures.seconds, 6),
        "calls": figures.calls,
        "failed": figures.failed,
        "missed": figures.missed,
        "errors": dict(figures.errors),
        "items": figures.items,
        "throughput": round(figures.throughput, 3),
        "latency_ms": {name: to_ms(seconds) for name, seconds in figures.latency.items()},
        "histogram": [{"from_ms": to_ms(low), "to_ms": to_ms(high), "calls": n} for low, high, n in figures.histogram],
        "generator_busy": round(figures.busy, 3),
    }


def to_row(figures: Figures) -> dict[str, Any]:
    """As a row of CSV has it: the same without what has a shape of its own."""
    record = to_record(figures)
    latency = record.pop("latency_ms")
    for name in ("errors", "histogram"):
        del record[name]
    return {**record, **{f"{name}_ms": value for name, value in latency.items()}}


def to_ms(seconds: float) -> float:
    """Seconds as milliseconds, to the nanosecond."""
    return round(seconds * 1000, 6)
