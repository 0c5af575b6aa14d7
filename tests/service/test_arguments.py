"""How arguments are fitted to a method before it runs: counted, named, converted."""

import datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpcctl.errors import InvalidArgumentsError
from rpcctl.service.methods import Method

if TYPE_CHECKING:
    from decimal import Decimal


def add(a, b):
    return a + b


def optional(a, b=2, *, c=3):
    return a, b, c


def keyword(a, *, c, d):
    return a, c, d


def positional(a, b, /, **more):
    return a, b, more


def posonly(a, b, /):
    return a, b


def everything(a, /, b, *args, c, d=4, **more):
    return a, b, args, c, d, more


def many(*args):
    return args


@pytest.mark.parametrize(
    ("function", "args", "kwargs"),
    [
        (add, (1,), {}),
        (add, (), {}),
        (add, (1, 2, 3), {}),
        (add, (1, 2), {"c": 1}),
        (add, (1,), {"a": 1}),
        (add, (), {"b": 1}),
        (optional, (), {}),
        (optional, (1, 2, 3), {}),
        (optional, (1,), {"args": 1}),
        (keyword, (1,), {}),
        (keyword, (1,), {"c": 1}),
        (posonly, (), {"a": 1, "b": 2}),
        (posonly, (1,), {}),
        (positional, (0,), {"b": 0}),
        (many, (), {"args": 1}),
        (lambda: 1, (1,), {}),
        (lambda a, b, c: 1, (), {}),
    ],
)
def test_a_refusal_is_worded_as_python_words_it(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]):
    with pytest.raises(TypeError) as theirs:
        function(*args, **kwargs)
    with pytest.raises(InvalidArgumentsError) as ours:
        Method("f", function).bind(args, kwargs)
    assert ours.value.message == "f() " + str(theirs.value).partition("() ")[2]
    assert ours.value.type == "TypeError"


ARGUMENTS = st.lists(st.integers(0, 9), max_size=5).map(tuple)
NAMED = st.dictionaries(st.sampled_from(["a", "b", "c", "d", "args", "more", "x"]), st.integers(0, 9), max_size=4)


@settings(deadline=None, max_examples=300)
@given(
    function=st.sampled_from([add, optional, keyword, positional, posonly, many, everything]),
    args=ARGUMENTS,
    kwargs=NAMED,
)
def test_what_is_let_through_is_what_python_lets_through(function, args, kwargs):
    method = Method("f", function)
    try:
        theirs = function(*args, **kwargs)
    except TypeError:
        for _ in range(2):
            with pytest.raises(InvalidArgumentsError, match=r"^f\(\) "):
                method.bind(args, kwargs)
        return
    for _ in range(2):
        bound, named = method.bind(args, kwargs)
        assert function(*bound, **named) == theirs


def test_binding_runs_nothing():
    ran = []

    def method(a):
        ran.append(a)

    Method("f", method).bind((1,), {})
    assert ran == []


def test_long_lists_of_missing_arguments():
    with pytest.raises(InvalidArgumentsError) as caught:
        Method("add", add).bind((1,), {})
    assert caught.value.message == "add() missing 1 required positional argument: 'b'"


def only_for_checkers(a: "Decimal", b: "int") -> "Decimal":
    return a


# Conversions: what the hints ask for, where the wire could not carry it.

DAY = datetime.date(2024, 1, 2)


def days(first: datetime.date, *rest: datetime.date, last: datetime.date = DAY, **more: datetime.date) -> Any:
    return first, rest, last, more


def untouched(a: int, b: str, c: "datetime.date") -> Any:
    return a, b, c


def test_arguments_become_what_the_hints_ask_for():
    method = Method("days", days)
    text = "2024-01-02"
    for _ in range(2):
        assert method.bind((text, text, text), {"last": text, "x": text}) == ((DAY,) * 3, {"last": DAY, "x": DAY})
        assert method.bind((text,), {}) == ((DAY,), {})
        assert method.bind((), {"first": text}) == ((), {"first": DAY})


def test_hints_given_as_text_are_evaluated():
    assert Method("f", untouched).bind((1, "2", "2024-01-02"), {}) == ((1, "2", DAY), {})


def test_text_never_becomes_a_number():
    assert Method("f", untouched).bind(("1", "2", DAY), {}) == (("1", "2", DAY), {})


@pytest.mark.parametrize(
    ("args", "kwargs", "named"),
    [
        (("x",), {}, "'first'"),
        (("2024-01-02", "x"), {}, "'rest'"),
        (("2024-01-02",), {"last": "x"}, "'last'"),
        (("2024-01-02",), {"other": "x"}, "'other'"),
    ],
)
def test_a_value_that_cannot_be_converted_names_its_parameter(args: Any, kwargs: Any, named: str):
    with pytest.raises(InvalidArgumentsError) as caught:
        Method("days", days).bind(args, kwargs)
    assert caught.value.message.startswith(f"days() argument {named}: ")


def test_the_count_is_checked_before_anything_is_converted():
    with pytest.raises(InvalidArgumentsError, match="missing 1 required"):
        Method("days", days).bind((), {"last": "x"})


def test_hints_that_only_type_checkers_know_convert_nothing():
    assert Method("f", only_for_checkers).bind(("1", 2), {}) == (("1", 2), {})
