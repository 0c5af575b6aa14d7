"""What `--fail-if` says: a measure, a comparison and a value, as `p99>20ms`, `errors>1%`, `throughput<5000`. Pure."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from rpcctl.bench.crew import Measured
from rpcctl.bench.figures import Figures
from rpcctl.errors import UsageError, suggest

_RULE = re.compile(r"\s*([A-Za-z][\w.]*)\s*([<>]=?)\s*(.+?)\s*")
_VALUE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(ns|us|µs|ms|s|m|%)?")
_PERCENTILE = re.compile(r"p(\d{1,3}(?:\.\d+)?)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_TIMES = ("mean", "deviation", "min", "max")
_COUNTS = ("errors", "missed")
_NUMBERS = ("throughput", "calls", "ratio")
_EXAMPLE = "--fail-if 'p99>20ms'"


class Threshold(NamedTuple):
    """One rule."""

    text: str
    measure: str
    sign: str
    value: float
    """Seconds for times; a part of 1 for shares."""
    share: bool = False
    """Whether a count is held against a part of all calls."""

    def is_broken(self, figures: Figures, measured: Measured, ratio: float | None) -> bool:
        """Whether the measurement is as bad as the rule says, or worse."""
        return _COMPARE[self.sign](self.find(figures, measured, ratio), self.value)

    def find(self, figures: Figures, measured: Measured, ratio: float | None) -> float:
        """What was measured of it; `ratio` is the throughput's, where there are two servers."""
        percentile = _PERCENTILE.fullmatch(self.measure)
        if percentile:
            return measured.tally.latencies.percentiles([float(percentile[1])])[0]
        if self.measure in _TIMES:
            return figures.latency[self.measure]
        found = {"errors": figures.failed, "missed": figures.missed, "calls": figures.calls, "ratio": ratio or 0.0}
        number = found.get(self.measure, figures.throughput)
        return number / max(1, figures.calls + figures.missed) if self.share else number


def read(text: str, *, versus: bool) -> Threshold:
    """The rule that a text means; UsageError names what of it cannot be read. `versus`: there are two servers."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise UsageError(f"--fail-if {text!r} is no comparison: MEASURE, one of > >= < <=, VALUE", hint=_EXAMPLE)
    measure, sign, word = match[1].lower(), match[2], match[3]
    _check_measure(text, measure, versus=versus)
    value = _VALUE.fullmatch(word)
    if value is None:
        raise UsageError(f"--fail-if {text!r}: {word!r} is no value", hint="20ms, 1.5s, 5000 or 1%")
    _check_unit(text, measure, value[2])
    number = float(value[1]) * (0.01 if value[2] == "%" else _SECONDS.get(value[2], 1.0))
    return Threshold(text, measure, sign, number, value[2] == "%")


def _check_measure(text: str, measure: str, *, versus: bool) -> None:
    percentile = _PERCENTILE.fullmatch(measure)
    if percentile and 0 < float(percentile[1]) <= 100:
        return
    known = (*_TIMES, *_COUNTS, *_NUMBERS)
    if percentile or measure not in known:
        raise UsageError(
            f"--fail-if {text!r}: {measure!r} is not measured",
            hint=suggest(measure, known, f"p50, p99.9 and any other percentile; {', '.join(known)}"),
        )
    if measure == "ratio" and not versus:
        raise UsageError(f"--fail-if {text!r}: a ratio takes two servers", hint="add --vs ADDRESS")


def _check_unit(text: str, measure: str, unit: str | None) -> None:
    is_time = measure not in (*_COUNTS, *_NUMBERS)
    if is_time and unit not in _SECONDS:
        raise UsageError(f"--fail-if {text!r}: {measure} is a time and needs its unit", hint="20ms, 1.5s or 800us")
    if not is_time and unit in _SECONDS:
        raise UsageError(f"--fail-if {text!r}: {measure} is no time", hint=f"leave out {unit}")
    if unit == "%" and measure not in _COUNTS:
        raise UsageError(f"--fail-if {text!r}: {measure} is no part of the calls", hint="leave out %")
