"""Every kind of value over every kind of wire: its plain form, or an error that says where and why."""

import array
import collections
import datetime
import decimal
import fractions
import math
import pathlib
import threading
import time
import types
import uuid
from typing import Any

import pytest

from rpcctl.messages import NATIVE, Encoding
from rpcctl.service.plain import NotPlainError, plain
from tests.service.values import (
    ENCODINGS,
    JSON,
    XML,
    ZMQ,
    Access,
    AttrsField,
    AttrsLike,
    Blob,
    Colour,
    Level,
    LongDouble,
    Number,
    NumpyArray,
    NumpyScalar,
    Point,
    PydanticLike,
    Real,
    Row,
    Rows,
    StructLike,
    Table,
    Text,
    generate,
    ordered,
)

ID = "12345678-1234-5678-1234-567812345678"

# What is the same over every wire.
SAME: list[tuple[Any, Any]] = [
    (None, None),
    (True, True),
    (7, 7),
    (1.5, 1.5),
    ("é", "é"),
    (Number(7), 7),
    (Real(1.5), 1.5),
    (Text("abc"), "abc"),
    (datetime.datetime(2024, 1, 2, 3, 4, 5, 6, datetime.timezone.utc), "2024-01-02T03:04:05.000006+00:00"),
    (datetime.date(2024, 1, 2), "2024-01-02"),
    (datetime.time(3, 4), "03:04:00"),
    (datetime.timedelta(minutes=1, milliseconds=500), 60.5),
    (decimal.Decimal("1.10"), "1.10"),
    (fractions.Fraction(1, 3), "1/3"),
    (uuid.UUID(ID), ID),
    (1 + 2j, "(1+2j)"),
    (pathlib.PurePosixPath("/tmp/a"), "/tmp/a"),
    (pathlib.Path("a"), "a"),
    (Colour.RED, "red"),
    (Colour.WHEN, "2024-01-02"),
    (Colour.NESTED, [1, 2]),
    (Level.LOW, 1),
    (Access.READ | Access.WRITE, 3),
    ((1, (2,)), [1, [2]]),
    (Point(1, 2), [1, 2]),
    (time.gmtime(0), [1970, 1, 1, 0, 0, 0, 3, 1, 0]),
    (collections.deque([1, 2]), [1, 2]),
    (range(3), [0, 1, 2]),
    ({"b": 1, "a": 2}.keys(), ["b", "a"]),
    ({"b": 1, "a": 2}.values(), [1, 2]),
    ({"b": 1}.items(), [["b", 1]]),
    (Table({"b": 1}).keys(), ["b"]),
    (Table({"b": 1}).values(), [1]),
    (array.array("i", [1, 2]), [1, 2]),
    (collections.UserList([1]), [1]),
    (Rows([1, 2]), [1, 2]),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset({"b", "a"}), ["a", "b"]),
    ({decimal.Decimal(10), decimal.Decimal(9)}, ["9", "10"]),
    (Row(datetime.date(2024, 1, 2), {1}), {"when": "2024-01-02", "tags": [1]}),
    (AttrsLike(), {"a": 1, "b": [2]}),
    (PydanticLike(), {"at": "2024-01-02"}),
    (StructLike(), {"a": 1}),
    (NumpyScalar(3), 3),
    (NumpyArray([[1.5]]), [[1.5]]),
    (ordered(), {"a": 2, "b": 1}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (types.MappingProxyType({"a": (1,)}), {"a": [1]}),
    (Table({"a": (1,)}), {"a": [1]}),
    (collections.UserDict({"a": 1}), {"a": 1}),
    (generate(1, (2,)), [1, [2]]),
    (map(str, [1]), ["1"]),
    (ValueError("bad"), {"type": "ValueError", "message": "bad"}),
    ([KeyboardInterrupt()], [{"type": "KeyboardInterrupt", "message": ""}]),
    ({uuid.UUID(ID): 1, datetime.date(2024, 1, 2): 2, "é": 3}, {ID: 1, "2024-01-02": 2, "é": 3}),
    ([{"a": [{"b": ()}]}], [{"a": [{"b": []}]}]),
]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda each: each.name)
@pytest.mark.parametrize(("value", "expected"), SAME, ids=lambda each: str(type(each).__name__))
def test_values_that_every_wire_carries_the_same(value: Any, expected: Any, encoding: Encoding) -> None:
    if isinstance(value, (types.GeneratorType, map)):
        value = generate(*expected)
    assert_same(plain(value, encoding), expected)


