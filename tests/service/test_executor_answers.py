"""Executors: what is answered, what is told of each call, and that every call ends exactly once."""

import asyncio
import random
import threading
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpcctl.errors import ConnectionLostError, DeadlineError
from rpcctl.messages import ENDS, End, Failure, Item, Request, Result
from rpcctl.service.executor import Limits, Threads
from tests.service.executors import (
    CALL,
    EVERYWHERE,
    HERE_AND_THERE,
    PATIENCE,
    Gate,
    Sink,
    await_until,
    exits,
    fail,
    handler_of,
    one,
    one_later,
    recurse,
    submit,
    three,
    three_later,
)

# What is answered


@EVERYWHERE
@pytest.mark.parametrize(
    ("function", "replies"),
    [
        (one, [Result(1)]),
        (one_later, [Result(1)]),
        (three, [Item(0), Item(1), Item(2), End()]),
        (three_later, [Item(0), Item(1), Item(2), End()]),
    ],
)
def test_replies_arrive_in_order_and_the_end_is_told_once(start, text, function, replies):
    assert submit(start(text), function).wait() == replies


@EVERYWHERE
@pytest.mark.parametrize(
    ("function", "type_"), [(fail, "ValueError"), (exits, "SystemExit"), (recurse, "RecursionError")]
)
def test_a_worker_survives_whatever_a_method_raises(start, text, function, type_):
    executor = start(text)
    for _ in range(3):
        (reply,) = submit(executor, function).wait()
        assert (reply.kind, reply.type) == ("remote", type_)
    assert submit(executor, one).wait() == [Result(1)]


@HERE_AND_THERE
@pytest.mark.parametrize("function", [one, one_later, three, three_later])
def test_of_a_one_way_call_only_the_end_is_told(start, text, function):
    assert submit(start(text), function, oneway=True).wait() == []


@HERE_AND_THERE
@pytest.mark.parametrize(
    ("exc", "kind"),
    [(ConnectionLostError("gone"), "lost"), (DeadlineError("late"), "timeout"), (ValueError("bug"), "remote")],
)
def test_a_handler_that_raises_is_answered_with_a_failure(start, text, exc, kind):
    def late(request):
        yield Item(1)
        raise exc

    def at_once(request):
        raise exc

    executor = start(text)
    for handler, before in ((late, [Item(1)]), (at_once, [])):
        sink = Sink()
        executor.submit(handler, CALL, sink)
        assert sink.wait() == [*before, Failure(kind, type(exc).__name__, str(exc))]


@HERE_AND_THERE
def test_a_handler_may_end_without_a_reply(start, text):
    sink = Sink()
    start(text).submit(lambda request: iter(()), CALL, sink)
    assert sink.wait() == []


@HERE_AND_THERE
@pytest.mark.parametrize("function", [one, three, one_later, three_later])
@pytest.mark.parametrize("where", ["deliver", "ended", "paused"])
def test_a_sink_that_raises_ends_its_call_and_no_worker(start, capsys, text, function, where):
    class Broken(Sink):
        pass

    def break_down(self, *args):
        raise ConnectionError("the client went away")

    setattr(Broken, where, break_down)
    done, over = [], threading.Event()

    def on_done(*what):
        done.append(what)
        over.set()

    executor = start(text, on_done=on_done)
    executor.submit(handler_of(function), CALL, Broken(), 1 if where == "paused" else None)
    assert over.wait(PATIENCE)
    assert len(done) == 1
    if where != "paused" or function in (three, three_later):
        assert "could not be handed over: ConnectionError: the client went away" in capsys.readouterr().err
    assert submit(executor, one).wait() == [Result(1)]


# What is told of each call


@HERE_AND_THERE
@pytest.mark.parametrize(
    ("function", "oneway", "outcome"),
    [
        (one, False, "ok"),
        (one_later, False, "ok"),
        (three, False, "ok"),
        (fail, False, "remote ValueError"),
        (fail, True, "remote ValueError"),
        (one, True, "ok"),
    ],
)
def test_on_done_is_told_of_every_call_after_its_end(start, text, function, oneway, outcome):
    seen, told = [], threading.Event()
    sink = Sink()

    def on_done(*what):
        seen.append((*what, sink.over.is_set()))
        told.set()

    executor = start(text, on_done=on_done)
    request = Request("call", oneway=oneway)
    executor.submit(handler_of(function), request, sink)
    assert told.wait(PATIENCE)
    ((about, word, seconds, ended_before),) = seen
    assert (about, word, ended_before) == (request, outcome, True)
    assert 0 <= seconds < PATIENCE


