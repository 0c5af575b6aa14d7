"""Which process makes which calls, and when they are due."""

import pytest

from rpcctl.bench.plan import Load, Tickets


def draw_all(load, numbers, connections, now=0.0):
    tickets = Tickets(load, numbers, connections)
    found = []
    while (due := tickets.draw(now)) is not None:
        found.append(due)
        assert len(found) < 1000
    return found


@pytest.mark.parametrize("calls", [1, 2, 7, 100])
@pytest.mark.parametrize("split", [((0, 1, 2),), ((0, 2), (1,)), ((0,), (1,), (2,))], ids=str)
def test_all_processes_together_make_the_calls_that_were_asked_for(calls, split):
    assert sum(len(draw_all(Load(calls=calls), numbers, 3)) for numbers in split) == calls


def test_calls_at_a_rate_are_evenly_spaced_over_all_processes():
    load = Load(calls=10, rate=10.0, begin=100.0)
    due = sorted(draw_all(load, (0, 2), 3) + draw_all(load, (1,), 3))
    assert due == pytest.approx([100 + n / 10 for n in range(10)])


def test_a_late_call_is_due_when_it_should_have_begun():
    tickets = Tickets(Load(rate=10.0, begin=100.0), (0,), 1)
    assert [tickets.draw(105.0) for _ in range(3)] == pytest.approx([100.0, 100.1, 100.2])


def test_without_a_rate_a_call_is_due_at_once():
    tickets = Tickets(Load(begin=100.0), (0,), 1)
    assert [tickets.draw(99.0), tickets.draw(103.0)] == [100.0, 103.0]


def test_time_ends_a_load():
    tickets = Tickets(Load(seconds=2.0, begin=100.0), (0,), 1)
    assert tickets.draw(101.9) == 101.9
    assert tickets.draw(102.0) is None


def test_no_call_is_due_after_the_end():
    assert len(draw_all(Load(seconds=2.0, rate=5.0, begin=100.0), (0,), 1, now=100.0)) == 10


@pytest.mark.parametrize(
    ("load", "due"),
    [
        (Load(calls=7), 7),
        (Load(calls=7, rate=2.0), 7),
        (Load(seconds=2.0), None),
        (Load(calls=7, seconds=2.0), None),
        (Load(seconds=2.0, rate=3.0), 6),
        (Load(calls=5, seconds=2.0, rate=3.0), 5),
    ],
)
def test_how_many_calls_are_due(load, due):
    assert load.due() == due


def test_turns_share_the_calls_and_the_time():
    turns = Load(calls=10, seconds=3.0, rate=5.0).split(3)
    assert sum(turn.calls or 0 for turn in turns) == 10
    assert [turn.seconds for turn in turns] == [1.0] * 3
    assert all(turn.rate == 5.0 for turn in turns)
    assert Load(seconds=2.0).split(2)[0].calls is None