def assert_same(actual: Any, expected: Any) -> None:
    """Equal in value and in type all the way down: 1 is not True, and a subclass is not its base."""
    assert type(actual) is type(expected)
    if type(actual) is dict:
        assert list(actual) == list(expected)
        for key, other in zip(actual, expected, strict=True):
            assert type(key) is type(other)
            assert_same(actual[key], expected[key])
    elif type(actual) is list:
        assert len(actual) == len(expected)
        for each, other in zip(actual, expected, strict=True):
            assert_same(each, other)
    else:
        assert actual == expected


REFUSED = NotPlainError
BIG = 2**31

# Value, over JSON-RPC, over XML-RPC, over ZeroMQ.
DIFFERENT: list[tuple[Any, Any, Any, Any]] = [
    (BIG - 1, BIG - 1, BIG - 1, BIG - 1),
    (-BIG, -BIG, -BIG, -BIG),
    (BIG, BIG, REFUSED, BIG),
    (-BIG - 1, -BIG - 1, REFUSED, -BIG - 1),
    (2**64 - 1, 2**64 - 1, REFUSED, 2**64 - 1),
    (2**64, 2**64, REFUSED, REFUSED),
    (-(2**63), -(2**63), REFUSED, -(2**63)),
    (-(2**63) - 1, -(2**63) - 1, REFUSED, REFUSED),
    (10**5000, REFUSED, REFUSED, REFUSED),
    (Number(BIG), BIG, REFUSED, BIG),
    ([BIG] * 20, [BIG] * 20, REFUSED, [BIG] * 20),
    (float("inf"), "Infinity", float("inf"), float("inf")),
    (float("-inf"), "-Infinity", float("-inf"), float("-inf")),
    ([float("inf")] * 20, ["Infinity"] * 20, [float("inf")] * 20, [float("inf")] * 20),
    (b"\x00\xff", "AP8=", b"\x00\xff", b"\x00\xff"),
    (Blob(b"\x00\xff"), "AP8=", b"\x00\xff", b"\x00\xff"),
    (bytearray(b"\x00\xff"), "AP8=", b"\x00\xff", b"\x00\xff"),
    (memoryview(b"\x00\x01\xff")[::2], "AP8=", b"\x00\xff", b"\x00\xff"),
    ("a\x01b", "a\x01b", REFUSED, "a\x01b"),
    ("a\x7f\t\r\n", "a\x7f\t\r\n", "a\x7f\t\r\n", "a\x7f\t\r\n"),
    ("a\uffff", "a\uffff", REFUSED, "a\uffff"),
    ({"a\x01": 1}, {"a\x01": 1}, REFUSED, {"a\x01": 1}),
    ("\ud800", REFUSED, REFUSED, REFUSED),
    ({"\ud800": 1}, REFUSED, REFUSED, REFUSED),
    (pathlib.PurePosixPath("\udcff"), REFUSED, REFUSED, REFUSED),
    ({1: 2, 2**40: 3}, {"1": 2, "1099511627776": 3}, {"1": 2, "1099511627776": 3}, {1: 2, 2**40: 3}),
    ({1.5: 2}, {"1.5": 2}, {"1.5": 2}, {1.5: 2}),
    ({float("inf"): 2}, {"Infinity": 2}, {"Infinity": 2}, {float("inf"): 2}),
    ({Level.LOW: 2}, {"1": 2}, {"1": 2}, {1: 2}),
    ({datetime.timedelta(seconds=2): 2}, {"2.0": 2}, {"2.0": 2}, {2.0: 2}),
    ({None: 1}, REFUSED, REFUSED, {None: 1}),
    ({True: 1}, REFUSED, REFUSED, {True: 1}),
    ({b"a": 1}, REFUSED, REFUSED, {b"a": 1}),
    ({Blob(b"a"): 1}, REFUSED, REFUSED, {b"a": 1}),
    ({(1, 2): 1}, REFUSED, REFUSED, REFUSED),
    ({frozenset(): 1}, REFUSED, REFUSED, REFUSED),
    ({2**70: 1}, {str(2**70): 1}, {str(2**70): 1}, REFUSED),
    ({1: "a", "1": "b"}, REFUSED, REFUSED, {1: "a", "1": "b"}),
    ({datetime.date(2024, 1, 2): 1, "2024-01-02": 2}, REFUSED, REFUSED, REFUSED),
    ({Colour.RED: 1, "red": 2}, REFUSED, REFUSED, REFUSED),
]


