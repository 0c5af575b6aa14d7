"""Executors: every call ends exactly once, whatever its method, its sink and its server do."""

import asyncio
import itertools
import random
import threading
import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpcctl.errors import ConnectionLostError, DeadlineError, UsageError
from rpcctl.messages import ENDS, End, Failure, Item, Request, Result
from rpcctl.service.dispatch import Service
from rpcctl.service.executor import DEFAULT_THREADS, Inline, Limits, Threads, make_executor
from rpcctl.service.methods import Method

PATIENCE = 20.0
SHORT = 0.2
"""Seconds for a time limit that is to be reached, though not before the method has been entered."""
CALL = Request("call")


class Sink:
    """Keeps what it is told; `over` is set by the end, `rests` counts pauses."""

    def __init__(self):
        self.replies = []
        self.ends = 0
        self.over = threading.Event()
        self.rests = threading.Semaphore(0)
        self.threads = set()
        self.run: Any = None

    def deliver(self, reply):
        assert not self.over.is_set(), "a reply after the end"
        self.threads.add(threading.current_thread().name)
        self.replies.append(reply)

    def paused(self):
        assert not self.over.is_set(), "a pause after the end"
        self.rests.release()

    def ended(self):
        self.ends += 1
        self.over.set()

    def wait(self):
        assert self.over.wait(PATIENCE), "the call did not end"
        assert self.ends == 1
        return self.replies

    def wait_for_pause(self):
        assert self.rests.acquire(timeout=PATIENCE), "the stream did not pause"


class Gate:
    """A method that stays inside until it is opened."""

    def __init__(self):
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self):
        self.entered.release()
        assert self.opened.wait(PATIENCE)
        return "passed"

    def wait_until_entered(self, times=1):
        for _ in range(times):
            assert self.entered.acquire(timeout=PATIENCE)


def handler_of(function, **options):
    return Service({"call": Method("call", function)}, **options).dispatch


def submit(executor, function, allowance=None, **request):
    sink = Sink()
    sink.run = executor.submit(handler_of(function), Request("call", **request), sink, allowance)
    return sink


def await_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.002)


@pytest.fixture
def start():
    """A function that makes an executor, closed when the test ends."""
    made = []

    def make(text="threads:4", *, call_timeout=None, max_concurrent=10_000, max_wait=PATIENCE, on_done=None):
        made.append(
            make_executor(
                text, call_timeout=call_timeout, max_concurrent=max_concurrent, max_wait=max_wait, on_done=on_done
            )
        )
        return made[-1]

    yield make
    for executor in made:
        executor.close()


def one():
    return 1


async def one_later():
    await asyncio.sleep(0)
    return 1


def three():
    yield from range(3)


async def three_later():
    for n in range(3):
        await asyncio.sleep(0)
        yield n


def fail():
    raise ValueError("bad")


def exits():
    raise SystemExit(3)


def recurse():
    return recurse() + 1


EVERYWHERE = pytest.mark.parametrize("text", ["threads:1", "threads:4", "threads", "inline"])
HERE_AND_THERE = pytest.mark.parametrize("text", ["threads:2", "inline"])


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


# Streams and their credit


@HERE_AND_THERE
@pytest.mark.parametrize("stream", [lambda: iter(range(7)), three_later], ids=["sync", "async"])
def test_a_stream_delivers_no_more_than_it_is_allowed(start, text, stream):
    sink = submit(start(text), stream, allowance=2)
    sink.wait_for_pause()
    assert sink.replies == [Item(0), Item(1)]
    sink.run.resume(100)
    *items, end = sink.wait()
    assert isinstance(end, End)
    assert items == [Item(n) for n in range(len(items))]
    assert sink.replies.count(Item(2)) == 1


@HERE_AND_THERE
@pytest.mark.parametrize("function", [one, one_later, fail])
def test_an_end_needs_no_allowance(start, text, function):
    assert isinstance(submit(start(text), function, allowance=0).wait()[-1], ENDS)


@HERE_AND_THERE
def test_resuming_what_is_not_paused_does_nothing(start, text):
    sink = submit(start(text), lambda: itertools.count(), allowance=1)
    sink.wait_for_pause()
    sink.run.resume(2)
    sink.wait_for_pause()
    assert sink.replies == [Item(0), Item(1), Item(2)]
    sink.run.cancel()
    sink.wait()
    sink.run.resume(5)
    assert sink.replies == [Item(0), Item(1), Item(2)]


