"""Durations in classes: how exact, how many, and what is read from them."""

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpcctl.histogram import LONGEST, Histogram

SECONDS = st.floats(min_value=3e-6, max_value=LONGEST)


def filled(durations):
    histogram = Histogram()
    for each in durations:
        histogram.add(each)
    return histogram


@given(SECONDS)
def test_a_duration_is_kept_to_a_thousandth(seconds):
    (found,) = filled([seconds]).percentiles([50])
    assert math.isclose(found, seconds, rel_tol=0.001)


@given(SECONDS, SECONDS)
def test_the_order_of_durations_is_kept(one, other):
    low, high = filled([one]).extremes()[0], filled([other]).extremes()[0]
    assert low <= high if one <= other else high <= low


@pytest.mark.parametrize(("given", "counted"), [(-1.0, 0.0), (0.0, 0.0), (1e-9, 1e-9), (float("inf"), LONGEST)])
def test_what_is_out_of_range_counts_as_its_end(given, counted):
    assert filled([given]).extremes()[1] == pytest.approx(counted, rel=0.001)


def test_percentiles_are_those_of_the_sorted_durations():
    durations = [n / 10_000 for n in range(1, 10_001)]
    random.Random(1).shuffle(durations)
    histogram = filled(durations)
    shares = (1, 50, 75, 90, 99, 99.9, 100)
    assert histogram.percentiles(shares) == pytest.approx([share / 100 for share in shares], rel=0.001)
    assert histogram.mean() == pytest.approx(statistics.fmean(durations), rel=0.001)
    assert histogram.deviation() == pytest.approx(statistics.pstdev(durations), rel=0.001)
    assert histogram.total == 10_000


def test_of_nothing_all_is_zero():
    empty = Histogram()
    assert empty.percentiles([50, 99]) == [0.0, 0.0]
    assert (empty.mean(), empty.deviation(), empty.extremes(), empty.bars(5)) == (0.0, 0.0, (0.0, 0.0), [])


def test_merged_ones_count_as_one():
    one, other = filled([0.001] * 3), filled([0.001, 1.0])
    one.merge(other.counts)
    assert one.total == 5
    assert one.percentiles([80, 100]) == pytest.approx([0.001, 1.0], rel=0.001)


def test_memory_is_bounded_by_the_classes():
    rng = random.Random(2)
    histogram = filled(10 ** rng.uniform(-9, 5) for _ in range(200_000))
    assert len(histogram.counts) < 40_000


@given(st.lists(SECONDS, min_size=1, max_size=50), st.integers(1, 20))
def test_bars_hold_every_duration_once(durations, most):
    bars = filled(durations).bars(most)
    assert sum(count for _, _, count in bars) == len(durations)
    assert len(bars) <= most
    assert all(low <= high for low, high, _ in bars)


def test_equal_durations_are_one_bar():
    assert len(filled([0.5] * 10).bars(11)) == 1
