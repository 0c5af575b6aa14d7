"""Service.dispatch: whatever the caller asks and the method does, replies come out."""

import asyncio
import functools
import itertools
import threading
import time
from typing import Any

import pytest

from rpcctl.messages import INSPECT, PING, Description, Encoding, End, Failure, Item, Request, Result
from rpcctl.service.dispatch import Service
from rpcctl.service.loop import event_loop
from rpcctl.service.methods import Method

PATIENCE = 10.0


def serve(*functions, **options):
    return Service({each.__name__: Method(each.__name__, each) for each in functions}, **options)


def call(function, *args, **kwargs):
    """All replies of one call of the function."""
    return list(serve(function).dispatch(Request(function.__name__, args, kwargs)))


def add(a, b=2):
    """Add two numbers."""
    return a + b


async def add_later(a, b=2):
    await asyncio.sleep(0)
    return a + b


def count(n):
    yield from range(n)


async def count_later(n):
    for number in range(n):
        await asyncio.sleep(0)
        yield number


def raising(exc):
    def method():
        raise exc

    return method


def raising_later(exc):
    async def method():
        raise exc

    return method


class Mute(Exception):
    def __str__(self):
        raise ValueError("no text")


class Open:
    """Something without a plain form."""


def recurse():
    return recurse() + 1


def ping(n):
    return pong(n) + 1


def pong(n):
    return ping(n) + 1


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


# Failures


def test_an_unknown_method_is_named_exactly():
    assert list(serve(add).dispatch(Request("sub"))) == [Failure("no_method", "NameError", "sub")]


@pytest.mark.parametrize("function", [add, add_later], ids=["sync", "async"])
@pytest.mark.parametrize(("args", "kwargs"), [((), {}), ((1, 2, 3), {}), ((1,), {"c": 1}), ((1,), {"a": 1})])
def test_arguments_that_do_not_fit_are_told_from_a_type_error_inside(function, args, kwargs):
    (reply,) = call(function, *args, **kwargs)
    assert (reply.kind, reply.type, reply.traceback) == ("arguments", "TypeError", "")
    (inside,) = call(function, 1, "x")
    assert (inside.kind, inside.type) == ("remote", "TypeError")


@pytest.mark.parametrize("build", [raising, raising_later], ids=["sync", "async"])
@pytest.mark.parametrize(
    ("exc", "type_", "message"),
    [
        (ValueError("bad"), "ValueError", "bad"),
        (KeyError("k"), "KeyError", "'k'"),
        (SystemExit(3), "SystemExit", "3"),
        (KeyboardInterrupt(), "KeyboardInterrupt", ""),
        (GeneratorExit("x"), "GeneratorExit", "x"),
        (StopAsyncIteration("x"), "StopAsyncIteration", "x"),
        (asyncio.CancelledError(), "CancelledError", ""),
        (MemoryError("m"), "MemoryError", "m"),
        (Mute(), "Mute", "<str() of Mute raised ValueError>"),
        (ValueError("\udcff"), "ValueError", "\\udcff"),
    ],
)
def test_whatever_a_method_raises_is_a_failure(build, exc, type_, message):
    (reply,) = call(build(exc))
    assert reply[:3] == ("remote", type_, message)
    assert "Traceback" in reply.traceback


def test_a_raised_stop_iteration_is_a_failure_not_an_end():
    (reply,) = call(raising(StopIteration(1)))
    assert reply[:3] == ("remote", "StopIteration", "1")


@pytest.mark.parametrize(("function", "args"), [(recurse, ()), (ping, (1,))])
def test_endless_recursion_is_a_failure_of_reasonable_size(function, args):
    (reply,) = call(function, *args)
    assert reply[:2] == ("remote", "RecursionError")
    assert len(reply.traceback) < 50_000


def deep():
    raise ValueError("deep")


def shallow():
    deep()


async def shallow_later():
    await asyncio.sleep(0)
    deep()


def shallow_stream():
    yield 1
    deep()


async def shallow_stream_later():
    yield 1
    deep()


def wrapped():
    return shallow_later()


@pytest.mark.parametrize("function", [shallow, shallow_later, shallow_stream, shallow_stream_later, wrapped])
def test_the_traceback_begins_with_the_method(function):
    traceback = call(function)[-1].traceback
    assert "rpcctl/service" not in traceback
    assert traceback.count("  File ") == 2
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert traceback.endswith("ValueError: deep\n")


def test_tracebacks_can_be_kept_back():
    (reply,) = serve(deep, tracebacks=False).dispatch(Request("deep"))
    assert reply == Failure("remote", "ValueError", "deep")


