"""Executors: streams and their credit; streams and calls that are cancelled, or closed when overdue."""

import asyncio
import itertools
import threading
from typing import Any

import pytest

from rpcctl.messages import ENDS, End, Item, Result
from tests.service.executors import (
    CALL,
    HERE_AND_THERE,
    PATIENCE,
    SHORT,
    Gate,
    Sink,
    await_until,
    fail,
    handler_of,
    one,
    one_later,
    submit,
    three,
    three_later,
)

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


@HERE_AND_THERE
@pytest.mark.parametrize("build", [_closing, _closing_later], ids=["sync", "async"])
def test_an_overdue_paused_stream_is_answered_and_closed(start, text, build):
    seen: list[Any] = []
    sink = submit(start(text, call_timeout=SHORT), build(seen), allowance=1)
    item, failure = sink.wait()
    assert (item, failure.kind) == (Item(0), "timeout")
    await_until(lambda: seen == ["closed"])
