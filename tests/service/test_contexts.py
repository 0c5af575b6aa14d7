"""Methods that ask for what travelled beside their arguments."""

from __future__ import annotations

import functools
from datetime import date
from typing import Any

import pytest

from rpcctl import Context
from rpcctl.errors import InvalidArgumentsError
from rpcctl.messages import Request, Result
from rpcctl.service.dispatch import Service
from rpcctl.service.methods import Method

SENT = {"user": "ann"}
NOTHING = Context()


def first(ctx: Context, a, b=2):
    return dict(ctx), a, b


def last(a, b=2, ctx: Context = NOTHING):
    return dict(ctx), a, b


def named(a, *, ctx: Context, b=2):
    return dict(ctx), a, b


def only(ctx: Context, a, /, b=2):
    return dict(ctx), a, b


def dated(a: date, ctx: Context, b: int = 2):
    return dict(ctx), a.isoformat(), b


def greedy(ctx: Context, *args, **more):
    return dict(ctx), args, more


class Served:
    def method(self, ctx: Context, a, b=2):
        return dict(ctx), a, b


def ask(function: Any, *args: Any, **kwargs: Any) -> Any:
    service = Service({"f": Method("f", function)})
    (reply,) = service.dispatch(Request("f", args, kwargs, context=SENT))
    return reply


CALLS: list[tuple[Any, tuple[Any, ...], dict[str, Any], list[Any]]] = [
    # function, args, kwargs, what it got
    (first, (1,), {}, [SENT, 1, 2]),
    (first, (1, 3), {}, [SENT, 1, 3]),
    (first, (), {"a": 1, "b": 3}, [SENT, 1, 3]),
    (last, (1,), {}, [SENT, 1, 2]),
    (last, (1, 3), {}, [SENT, 1, 3]),
    (named, (1,), {"b": 3}, [SENT, 1, 3]),
    (only, (1,), {"b": 3}, [SENT, 1, 3]),
    (dated, ("2024-01-31",), {}, [SENT, "2024-01-31", 2]),
    (dated, ("2024-01-31", 3), {}, [SENT, "2024-01-31", 3]),
    (greedy, (1,), {"x": 2}, [SENT, [1], {"x": 2}]),
    (Served().method, (1,), {}, [SENT, 1, 2]),
    (functools.partial(first, b=5), (1,), {}, [SENT, 1, 5]),
]


@pytest.mark.parametrize(("function", "args", "kwargs", "got"), CALLS)
def test_the_parameter_gets_the_context(function, args, kwargs, got):
    for _ in range(2):  # The second call of a method may go a quicker way.
        assert ask(function, *args, **kwargs) == Result(got)


@pytest.mark.parametrize("function", [first, last, named, greedy])
def test_a_caller_cannot_fill_it(function):
    with pytest.raises(InvalidArgumentsError, match="unexpected keyword argument 'ctx'"):
        Method("f", function).bind((1,), {"ctx": {"user": "eve"}}, SENT)


def test_too_many_arguments_are_counted_without_it():
    with pytest.raises(InvalidArgumentsError, match="takes from 1 to 2 positional arguments but 3 were given"):
        Method("f", first).bind((1, 2, 3), {}, SENT)


@pytest.mark.parametrize(
    ("function", "signature"), [(first, "(a, b=2)"), (named, "(a, *, b=2)"), (only, "(a, /, b=2)")]
)
def test_it_is_not_described(function, signature):
    assert Method("f", function).description.signature() == signature


def test_what_a_method_does_to_it_stays_there():
    def forget(ctx: Context):
        ctx.clear()

    Method("forget", forget).bind((), {}, SENT)
    assert ask(forget) == Result(None)
    assert SENT == {"user": "ann"}


def test_another_class_of_that_name_is_an_argument():
    def method(ctx):
        return ctx

    method.__annotations__["ctx"] = type("Context", (dict,), {})
    assert ask(method, {"a": 1}) == Result({"a": 1})