@pytest.mark.parametrize("function", [lambda: Open(), lambda: [Open()]])
def test_a_result_without_plain_form_is_a_type_error_without_traceback(function):
    reply: Any = next(Service({"f": Method("f", function)}).dispatch(Request("f")))
    assert reply[:2] == ("remote", "TypeError")
    assert reply.message.startswith("$")
    assert reply.traceback == ""


def test_use_repr_sends_what_has_no_plain_form():
    def pick():
        return Open()

    (reply,) = serve(pick, use_repr=True).dispatch(Request("pick"))
    assert "Open object" in reply.value


def breaks_after_one():
    yield 1
    raise ValueError("bad")


async def breaks_after_one_later():
    yield 1
    raise ValueError("bad")


def yields_object():
    yield 1
    yield Open()


@pytest.mark.parametrize(
    ("function", "type_"),
    [(breaks_after_one, "ValueError"), (breaks_after_one_later, "ValueError"), (yields_object, "TypeError")],
)
def test_a_stream_that_breaks_ends_with_a_failure(function, type_):
    item, failure = call(function)
    assert item == Item(1)
    assert (failure.kind, failure.type) == ("remote", type_)


def test_a_task_that_exits_does_not_end_the_event_loop(capsys):
    async def exits():
        raise SystemExit(1)

    async def spawns():
        await asyncio.gather(asyncio.get_running_loop().create_task(exits()), return_exceptions=True)
        return "alive"

    assert call(spawns) == [Result("alive")]
    assert call(add_later, 1) == [Result(3)]
    assert "a task on the event loop raised SystemExit" in capsys.readouterr().err


def test_the_event_loop_cannot_be_blocked_by_itself():
    async def calls_itself():
        return [reply.type for reply in serve(add_later).dispatch(Request("add_later", (1,)))]

    (reply,) = call(calls_itself)
    assert (reply.kind, reply.type) == ("remote", "RuntimeError")


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


# The lock


class Overlap:
    """Notes whether two steps were ever inside at once."""

    def __init__(self):
        self.inside = 0
        self.most = 0

    def __enter__(self):
        self.inside += 1
        self.most = max(self.most, self.inside)

    def __exit__(self, *exc_info):
        self.inside -= 1


def _overlapping(overlap):
    def step():
        with overlap:
            time.sleep(0.001)

    async def step_later():
        with overlap:
            await asyncio.sleep(0.001)

    def stream():
        for _ in range(3):
            step()
            yield

    async def stream_later():
        for _ in range(3):
            await step_later()
            yield

    return step, step_later, stream, stream_later


def _run_all_at_once(service, names):
    def run(name):
        for _ in range(3):
            list(service.dispatch(Request(name)))

    threads = [threading.Thread(target=run, args=(name,)) for name in names for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_with_the_lock_no_two_steps_run_at_once():
    overlap = Overlap()
    functions = _overlapping(overlap)
    _run_all_at_once(serve(*functions, lock=True), [each.__name__ for each in functions])
    assert overlap.most == 1


def test_without_the_lock_steps_overlap():
    barrier = threading.Barrier(2, timeout=PATIENCE)

    def meet():
        barrier.wait()

    service = serve(meet)
    _run = [threading.Thread(target=lambda: list(service.dispatch(Request("meet")))) for _ in range(2)]
    for thread in _run:
        thread.start()
    for thread in _run:
        thread.join(PATIENCE)
    assert not barrier.broken


@pytest.mark.parametrize("stream", [count, count_later], ids=["sync", "async"])
@pytest.mark.parametrize("other", [add, add_later], ids=["sync", "async"])
def test_a_stream_that_pauses_does_not_hold_the_lock(stream, other):
    service = serve(stream, other, lock=True)
    paused = service.dispatch(Request(stream.__name__, (3,)))
    assert next(paused) == Item(0)
    assert list(service.dispatch(Request(other.__name__, (1,)))) == [Result(3)]
    assert list(paused) == [Item(1), Item(2), End()]


def test_a_cancelled_wait_for_the_lock_does_not_keep_it():
    entered, leave = threading.Event(), threading.Event()

    def hold():
        entered.set()
        assert leave.wait(PATIENCE)

    service = serve(hold, add, add_later, lock=True)
    holder = threading.Thread(target=lambda: list(service.dispatch(Request("hold"))))
    holder.start()
    assert entered.wait(PATIENCE)

    async def give_up():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(service.dispatch(Request("add_later", (1,))).__anext__(), 0.01)

    asyncio.run_coroutine_threadsafe(give_up(), event_loop()).result(PATIENCE)
    leave.set()
    holder.join(PATIENCE)
    assert list(service.dispatch(Request("add", (1,)))) == [Result(3)]


def test_a_ping_is_answered_with_the_name():
    assert list(Service({}, name="calc").dispatch(Request(PING))) == [Result("calc")]
