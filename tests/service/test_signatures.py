"""What is told of a function: signature, defaults, documentation, whether it streams."""

import builtins
import datetime
import functools
import math
import os
import random
import re
import socket
import string
import struct
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from rpcctl.messages import REQUIRED
from rpcctl.service.methods import Method, dangers

if TYPE_CHECKING:
    from decimal import Decimal


class Thing:
    """Things."""

    def __init__(self, size: int, *, name: str = "x") -> None: ...

    def __repr__(self) -> str:
        return f"<Thing at 0x{id(self):x}>"


class Store(dict):  # type: ignore[type-arg]
    def get(self, key, default=None):
        return 1

    def put(self, key):
        """Puts."""


class Child(Store):
    def put(self, key):
        return 2


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


def every_kind(a, /, b: int, c="x", *rest: float, d, e: "list[str]" = [], **more: Any) -> "dict[str, int]":  # noqa: B006
    """First line
    goes on.

    Second paragraph.
    """
    return {}


def only_for_checkers(a: "Decimal", b: "int") -> "Decimal":
    return a


def defaults(a=Thing(1), b=(1, 2), c={"k": [1, None]}, d=Unprintable(), e=b"x", f=len, g="y" * 999, h=object()):  # noqa: B006, B008
    pass


def stream() -> Iterator[int]:
    return iter([1])


def wrapped_in_itself():
    pass


wrapped_in_itself.__wrapped__ = wrapped_in_itself  # type: ignore[attr-defined]


@functools.wraps(every_kind)
def wrapper(*args, **kwargs):
    return every_kind(*args, **kwargs)


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        (every_kind, "(a, /, b: int, c='x', *rest: float, d, e: list[str] = [], **more: Any) -> dict[str, int]"),
        (wrapper, "(a, /, b: int, c='x', *rest: float, d, e: list[str] = [], **more: Any) -> dict[str, int]"),
        (
            functools.partial(every_kind, 1),
            "(b: int, c='x', *rest: float, d, e: list[str] = [], **more: Any) -> dict[str, int]",
        ),
        (functools.lru_cache(only_for_checkers), "(a: Decimal, b: int) -> Decimal"),
        (math.sqrt, "(x, /)"),
        (Child().put, "(key)"),
        (lambda x, y=1: x, "(x, y=1)"),
    ],
)
def test_exact_signatures(function: Any, signature: str):
    description = Method("f", function).description
    assert re.sub(r"typing\.", "", description.signature()) == signature
    assert description.exact


def test_constructors_are_described_by_their_arguments():
    assert Method("Thing", Thing).description.signature().startswith("(size: int, *, name: str = 'x')")
    assert Method("Thing", Thing).description.doc == "Things."


def documented(doc: str) -> Any:
    """A function without a signature, as many of C's are."""

    class NoSignature:
        __name__ = "f"
        __signature__ = None
        __doc__ = doc

        def __call__(self, *args: Any) -> Any:
            return args

    function = NoSignature()
    type(function).__signature__ = property(lambda self: 1 / 0)  # type: ignore[assignment]
    return function


@pytest.mark.parametrize(
    ("doc", "signature"),
    [
        ("f(format[, tuple]) -> string\n\nMore.", "(format, tuple=None) -> string"),
        ("f(a, [base=math.e])", "(a, base='math.e')"),
        ("f(iterable, *[, default=obj, key=func]) -> value", "(iterable, *, default='obj', key='func') -> value"),
        ("f(*coordinates) -> value", "(*coordinates) -> value"),
        ("f(format, v1, ...) -> bytes", "(format, v1, *args) -> bytes"),
        ("f(a, b, /, c=3)", "(a, b, /, c=3)"),
        ("f(name: str, n: int = 2, **kw) -> dict", "(name: str, n: int = 2, **kw) -> dict"),
        ("f(start[, stop[, step]])", "(start, stop=None, step=None)"),
        ("f() -> (a, b,\n c)", "()"),
        ("f()", "()"),
        ("f(1 + 2)", "(...)"),
        ("f(a, (b, c))", "(...)"),
        ("f(a", "(...)"),
        ("g(a)", "(...)"),
        ("Does f(a).", "(...)"),
        ("", "(...)"),
    ],
)
def test_signatures_from_the_docstring_are_for_display_only(doc: str, signature: str):
    method = Method("f", documented(doc))
    assert method.description.signature() == signature
    assert not method.description.exact
    assert method.bind((1, 2, 3, 4, 5), {}) == ((1, 2, 3, 4, 5), {})
    assert method.bind((), {"strange": 1}) == ((), {"strange": 1})


def test_a_function_without_a_signature_decides_for_itself():
    for function in (time.strftime, math.log, max, struct.pack, getattr, iter):
        method = Method(function.__name__, function)
        assert method.bind((1, 2, 3, 4, 5, 6, 7), {"x": 1}) == ((1, 2, 3, 4, 5, 6, 7), {"x": 1}) or (
            method.description.exact
        ), "rejected without an exact signature"
    assert "format" in Method("strftime", time.strftime).description.signature()


@pytest.mark.parametrize("module", [builtins, datetime, math, os, random, re, socket, string, sys, time])
def test_nothing_of_the_standard_library_fails_to_be_described(module: Any):
    for name, value in vars(module).items():
        if callable(value):
            Method(name, value).description.signature()
            Method(name, value).description.summary()


class Hostile:
    def __call__(self) -> None: ...

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    __hash__ = None  # type: ignore[assignment]


class Eager:
    def __call__(self) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return lambda *args: name


@pytest.mark.parametrize(
    "function",
    [wrapped_in_itself, documented(""), Thing(1), functools.partial, Hostile(), Eager()],
    ids=["loop", "raises", "not callable", "class", "hostile", "eager"],
)
def test_strange_functions_are_described(function: Any):
    method = Method("f", function)
    assert method.description.name == "f"
    assert method.kind == "plain"
    assert dangers({"f": method}) == []


def test_defaults_are_plain_values_or_text_without_addresses():
    parameters = Method("f", defaults).description.parameters
    assert parameters is not None
    values = {each.name: each.default for each in parameters}
    assert values.pop("g") == "y" * 999
    assert values == {
        "a": "<Thing>",
        "b": "(1, 2)",
        "c": {"k": [1, None]},
        "d": "<Unprintable>",
        "e": b"x",
        "f": "<built-in function len>",
        "h": "<object object>",
    }


def test_required_parameters_have_no_default():
    parameters = Method("f", every_kind).description.parameters
    assert parameters is not None
    assert [each.name for each in parameters if each.default is REQUIRED] == ["a", "b", "rest", "d", "more"]


@pytest.mark.parametrize(
    ("function", "doc"),
    [
        (every_kind, "First line\ngoes on.\n\nSecond paragraph.\n"),
        (functools.partial(every_kind, 1), "First line\ngoes on.\n\nSecond paragraph.\n"),
        (Store().get, ""),
        (Child().put, "Puts."),
        (Store, ""),
        (Store(), ""),
        (lambda: 1, ""),
    ],
)
def test_docstrings_but_not_those_of_builtin_types(function: Any, doc: str):
    assert Method("f", function).description.doc.strip() == doc.strip()


def test_the_summary_is_the_first_paragraph():
    assert Method("f", every_kind).description.summary() == "First line goes on."


def test_a_function_that_says_it_returns_an_iterator_is_a_stream():
    assert Method("f", stream).description.stream
    assert not Method("f", every_kind).description.stream
