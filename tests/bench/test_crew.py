"""Processes that make calls: how many, against which server, and what happens when something dies."""

import os
import signal
import threading

import pytest

import rpcctl
from rpcctl import registry
from rpcctl.bench.crew import Crew
from rpcctl.bench.plan import Load, Subject
from rpcctl.errors import ConnectError, ConnectionLostError, TargetError
from tests.conftest import SAMPLE, every_protocol

LIMITS = {"timeout": 5.0, "max_time": None}
ADDRESS = "tcp://127.0.0.1:0"


def subject(address, method="add", args=(2, 3), **more):
    return Subject(registry.parse_address(address), method, args, connecting={**LIMITS, **more})


def run(about, load, connections=2, processes=2):
    with Crew(about, connections, processes) as crew:
        measured = crew.measure()
        crew.run(load, measured)
        return measured


@every_protocol("args")
def test_so_many_calls_are_made(address):
    measured = run(subject(address()), Load(calls=101), connections=3)
    assert (measured.tally.calls, measured.tally.failed) == (101, 0)
    assert measured.tally.latencies.total == 101
    assert 0 < measured.seconds < 10
    assert len(measured.cpu) == 2
    assert measured.due == 101


@every_protocol("args", "stream")
def test_a_stream_is_taken_to_its_end(address):
    measured = run(subject(address(), "count", (7,)), Load(calls=4))
    assert (measured.tally.calls, measured.tally.items) == (4, 28)


def test_failures_are_counted_by_kind(at):
    measured = run(subject(at, "fail", ()), Load(calls=10))
    (kind,) = measured.tally.errors
    assert (kind, measured.tally.errors[kind].count) == ("remote ValueError", 10)
    assert measured.tally.worst().message == "ValueError: on purpose"


def test_a_call_out_of_time_is_an_error_and_the_connection_goes_on(at):
    measured = run(subject(at, "slow", (0.3,), timeout=0.05), Load(calls=4))
    assert {kind: each.count for kind, each in measured.tally.errors.items()} == {"timeout": 4}


def test_time_ends_a_load(at):
    measured = run(subject(at), Load(seconds=0.3))
    assert measured.tally.calls > 10
    assert 0.2 < measured.seconds < 3
    assert measured.due is None


def test_a_rate_is_kept_and_latency_counts_from_when_a_call_was_due(at):
    # One connection and calls of 50 ms: of 40 a second, the tenth can begin only 250 ms after it was due.
    measured = run(subject(at, "slow", (0.05,)), Load(calls=10, rate=40.0), connections=1)
    low, high = measured.tally.latencies.extremes()
    assert low >= 0.05
    assert high >= 0.05 + 9 * 0.025


def test_a_rate_below_the_limit_takes_its_time(at):
    measured = run(subject(at), Load(calls=10, rate=50.0))
    assert measured.seconds >= 9 / 50


def test_a_server_that_is_not_there_is_told_before_anything_is_measured(free_port):
    with pytest.raises(ConnectError, match="refused"), Crew(subject(f"tcp://127.0.0.1:{free_port}"), 1, 1):
        raise AssertionError("it began")


def test_a_target_that_cannot_be_loaded_is_told():
    with pytest.raises(TargetError), Crew(subject("py:no_such_module"), 1, 1):
        raise AssertionError("it began")


def test_what_a_target_prints_does_not_disturb(tmp_path, monkeypatch):
    (tmp_path / "loud.py").write_text("def shout(n):\n    print('x' * n)\n    return n\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert run(subject("py:loud", "shout", (1000,)), Load(calls=50)).tally.failed == 0


def test_a_server_that_goes_away_ends_the_load():
    server = rpcctl.Server(SAMPLE, ADDRESS)
    server.start()
    with Crew(subject(str(server.addresses[0]), connect_timeout=0.5), 2, 2) as crew:
        measured = crew.measure()
        begun = threading.Event()

        def stop():
            begun.wait(10)
            server.stop()

        def tick():
            if measured.tally.calls:
                begun.set()

        stopper = threading.Thread(target=stop)
        stopper.start()
        crew.run(Load(seconds=20.0), measured, tick)
        stopper.join()
    assert measured.seconds < 15
    assert {"connect", "lost"} & set(measured.tally.errors)


def test_a_process_that_dies_is_told(at):
    with Crew(subject(at, "slow", (20,)), 2, 2) as crew:
        os.kill(crew._members[0]._popen.pid, signal.SIGKILL)
        with pytest.raises(ConnectionLostError, match="ended by itself"):
            crew.run(Load(calls=2), crew.measure())


def test_an_interrupted_load_keeps_what_was_measured(at):
    with Crew(subject(at, "slow", (0.02,)), 2, 1) as crew:
        measured = crew.measure()

        def interrupt():
            if measured.tally.calls:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            crew.run(Load(seconds=60.0), measured, tick=interrupt)
    assert measured.tally.calls > 0
    assert measured.seconds < 20


def test_turns_add_up(at):
    with Crew(subject(at), 1, 1) as crew:
        measured = crew.measure()
        for turn in Load(calls=10).split(3):
            crew.run(turn, measured)
    assert (measured.tally.calls, measured.due) == (10, 10)