def test_paused_streams_hold_no_workers(start):
    executor = start("threads:2")
    streams = [submit(executor, three, allowance=1) for _ in range(100)]
    for sink in streams:
        sink.wait_for_pause()
    assert submit(executor, one).wait() == [Result(1)]
    assert executor.running == 100
    for sink in streams:
        sink.run.resume(10)
    assert [sink.wait() for sink in streams] == [[Item(0), Item(1), Item(2), End()]] * 100


# Cancelling


def _closing(seen):
    def stream():
        try:
            yield from itertools.count()
        finally:
            seen.append("closed")

    return stream


def _closing_later(seen):
    async def stream():
        try:
            for n in itertools.count():
                yield n
        finally:
            await asyncio.sleep(0)
            seen.append("closed")

    return stream


@HERE_AND_THERE
@pytest.mark.parametrize("build", [_closing, _closing_later], ids=["sync", "async"])
def test_cancelling_a_paused_stream_closes_its_generator(start, text, build):
    seen: list[Any] = []
    sink = submit(start(text), build(seen), allowance=3)
    sink.wait_for_pause()
    sink.run.cancel()
    sink.run.cancel()
    assert sink.wait() == [Item(0), Item(1), Item(2)]
    assert seen == ["closed"]


@pytest.mark.parametrize("build", [_closing, _closing_later], ids=["sync", "async"])
def test_cancelling_a_running_stream_closes_its_generator(start, build):
    seen: list[Any] = []
    sink = submit(start(), build(seen))
    await_until(lambda: len(sink.replies) > 3)
    sink.run.cancel()
    sink.wait()
    assert seen == ["closed"]


def test_a_stream_may_be_cancelled_from_within_its_sink(start):
    class Full(Sink):
        def deliver(self, reply):
            super().deliver(reply)
            ready.wait(PATIENCE)
            self.run.cancel()

    for build in (_closing, _closing_later):
        seen: list[str] = []
        ready = threading.Event()
        sink = Full()
        sink.run = start().submit(handler_of(build(seen)), CALL, sink)
        ready.set()
        assert sink.wait() == [Item(0)]
        assert seen == ["closed"]


def test_a_cancelled_call_ends_after_its_running_step(start):
    gate = Gate()
    sink = submit(start(), gate)
    gate.wait_until_entered()
    sink.run.cancel()
    assert not sink.over.is_set()
    gate.opened.set()
    assert sink.wait() == []


def test_a_cancelled_coroutine_is_interrupted_where_it_awaits(start):
    entered, seen = threading.Event(), []

    async def sleep():
        try:
            entered.set()
            await asyncio.sleep(3600)
        finally:
            seen.append("left")

    sink = submit(start(), sleep)
    assert entered.wait(PATIENCE)
    sink.run.cancel()
    assert sink.wait() == []
    assert seen == ["left"]


def test_a_queued_call_that_is_cancelled_never_starts(start):
    executor = start("threads:1")
    gate, seen = Gate(), []
    first = submit(executor, gate)
    gate.wait_until_entered()
    second = submit(executor, lambda: seen.append("ran"))
    second.run.cancel()
    gate.opened.set()
    assert second.wait() == []
    assert first.wait() == [Result("passed")]
    assert seen == []


@pytest.mark.parametrize("function", [one, one_later])
def test_a_call_cancelled_in_line_never_starts(start, function):
    executor = start("threads:2", max_concurrent=1)
    gate = Gate()
    first = submit(executor, gate)
    second = submit(executor, function)
    second.run.cancel()
    assert second.wait() == []
    gate.opened.set()
    assert first.wait() == [Result("passed")]
    assert executor.running == 0


def test_closing_the_executor_cancels_what_is_left(start):
    executor = start("threads:2")
    seen: list[Any] = []
    parked = [submit(executor, build(seen), allowance=1) for build in (_closing, _closing_later)]
    for sink in parked:
        sink.wait_for_pause()
    executor.close()
    for sink in parked:
        assert sink.wait() == [Item(0)]
    assert seen == ["closed"] * 2


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
@pytest.mark.parametrize("build", [_closing, _closing_later], ids=["sync", "async"])
def test_an_overdue_paused_stream_is_answered_and_closed(start, text, build):
    seen: list[Any] = []
    sink = submit(start(text, call_timeout=SHORT), build(seen), allowance=1)
    item, failure = sink.wait()
    assert (item, failure.kind) == (Item(0), "timeout")
    await_until(lambda: seen == ["closed"])


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