@pytest.mark.parametrize("case", DIFFERENT, ids=lambda case: type(case[0]).__name__)
@pytest.mark.parametrize("column", [1, 2, 3], ids=["json", "xml", "zmq"])
def test_values_that_depend_on_the_wire(case: tuple[Any, ...], column: int) -> None:
    encoding, value, expected = ENCODINGS[column - 1], case[0], case[column]
    if expected is REFUSED:
        with pytest.raises(NotPlainError):
            plain(value, encoding)
    else:
        assert_same(plain(value, encoding), expected)


@pytest.mark.parametrize(("encoding", "expected"), [(JSON, "NaN"), (XML, math.nan), (ZMQ, math.nan)])
def test_nan(encoding: Encoding, expected: Any) -> None:
    assert repr(plain([math.nan], encoding)) == repr([expected])


@pytest.mark.parametrize(
    "value", [10**5000, {None: {True: b"\x00"}}, "a\x01", float("inf"), {2**70: 10**5000}], ids=type
)
def test_without_a_wire_everything_plain_passes(value: Any) -> None:
    assert_same(plain(value, NATIVE), value)


@pytest.mark.parametrize(
    "value",
    [
        *(object(), len, generate, Row, Colour, int, math, threading.Lock(), LongDouble(1)),
        *(NotImplemented, Ellipsis, slice(1), types.SimpleNamespace(a=1), AttrsField("a")),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda each: each.name)
def test_what_has_no_plain_form(value: Any, encoding: Encoding) -> None:
    with pytest.raises(NotPlainError, match=r"^\$\.a\[1\]: no plain form for (type|class) \w+$"):
        plain({"a": [0, value]}, encoding)
    assert plain([value], encoding, use_repr=True) == [repr(value)]


def test_repr_is_for_what_has_no_form_alone() -> None:
    with pytest.raises(NotPlainError):
        plain(2**64, ZMQ, use_repr=True)


@pytest.mark.parametrize(
    ("value", "encoding", "message"),
    [
        (
            {"rows": [0, 0, 0, {"when": 2**32}]},
            XML,
            "$.rows[3].when: integer 4294967296 does not fit xmlrpc",
        ),
        (2**64, ZMQ, "integer 18446744073709551616 does not fit zmq"),
        ([1 << 9999], ZMQ, "$[0]: integer of 10000 bits does not fit zmq"),
        (Row([{Level.LOW}, object()]), ZMQ, "$.when[1]: no plain form for type object"),
        (generate(1, object), JSON, "$[1]: no plain form for class object"),
        ({"a b": {7: {"x": len}}}, ZMQ, "$['a b'][7].x: no plain form for type builtin_function_or_method"),
        ({"k" * 99: len}, JSON, f"$['{'k' * 36}...]: no plain form for type builtin_function_or_method"),
        ({"a": {None: 1}}, JSON, "$.a: a key of type NoneType does not fit jsonrpc"),
        ({"a": {2**64: 1}}, ZMQ, "$.a: a key: integer 18446744073709551616 does not fit zmq"),
        ({1: 1, "1": 2}, JSON, "two keys become '1'"),
        ({10**5000: len}, NATIVE, "$[integer of 16610 bits]: no plain form for type builtin_function_or_method"),
        (["é\ud800"], ZMQ, "$[0]: text with the lone surrogate U+D800 at index 1"),
        (["a\x01"], XML, "$[0]: text with the character U+0001 at index 1 does not fit xmlrpc"),
        ([iter(range(11))], ZMQ, "$[0]: more than 10 items (--max-items)"),
    ],
)
def test_the_error_names_path_and_reason(value: Any, encoding: Encoding, message: str) -> None:
    with pytest.raises(NotPlainError) as caught:
        plain(value, encoding, max_items=10)
    assert str(caught.value) == message
    assert message.startswith(f"{caught.value.path}: ") == (caught.value.path != "$")
