"""Service.dispatch: results, streams and their closing, one-way calls, inspection, replaced methods."""

import asyncio
import functools
import itertools
import threading
from typing import Any

import pytest

from rpcctl.messages import INSPECT, PING, Description, Encoding, End, Failure, Item, Request, Result
from rpcctl.service.dispatch import Service
from rpcctl.service.methods import Method
from tests.service.calls import add, add_later, call, count, count_later, serve

# Results


@pytest.mark.parametrize("function", [add, add_later], ids=["sync", "async"])
@pytest.mark.parametrize(("args", "kwargs"), [((1,), {}), ((1, 2), {}), ((), {"a": 1, "b": 2}), ((1,), {"b": 2})])
def test_a_call_is_answered_with_one_result(function, args, kwargs):
    assert call(function, *args, **kwargs) == [Result(3)]


@pytest.mark.parametrize("function", [count, count_later], ids=["sync", "async"])
@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_generator_is_answered_with_its_items_and_an_end(function, n):
    replies = call(function, n)
    assert replies == [*map(Item, range(n)), End()]
    assert isinstance(replies[-1], End)


def returns_iterator():
    return iter([1, 2])


def returns_map():
    return map(str, (1, 2))


async def awaits_iterator():
    return iter([1, 2])


def returns_async_generator():
    return count_later(2)


async def awaits_async_generator():
    return count_later(2)


@pytest.mark.parametrize(
    ("function", "items"),
    [
        (returns_iterator, [1, 2]),
        (returns_map, ["1", "2"]),
        (awaits_iterator, [1, 2]),
        (returns_async_generator, [0, 1]),
        (awaits_async_generator, [0, 1]),
    ],
)
def test_a_returned_iterator_is_streamed(function, items):
    assert call(function) == [*map(Item, items), End()]


def test_an_awaitable_of_an_ordinary_function_is_awaited():
    @functools.wraps(add_later)
    def decorated(*args):
        return add_later(*args)

    assert list(Service({"f": Method("f", decorated, "plain")}).dispatch(Request("f", (1,)))) == [Result(3)]


def test_async_calls_run_on_one_thread_which_is_not_the_callers():
    async def where():
        return threading.get_ident()

    found = {call(where)[0].value for _ in range(3)}
    assert len(found) == 1
    assert threading.get_ident() not in found


def test_nothing_happens_before_the_first_reply_is_asked_for():
    seen: list[Any] = []

    def note():
        seen.append("ran")

    replies = serve(note).dispatch(Request("note"))
    assert seen == []
    next(replies)
    assert seen == ["ran"]


def test_values_are_made_plain_for_the_wire_that_asks():
    def raw():
        return b"\x00\xff"

    request = Request("raw", encoding=Encoding("text", binary=False))
    assert list(serve(raw).dispatch(request)) == [Result("AP8=")]


# Abandoned calls


def test_closing_the_replies_closes_the_generator():
    seen: list[Any] = []

    def stream():
        try:
            yield from itertools.count()
        finally:
            seen.append("closed")

    replies = serve(stream).dispatch(Request("stream"))
    assert [next(replies), next(replies)] == [Item(0), Item(1)]
    replies.close()
    assert seen == ["closed"]


def test_closing_the_replies_closes_the_async_generator():
    seen: list[Any] = []

    async def stream():
        try:
            for n in itertools.count():
                yield n
        finally:
            await asyncio.sleep(0)
            seen.append("closed")

    replies = serve(stream).dispatch(Request("stream"))
    assert [next(replies), next(replies)] == [Item(0), Item(1)]
    replies.close()
    replies.close()
    assert seen == ["closed"]
    assert list(replies) == []


def test_an_async_stream_stays_in_one_task():
    async def tasks():
        for _ in range(3):
            yield id(asyncio.current_task())

    items = {reply.value for reply in call(tasks) if isinstance(reply, Item)}
    assert len(items) == 1


def test_a_generator_that_raises_when_closed_harms_nobody(capsys):
    def stream():
        try:
            yield 1
        finally:
            raise ValueError("while closing")

    replies = serve(stream).dispatch(Request("stream"))
    next(replies)
    replies.close()
    assert "closing its stream raised ValueError" in capsys.readouterr().err


# One-way calls


@pytest.mark.parametrize("build", [lambda seen: _noting(seen), lambda seen: _noting_later(seen)], ids=["sync", "async"])
def test_a_one_way_call_runs_to_its_end_and_yields_nothing(build):
    seen: list[Any] = []
    assert list(serve(build(seen)).dispatch(Request("noting", oneway=True))) == []
    assert seen == [0, 1, 2]


def _noting(seen):
    def noting():
        for n in range(3):
            yield seen.append(n)

    return noting


def _noting_later(seen):
    async def noting():
        for n in range(3):
            await asyncio.sleep(0)
            yield seen.append(n)

    return noting


@pytest.mark.parametrize("request_", [Request("fail", oneway=True), Request("none", oneway=True)])
def test_the_outcome_of_a_one_way_call_is_the_value_of_the_stop(request_):
    def fail():
        raise ValueError("bad")

    with pytest.raises(StopIteration) as stop:
        next(serve(fail).dispatch(request_))
    assert isinstance(stop.value.value, Failure)


# Inspection and replacement


def test_inspect_is_answered_with_the_description():
    service = serve(add, count, name="calc", doc="Sums.")
    (reply,) = service.dispatch(Request(INSPECT))
    assert isinstance(reply, Result)
    assert reply.value == service.description
    assert (reply.value.name, reply.value.doc) == ("calc", "Sums.")
    assert [each.name for each in reply.value.methods] == ["add", "count"]


def test_replaced_methods_serve_new_calls_while_old_ones_go_on():
    service = serve(count, name="old", doc="Doc.")
    running = service.dispatch(Request("count", (2,)))
    assert next(running) == Item(0)
    service.replace({"add": Method("add", add)}, name="new")
    assert list(running) == [Item(1), End()]
    assert list(service.dispatch(Request("count", (2,)))) == [Failure("no_method", "NameError", "count")]
    assert list(service.dispatch(Request("add", (1,)))) == [Result(3)]
    assert service.description == Description("new", (Method("add", add).description,), "Doc.")


def test_a_ping_is_answered_with_the_name():
    assert list(Service({}, name="calc").dispatch(Request(PING))) == [Result("calc")]
