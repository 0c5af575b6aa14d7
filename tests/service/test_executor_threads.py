"""Executors: on which threads calls run, how they are drained and closed, and what they are called."""

import asyncio
import threading
import time

import pytest

from rpcctl.errors import UsageError
from rpcctl.messages import Failure, Result
from rpcctl.service.executor import DEFAULT_THREADS, Inline, Threads
from tests.service.executors import (
    CALL,
    EVERYWHERE,
    HERE_AND_THERE,
    PATIENCE,
    Gate,
    Sink,
    await_until,
    fail,
    handler_of,
    one,
    submit,
    three,
)

# Threads


def test_a_call_never_waits_behind_a_slow_one_while_a_thread_can_be_had(start):
    executor = start("threads:4")
    gate = Gate()
    slow = [submit(executor, gate) for _ in range(3)]
    gate.wait_until_entered(3)
    assert [submit(executor, one).wait() for _ in range(50)] == [[Result(1)]] * 50
    gate.opened.set()
    assert [sink.wait() for sink in slow] == [[Result("passed")]] * 3


def test_a_burst_of_slow_calls_gets_all_the_threads_at_once(start):
    executor = start("threads:8")
    barrier = threading.Barrier(8, timeout=PATIENCE)
    sinks = [submit(executor, lambda: barrier.wait() >= 0) for _ in range(8)]
    assert [sink.wait() for sink in sinks] == [[Result(True)]] * 8


def test_workers_are_named_and_at_most_as_many_as_asked_for(start):
    executor = start("threads:3")
    sinks = [submit(executor, lambda: time.sleep(0.001)) for _ in range(60)]
    for sink in sinks:
        sink.wait()
    names = set().union(*(sink.threads for sink in sinks))
    assert names <= {"rpcctl-worker-1", "rpcctl-worker-2", "rpcctl-worker-3"}


def test_closing_ends_the_workers():
    before = set(threading.enumerate())
    executor = Threads(4)
    gate = Gate()
    sinks = [submit(executor, gate) for _ in range(4)]
    gate.wait_until_entered(4)
    gate.opened.set()
    for sink in sinks:
        sink.wait()
    executor.close()
    executor.close()
    await_until(lambda: not [each for each in set(threading.enumerate()) - before if "worker" in each.name])


def test_inline_runs_on_the_calling_thread(start):
    me = threading.current_thread().name
    assert submit(start("inline"), three).threads == {me}


def test_inline_streams_that_are_resumed_at_each_pause_do_not_recurse(start):
    class Eager(Sink):
        def paused(self):
            super().paused()
            if self.run is not None:
                self.run.resume(1)

    sink = Eager()
    sink.run = start("inline").submit(handler_of(lambda: iter(range(5000))), CALL, sink, 1)
    sink.run.resume(1)
    assert len(sink.wait()) == 5001


def test_a_thousand_sleeping_coroutines_need_no_threads(start):
    async def sleep():
        await asyncio.sleep(1)
        return 1

    executor = start("threads:8")
    begun = time.monotonic()
    sinks = [submit(executor, sleep) for _ in range(1000)]
    assert executor.running == 1000
    assert all(sink.wait() == [Result(1)] for sink in sinks)
    assert time.monotonic() - begun < 6


# Draining and closing


@HERE_AND_THERE
def test_draining_an_idle_executor_returns_at_once(start, text):
    assert start(text).drain(PATIENCE) == 0


def test_draining_waits_for_running_calls_and_refuses_new_ones(start):
    executor = start()
    gate = Gate()
    running = submit(executor, gate)
    left = []
    drainer = threading.Thread(target=lambda: left.append(executor.drain(PATIENCE)))
    drainer.start()
    reply = None
    while reply is None or reply.kind != "busy":
        (reply,) = submit(executor, lambda: fail()).wait()
    assert reply == Failure("busy", "ServerBusy", "the server is shutting down")
    gate.opened.set()
    drainer.join(PATIENCE)
    assert left == [0]
    assert running.wait() == [Result("passed")]


def test_draining_gives_up_after_the_grace_and_tells_how_many_are_left(start):
    executor = start()
    gate = Gate()
    sinks = [submit(executor, gate) for _ in range(3)]
    assert executor.drain(0.01) == 3
    gate.opened.set()
    assert executor.drain(PATIENCE) == 0
    for sink in sinks:
        sink.wait()


def test_closing_wakes_who_drains(start):
    executor = start()
    gate = Gate()
    submit(executor, gate)
    drainer = threading.Thread(target=executor.drain, args=(3600,))
    drainer.start()
    executor.close()
    drainer.join(PATIENCE)
    assert not drainer.is_alive()
    gate.opened.set()


@EVERYWHERE
def test_after_closing_calls_are_refused(start, text):
    executor = start(text)
    submit(executor, one).wait()
    executor.close()
    for _ in range(2):
        (reply,) = submit(executor, one).wait()
        assert reply == Failure("busy", "ServerBusy", "the server is shutting down")


# Names


@pytest.mark.parametrize(("text", "kind"), [("threads", Threads), ("threads:1", Threads), ("inline", Inline)])
def test_executors_by_name(start, text, kind):
    assert isinstance(start(text), kind)


@pytest.mark.parametrize("text", ["", "thread", "threads:", "threads:0", "threads:-1", "threads:x", "inline:2", "4"])
def test_another_name_is_a_usage_error_that_tells_the_right_one(start, text):
    with pytest.raises(UsageError) as error:
        start(text)
    assert repr(text) in error.value.message
    assert "threads:8" in error.value.hint
    assert DEFAULT_THREADS == 32


def test_a_limit_that_would_refuse_every_call_is_a_usage_error(start):
    with pytest.raises(UsageError, match="--max-concurrent 0"):
        start(max_concurrent=0)
