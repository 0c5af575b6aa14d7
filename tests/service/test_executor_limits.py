"""Executors: time limits, and how many calls may run and wait."""

import asyncio
import itertools
import threading

import pytest

from rpcctl.messages import Failure, Result
from tests.service.executors import (
    CALL,
    HERE_AND_THERE,
    PATIENCE,
    SHORT,
    Gate,
    Sink,
    await_until,
    handler_of,
    one,
    submit,
    three,
    three_later,
)

# Time limits


def test_a_method_that_never_returns_is_answered_and_its_worker_replaced(start, capsys):
    executor = start("threads:2", call_timeout=SHORT)
    gate = Gate()
    stuck = [submit(executor, gate) for _ in range(2)]
    gate.wait_until_entered(2)
    for sink in stuck:
        assert sink.wait() == [Failure("timeout", "TimeoutError", f"call took longer than --call-timeout {SHORT} s")]
    await_until(lambda: (executor.stuck, executor.running) == (2, 0))
    assert submit(executor, one).wait() == [Result(1)]
    assert "call: still runs after its time limit and holds a thread" in capsys.readouterr().err
    gate.opened.set()
    await_until(lambda: executor.stuck == 0)
    assert [len(sink.replies) for sink in stuck] == [1, 1]
    assert submit(executor, one).wait() == [Result(1)]


def test_a_call_that_is_overdue_in_the_queue_never_starts(start):
    executor = start("inline", call_timeout=SHORT)
    seen: list[str] = []

    def outer():
        # The worker is this very thread: the inner call is queued until the outer one has returned.
        sinks.append(submit(executor, lambda: seen.append("ran")))
        return [reply.kind for reply in sinks[0].wait()]

    sinks: list[Sink] = []
    submit(executor, outer)
    assert seen == []
    assert [reply.kind for reply in sinks[0].replies] == ["timeout"]


def test_threads_that_replaced_stuck_ones_end_again(start):
    before = set(threading.enumerate())
    executor = start("threads:1", call_timeout=SHORT)
    gates = [Gate() for _ in range(3)]
    for gate in gates:
        sink = submit(executor, gate)
        gate.wait_until_entered()
        sink.wait()
    for gate in gates:
        gate.opened.set()

    def workers():
        return [each for each in set(threading.enumerate()) - before if "worker" in each.name]

    await_until(lambda: executor.stuck == 0 and len(workers()) == 1)
    assert submit(executor, one).wait() == [Result(1)]


def test_an_overdue_coroutine_is_answered_and_interrupted(start):
    left = threading.Event()

    async def sleep():
        try:
            await asyncio.sleep(3600)
        finally:
            left.set()

    executor = start(call_timeout=SHORT)
    (reply,) = submit(executor, sleep).wait()
    assert reply.kind == "timeout"
    assert left.wait(PATIENCE)
    await_until(lambda: executor.stuck == 0)


@HERE_AND_THERE
@pytest.mark.parametrize("stream", [three, three_later])
def test_a_sink_may_cancel_its_call_while_it_is_told_of_the_time_limit(start, text, stream):
    class Hasty(Sink):
        def deliver(self, reply):
            super().deliver(reply)
            if isinstance(reply, Failure):
                self.run.cancel()

    sink = Hasty()
    sink.run = start(text, call_timeout=SHORT).submit(handler_of(stream), CALL, sink, 1)
    assert len(sink.wait()) == 2


def test_a_running_stream_is_cut_off_at_the_time_limit(start):
    *items, failure = submit(start(call_timeout=SHORT), lambda: itertools.count()).wait()
    assert failure.kind == "timeout"
    assert items


def test_calls_in_time_are_left_alone(start):
    executor = start(call_timeout=PATIENCE)
    assert [submit(executor, one).wait() for _ in range(100)] == [[Result(1)]] * 100
    assert executor.stuck == 0


# How many


def test_over_the_limit_calls_wait_in_line(start):
    executor = start("threads:4", max_concurrent=2)
    gate = Gate()
    sinks = [submit(executor, gate) for _ in range(4)]
    gate.wait_until_entered(2)
    assert executor.running == 2
    gate.opened.set()
    assert [sink.wait() for sink in sinks] == [[Result("passed")]] * 4
    assert executor.running == 0


@HERE_AND_THERE
def test_paused_streams_count_as_running(start, text):
    executor = start(text, max_concurrent=1)
    stream = submit(executor, three, allowance=1)
    stream.wait_for_pause()
    waiting = submit(executor, one)
    assert not waiting.over.is_set()
    stream.run.cancel()
    assert waiting.wait() == [Result(1)]


def test_who_waits_too_long_is_told_that_the_server_is_busy(start):
    executor = start(max_concurrent=1, max_wait=0.05)
    gate = Gate()
    first = submit(executor, gate)
    (reply,) = submit(executor, one).wait()
    assert reply == Failure(
        "busy", "ServerBusy", "the server is at its limit, --max-concurrent 1, and no call ended within 0.05 s"
    )
    gate.opened.set()
    assert first.wait() == [Result("passed")]
    assert submit(executor, one).wait() == [Result(1)]


def test_the_line_is_no_longer_than_what_runs(start):
    executor = start(max_concurrent=2)
    gate = Gate()
    accepted = [submit(executor, gate) for _ in range(4)]
    (reply,) = submit(executor, one).wait()
    assert (reply.kind, reply.type) == ("busy", "ServerBusy")
    assert "--max-concurrent" in reply.message
    gate.opened.set()
    assert [sink.wait() for sink in accepted] == [[Result("passed")]] * 4
