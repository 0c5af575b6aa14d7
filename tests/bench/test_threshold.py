"""The rules of --fail-if: what they mean, and how mistakes are told."""

import pytest

from rpcctl.address import Address
from rpcctl.bench import figures, threshold
from rpcctl.bench.crew import Measured
from rpcctl.bench.plan import Subject
from rpcctl.errors import DeadlineError, UsageError


@pytest.fixture
def measured():
    """A hundred calls of 1 ms to 100 ms in 2 s, of which the longest failed, and 5 were missed."""
    found = Measured(1)
    for n in range(1, 100):
        found.tally.add(n / 1000, 0, None)
    found.tally.add_error(0.1, DeadlineError("late"))
    found.seconds, found.due = 2.0, 105
    return found


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("p50>49ms", True),
        ("p50>51ms", False),
        ("p50 < 0.051s", True),
        ("p99.9>=99ms", True),
        ("p12.5>20ms", False),
        ("p100<=100100us", True),
        ("P50>49ms", True),
        ("max>1m", False),
        ("min<2ms", True),
        ("mean>50ms", True),
        ("deviation>1s", False),
        ("errors>0", True),
        ("errors>=2", False),
        ("errors>0.9%", True),
        ("errors>1%", False),
        ("missed>4", True),
        ("missed>5%", False),
        ("calls<100", False),
        ("throughput<49.6", True),
        ("throughput<49", False),
        ("ratio<0.5", True),
    ],
)
def test_rules(text, broken, measured):
    found = figures.read(Subject(Address("py", "py", "py"), "f"), 1, None, measured, whole=True)
    assert threshold.read(text, versus=True).is_broken(found, measured, 0.4) is broken


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("", "no comparison", "p99>20ms"),
        ("p99", "no comparison", "p99>20ms"),
        ("p99=20ms", "no comparison", "p99>20ms"),
        ("p99>", "no comparison", "p99>20ms"),
        ("p99>20", "needs its unit", "20ms"),
        ("p99>20%", "needs its unit", "20ms"),
        ("p99>fast", "'fast' is no value", "20ms"),
        ("p99>-1ms", "'-1ms' is no value", "20ms"),
        ("p0>1ms", "'p0' is not measured", "p99.9"),
        ("p101>1ms", "'p101' is not measured", "p99.9"),
        ("troughput<5", "'troughput' is not measured", "did you mean throughput?"),
        ("speed<5", "'speed' is not measured", "p99.9"),
        ("errors>1ms", "errors is no time", "leave out ms"),
        ("throughput<5%", "no part of the calls", "leave out %"),
        ("ratio<1", "takes two servers", "--vs"),
    ],
)
def test_mistakes_are_told(text, says, hint):
    with pytest.raises(UsageError, match="--fail-if") as caught:
        threshold.read(text, versus=False)
    assert says in caught.value.message
    assert hint in caught.value.hint
