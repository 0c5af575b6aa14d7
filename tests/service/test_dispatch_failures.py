"""Service.dispatch: whatever the caller asks and the method raises, a failure comes out."""

import asyncio
from typing import Any

import pytest

from rpcctl.messages import Failure, Item, Request, Result
from rpcctl.service.dispatch import Service
from rpcctl.service.methods import Method
from tests.service.calls import add, add_later, call, serve


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
    assert reply == Failure("remote", "ValueError", "deep", module="builtins", args=("deep",))


@pytest.mark.parametrize(
    ("function", "message"), [(lambda: Open(), "no plain form"), (lambda: [Open()], "$[0]: no plain form")]
)
def test_a_result_without_plain_form_is_a_type_error_without_traceback(function, message):
    reply: Any = next(Service({"f": Method("f", function)}).dispatch(Request("f")))
    assert reply[:2] == ("remote", "TypeError")
    assert reply.message.startswith(f"the result of f cannot be sent: {message}")
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