@HERE_AND_THERE
@pytest.mark.parametrize("function", [one, one_later, three, three_later])
def test_a_sink_that_told_something_else_decides_the_outcome_and_ends_the_call(start, text, function):
    class Refusing(Sink):
        def deliver(self, reply):
            super().deliver(reply)
            return Failure("remote", "TypeError", "too much")

    outcomes, sink, told = [], Refusing(), threading.Event()

    def on_done(request, outcome, seconds):
        outcomes.append(outcome)
        told.set()

    start(text, on_done=on_done).submit(handler_of(function), CALL, sink)
    assert told.wait(PATIENCE)
    assert (outcomes, len(sink.wait())) == (["remote TypeError"], 1)


@HERE_AND_THERE
def test_a_stream_that_the_sink_ended_is_closed(start, text):
    class Full(Sink):
        def deliver(self, reply):
            super().deliver(reply)
            return Failure("remote", "OverflowError", "enough") if len(self.replies) == 2 else None

    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    sink = Full()
    start(text).submit(handler_of(endless), CALL, sink)
    assert sink.wait() == [Item(1), Item(1)]
    assert closed.wait(PATIENCE)


def test_on_done_is_told_of_calls_that_the_handler_never_answered(start):
    seen: Counter[str] = Counter()
    executor = start(max_concurrent=1, max_wait=0.05, call_timeout=0.5, on_done=lambda *what: seen.update([what[1]]))
    gate = Gate()
    first = submit(executor, gate)
    submit(executor, one).wait()
    cancelled = submit(executor, one)
    cancelled.run.cancel()
    cancelled.wait()
    first.wait()
    gate.opened.set()
    await_until(lambda: seen.total() == 3)
    assert seen == {"busy ServerBusy": 1, "cancelled": 1, "timeout TimeoutError": 1}


def test_a_log_that_breaks_harms_no_call(start, capsys):
    def on_done(request, outcome, seconds):
        raise OSError("disk full")

    executor = start("inline", on_done=on_done)
    assert submit(executor, one).wait() == [Result(1)]
    assert executor.running == 0
    assert "call: the call could not be logged: OSError: disk full" in capsys.readouterr().err


# All at once


def _method(kind, rng):
    nap = rng.choice((0, 0, 0.001, 0.01))

    def plain():
        time.sleep(nap)
        return 1

    async def later():
        await asyncio.sleep(nap)
        return 1

    def stream():
        for n in range(4):
            time.sleep(nap / 4)
            yield n

    async def stream_later():
        for n in range(4):
            await asyncio.sleep(nap / 4)
            yield n

    return {"plain": plain, "later": later, "stream": stream, "stream_later": stream_later, "fail": fail}[kind]


KINDS = ["plain", "later", "stream", "stream_later", "fail"]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=40),
    threads=st.integers(1, 4),
    max_concurrent=st.sampled_from([1, 5, 1000]),
    call_timeout=st.sampled_from([None, 0.005, 10.0]),
)
def test_every_call_ends_exactly_once(seed, kinds, threads, max_concurrent, call_timeout):
    rng = random.Random(seed)
    done = []
    executor = Threads(threads, Limits(call_timeout, max_concurrent, 0.02), lambda *what: done.append(what))
    sinks = []
    for kind in kinds:
        sink = submit(executor, _method(kind, rng), allowance=rng.choice((None, 1, 2)))
        sinks.append(sink)
        if rng.random() < 0.2:
            rng.choice(sinks).run.cancel()
        if rng.random() < 0.3:
            rng.choice(sinks).run.resume(rng.randint(1, 5))
    deadline = time.monotonic() + PATIENCE
    while not all(sink.over.is_set() for sink in sinks):
        assert time.monotonic() < deadline
        for sink in sinks:
            if sink.rests.acquire(blocking=False):
                sink.run.resume(rng.randint(1, 5))
        time.sleep(0.001)
    assert executor.drain(PATIENCE) == 0
    executor.close()
    assert [sink.ends for sink in sinks] == [1] * len(sinks)
    assert len(done) == len(sinks)
    assert all(sum(isinstance(reply, ENDS) for reply in sink.replies) <= 1 for sink in sinks)
    await_until(lambda: executor.stuck == 0)
