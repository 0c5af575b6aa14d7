"""What is counted, and that it stays small."""

import pickle

import pytest

from rpcctl.bench.tally import OTHER, Tally
from rpcctl.errors import ConnectionLostError, DeadlineError, RemoteError
from rpcctl.messages import Failure


def test_answers_count_with_their_latency():
    tally = Tally()
    tally.add(0.001, 0, None)
    tally.add(0.002, 3, Failure("remote", "ValueError", "no"))
    assert (tally.calls, tally.failed, tally.items, tally.latencies.total) == (2, 1, 3, 2)
    assert list(tally.errors) == ["remote ValueError"]
    assert isinstance(tally.errors["remote ValueError"].example, RemoteError)


@pytest.mark.parametrize(("error", "timed"), [(DeadlineError("late"), 1), (ConnectionLostError("gone"), 0)])
def test_a_call_without_an_answer_says_something_of_latency_only_when_it_was_waited_for(error, timed):
    tally = Tally()
    tally.add_error(1.0, error)
    assert (tally.calls, tally.failed, tally.latencies.total) == (1, 1, timed)
    assert tally.worst() is error


def test_kinds_of_errors_are_bounded():
    tally = Tally()
    for n in range(1000):
        tally.add(0.001, 0, Failure("remote", f"Error{n}", "x"))
    assert len(tally.errors) < 100
    assert tally.failed == 1000
    assert tally.errors[OTHER].count > 900


def test_merging_adds_up_what_came_from_another_process():
    ours, theirs = Tally(), Tally()
    for tally in (ours, theirs):
        tally.add(0.001, 1, None)
        tally.add(0.001, 0, Failure("remote", "ValueError", "no", "trace"))
        tally.add_error(0.5, DeadlineError("late", hint="longer"))
    ours.merge(pickle.loads(pickle.dumps(theirs)))
    assert (ours.calls, ours.failed, ours.items, ours.latencies.total) == (6, 4, 2, 6)
    assert {kind: each.count for kind, each in ours.errors.items()} == {"remote ValueError": 2, "timeout": 2}


def test_the_worst_is_the_commonest():
    tally = Tally()
    assert tally.worst() is None
    tally.add_error(1.0, DeadlineError("late"))
    for _ in range(2):
        tally.add(0.1, 0, Failure("no_method", "NameError", "nope"))
    worst = tally.worst()
    assert worst is not None
    assert worst.exit_code == 78
