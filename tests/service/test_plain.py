"""Every kind of value over every kind of wire: its plain form, or an error that says where and why."""

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import math
import pathlib
import subprocess
import sys
import threading
import time
import types
import uuid
import xmlrpc.client
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpcctl.messages import NATIVE, Encoding
from rpcctl.service.plain import DEPTH, NotPlainError, plain

ZMQ = Encoding("zmq", int_bits=64)
JSON = Encoding("jsonrpc", binary=False, nan=False, any_key=False)
XML = Encoding("xmlrpc", int_bits=32, unsigned=False, any_key=False, control_characters=False)
ENCODINGS = (JSON, XML, ZMQ)


class Colour(enum.Enum):
    RED = "red"
    WHEN = datetime.date(2024, 1, 2)
    NESTED = (1, 2)


class Level(enum.IntEnum):
    LOW = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Text(str):
    def __str__(self) -> str:
        return "not me"


class Number(int):
    def __repr__(self) -> str:
        return "not me"


class Real(float):
    pass


class Blob(bytes):
    pass


class Rows(list[Any]):
    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("its own iteration is not asked")


Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Row:
    when: Any
    tags: Any = ()
    kind: ClassVar[str] = "row"


class AttrsField:
    def __init__(self, name: str) -> None:
        self.name = name


class AttrsTable(tuple[Any, ...]):
    pass


class AttrsLike:
    __attrs_attrs__ = AttrsTable((AttrsField("a"), AttrsField("b")))

    def __init__(self) -> None:
        self.a, self.b = 1, {2}


class PydanticLike:
    def model_dump(self) -> dict[str, Any]:
        return {"at": datetime.date(2024, 1, 2)}

    def __iter__(self) -> Iterator[Any]:
        yield "at", 1


class StructLike:
    __struct_fields__ = ("a",)

    def __init__(self) -> None:
        self.a = Level.LOW


class NumpyScalar:
    dtype = "int64"

    def __init__(self, value: Any) -> None:
        self.value = value

    def item(self) -> Any:
        return self.value


class NumpyArray(NumpyScalar):
    def tolist(self) -> Any:
        return self.value


class LongDouble(NumpyScalar):
    def item(self) -> Any:
        return self


class Table(Mapping[Any, Any]):
    def __init__(self, data: dict[Any, Any]) -> None:
        self._data = data

    def __getitem__(self, key: Any) -> Any:
        return self._data[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


class Endless(Sequence[int]):
    def __getitem__(self, index: Any) -> Any:
        return index

    def __len__(self) -> int:
        return 3


def generate(*values: Any) -> Iterator[Any]:
    yield from values


def ordered() -> dict[str, int]:
    made = collections.OrderedDict(b=1, a=2)
    made.move_to_end("b")
    return made


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
        (2**64, ZMQ, "$: integer 18446744073709551616 does not fit zmq"),
        ([1 << 9999], ZMQ, "$[0]: integer of 10000 bits does not fit zmq"),
        (Row([{Level.LOW}, object()]), ZMQ, "$.when[1]: no plain form for type object"),
        (generate(1, object), JSON, "$[1]: no plain form for class object"),
        ({"a b": {7: {"x": len}}}, ZMQ, "$['a b'][7].x: no plain form for type builtin_function_or_method"),
        ({"k" * 99: len}, JSON, f"$['{'k' * 36}...]: no plain form for type builtin_function_or_method"),
        ({"a": {None: 1}}, JSON, "$.a: a key of type NoneType does not fit jsonrpc"),
        ({"a": {2**64: 1}}, ZMQ, "$.a: a key: integer 18446744073709551616 does not fit zmq"),
        ({1: 1, "1": 2}, JSON, "$: two keys become '1'"),
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
    assert message.startswith(f"{caught.value.path}: ")


class TestLimits:
    def test_depth(self) -> None:
        def nest(levels: int) -> Any:
            value: Any = 1
            for level in range(levels):
                value = [value] if level % 2 else {"a": value}
            return value

        assert plain(nest(DEPTH), ZMQ) == nest(DEPTH)
        with pytest.raises(NotPlainError, match="more than 64 levels"):
            plain(nest(DEPTH + 1), ZMQ)

    def test_cycles(self) -> None:
        items: list[Any] = []
        items.append(items)
        pairs: dict[Any, Any] = {}
        pairs[1] = {"é": pairs}
        row = Row(None)
        row.tags = (row,)
        error = ValueError(items)
        for cycle in (items, pairs, row):
            with pytest.raises(NotPlainError, match="a cycle"):
                plain(cycle, ZMQ)
        assert plain(error, ZMQ) == {"type": "ValueError", "message": "[[...]]"}

    def test_an_object_that_stands_for_another_without_end(self) -> None:
        class Again:
            def model_dump(self) -> Any:
                return Twin()

        class Twin(Again):
            def model_dump(self) -> Any:
                return Again()

        with pytest.raises(NotPlainError, match="more than 64 levels"):
            plain(Again(), ZMQ)

    @pytest.mark.parametrize("value", [range(10**12), Endless(), Endless, iter(int, 1)], ids=str)
    def test_what_has_no_end(self, value: Any) -> None:
        with pytest.raises(NotPlainError, match="more than 20 items"):
            plain(value() if value is Endless else value, ZMQ, max_items=20)

    def test_as_many_items_as_allowed(self) -> None:
        assert plain(iter(range(20)), ZMQ, max_items=20) == list(range(20))
        assert plain(range(10_000)) == list(range(10_000))

    @pytest.mark.parametrize(
        "make", [list, tuple, set, collections.deque, dict.fromkeys, collections.OrderedDict.fromkeys]
    )
    def test_containers_in_memory_are_taken_whole(self, make: Any) -> None:
        assert len(plain(make(range(30)), ZMQ, max_items=20)) == 30

    def test_an_endless_items_method(self) -> None:
        class Lying(dict[Any, Any]):
            def items(self) -> Any:
                return ((n, n) for n in iter(lambda: len(self), None))

        with pytest.raises(NotPlainError, match="more than 20 items"):
            plain(Lying(), ZMQ, max_items=20)

    def test_many_dictionaries_within_each_other_cost_no_more_than_once_each(self) -> None:
        value: Any = 1
        for _ in range(DEPTH):
            value = {"a": value, "é": 1, 1: 2}
        for encoding in ENCODINGS:
            started = time.monotonic()
            plain(value, encoding)
            assert time.monotonic() - started < 1


class TestSharing:
    def test_no_container_is_shared(self) -> None:
        inner: list[Any] = [{"a": 1}]
        value = {"x": inner}
        made = plain(value, ZMQ)
        inner[0]["a"] = 2
        inner.append(1)
        value["y"] = []
        assert made == {"x": [{"a": 1}]}

    def test_the_value_given_is_not_changed(self) -> None:
        value = [(1,), {"a": {1}, "b": b"x"}]
        plain(value, JSON)
        assert value == [(1,), {"a": {1}, "b": b"x"}]

    def test_a_dictionary_that_is_changed_meanwhile(self) -> None:
        class Meddler:
            def model_dump(self) -> int:
                value.clear()
                return 1

        value: dict[Any, Any] = {"a": Meddler(), "b": Meddler(), 3: Meddler()}
        assert plain(value, ZMQ) == {"a": 1, "b": 1, 3: 1}


class Own(Exception):
    """What the user's code raises."""


class BadMeta(type):
    def __getattribute__(cls, name: str) -> Any:
        raise Own(name)


class Unhashable(type):
    def __eq__(cls, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Alike(type):
    def __eq__(cls, other: object) -> bool:
        return True

    def __hash__(cls) -> int:
        return 1


def raise_own(*args: Any, **kwargs: Any) -> Any:
    raise Own


def broken_objects() -> Iterator[Any]:
    bodies: dict[str, dict[str, Any]] = {
        "class": {"__class__": property(raise_own)},
        "getattribute": {"__getattribute__": raise_own},
        "getattr": {"__getattr__": raise_own},
        "everything": {"__getattr__": lambda self, name: self},
        "iter": {"__iter__": raise_own, "__next__": raise_own},
        "iter_of_nothing": {"__iter__": lambda self: 3, "__next__": raise_own},
        "no_next": {"__iter__": None, "__next__": None},
        "eq": {"__eq__": raise_own, "__hash__": raise_own},
        "dataclass": {"__dataclass_fields__": 3},
        "dataclass_fields": {"__dataclass_fields__": {"a": 3}},
        "attrs": {"__attrs_attrs__": 3},
        "attrs_names": {"__attrs_attrs__": (1, 2)},
        "struct": {"__struct_fields__": 3},
        "struct_unset": {"__struct_fields__": ("a",)},
        "model": {"model_dump": raise_own},
        "model_data": {"model_dump": 3},
        "dtype": {"dtype": 1, "tolist": raise_own, "item": raise_own},
        "dtype_data": {"dtype": 1, "item": 3},
        "length": {"__len__": raise_own, "__length_hint__": raise_own, "__bool__": raise_own},
        "str": {"__str__": raise_own, "__repr__": raise_own},
        "str_data": {"__str__": lambda self: 3, "__repr__": lambda self: 3},
    }
    bases: tuple[type, ...] = (object, dict, list, str, int, float, bytes, tuple, set, frozenset, ValueError)
    for name, body in bodies.items():
        for base in (*bases, collections.OrderedDict, decimal.Decimal, datetime.date, Mapping, Sequence, enum.Enum):
            yield from make_object(name, base, body)
    for meta in (BadMeta, Unhashable, Alike):
        yield from (object.__new__(type.__new__(meta, "Strange", (), dict(body))) for body in bodies.values())
    for abstract in (Mapping, Sequence, Iterator, collections.abc.Set, collections.abc.KeysView):
        virtual = type("Virtual", (), {})
        abstract.register(virtual)
        yield virtual()
    view = memoryview(b"abc")
    view.release()
    yield view


def make_object(name: str, base: type, body: dict[str, Any]) -> Iterator[Any]:
    try:
        kind: Any = type(name, (base,), dict(body))
        yield kind(2024, 1, 1) if base is datetime.date else kind()
    except (Own, TypeError, AttributeError):
        return  # Python itself makes no such object.


@pytest.mark.parametrize("encoding", [*ENCODINGS, NATIVE], ids=lambda each: each.name)
def test_broken_objects_raise_what_their_code_raises_or_are_refused(encoding: Encoding) -> None:
    seen = 0
    for value in broken_objects():
        for wrapped in (value, [value], {"a": value}):
            try:
                check_encodes(plain(wrapped, encoding, use_repr=seen % 2 == 1), encoding)
            except (NotPlainError, Own):
                pass
            seen += 1
    assert seen > 500


def test_the_exception_of_a_generator_passes() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise Own

    with pytest.raises(Own):
        plain({"a": failing()}, ZMQ)
    with pytest.raises(ValueError, match="invalid literal"):
        plain(map(int, ["x"]), ZMQ)


def test_a_field_that_was_never_set() -> None:
    row = Row(1)
    del row.when
    with pytest.raises(NotPlainError, match=r"^\$: the field when of Row is not set$"):
        plain(row)


def test_classes_that_their_metaclass_takes_for_equal() -> None:
    class First(metaclass=Alike):
        def model_dump(self) -> int:
            return 1

    class Second(metaclass=Alike):
        __struct_fields__ = ()

    assert plain([First(), Second(), First()]) == [1, {}, 1]


def check_encodes(value: Any, encoding: Encoding) -> None:
    """The encoders themselves accept it, and what they write is read back the same."""
    if encoding is ZMQ:
        packed = msgpack.packb(value)
        read = msgpack.unpackb(packed, strict_map_key=False)
    elif encoding is JSON:
        read = json.loads(json.dumps(value, allow_nan=False))
    elif encoding is XML:
        text = xmlrpc.client.dumps((value,), allow_none=True, methodresponse=True)
        read = xmlrpc.client.loads(text.replace("\r", "&#13;"), use_builtin_types=True)[0][0]
    else:
        return
    assert repr(read) == repr(value)


SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=5),
    st.binary(max_size=5),
    st.decimals().filter(lambda number: not number.is_snan()),
    st.fractions(),
    st.uuids(),
    st.datetimes(timezones=st.sampled_from([None, datetime.timezone.utc])),
    st.timedeltas(),
    st.complex_numbers(),
    st.sampled_from([*Colour, *Level, object(), Own("x"), len, int]),
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, max_size=4)
    return st.one_of(
        some,
        st.lists(inner, min_size=9, max_size=12),
        some.map(tuple),
        some.map(collections.deque),
        some.map(lambda items: generate(*items)),
        some.map(lambda items: Row(*items[:2]) if items else ()),
        st.sets(SCALARS, max_size=4),
        st.dictionaries(SCALARS, inner, max_size=4),
        st.dictionaries(SCALARS, inner, max_size=4).map(Table),
    )


@given(st.recursive(SCALARS, containers, max_leaves=12), st.booleans(), st.data())
def test_whatever_comes_out_the_encoders_take(value: Any, use_repr: bool, data: st.DataObject) -> None:
    encoding = data.draw(st.sampled_from(ENCODINGS))
    try:
        made = plain(value, encoding, use_repr=use_repr)
    except NotPlainError:
        return
    check_encodes(made, encoding)
    assert repr(plain(made, encoding)) == repr(made)


def test_speed_beside_a_recursive_copy() -> None:
    def copy(value: Any) -> Any:
        kind = type(value)
        if kind is list:
            return [copy(each) for each in value]
        return {key: copy(each) for key, each in value.items()} if kind is dict else value

    def measure(function: Any, value: Any) -> float:
        times = []
        for _ in range(5):
            started = time.perf_counter()
            function(value)
            times.append(time.perf_counter() - started)
        return min(times)

    numbers = list(range(50_000))
    rows = [{"id": n, "name": f"n{n}", "score": n / 2} for n in range(10_000)]
    for value in (numbers, rows):
        # Twice as long here; the rest is room for a busy machine.
        assert measure(lambda each: plain(each, ZMQ), value) < 6 * measure(copy, value)


def test_nothing_is_imported_for_types_that_are_not_there() -> None:
    code = (
        "import sys; from rpcctl.service.plain import plain;"
        "plain([1, {'a': (b'x', 1.5)}, {2}, object], use_repr=True);"
        "print(*{'decimal', 'uuid', 'fractions', 'pathlib', 'dataclasses', 'inspect', 'datetime'} & set(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


DATED = XML._replace(dates=True)
WHEN = datetime.datetime(2026, 1, 30, 14, 8, 55)


class Stamp(datetime.datetime):
    """A date of some library."""


def test_a_date_goes_as_one_where_the_wire_loses_nothing_of_it():
    for value in (WHEN, Stamp(2026, 1, 30, 14, 8, 55)):
        found = plain([value], DATED)
        assert found == [WHEN]
        assert type(found[0]) is datetime.datetime
        assert plain(value, XML) == "2026-01-30T14:08:55"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (WHEN.replace(microsecond=1), "2026-01-30T14:08:55.000001"),
        (WHEN.replace(tzinfo=datetime.timezone.utc), "2026-01-30T14:08:55+00:00"),
        (datetime.date(2026, 1, 30), "2026-01-30"),
    ],
)
def test_a_date_of_which_the_wire_would_lose_something_goes_as_text(value, text):
    assert plain(value, DATED) == text


def test_a_date_as_a_key_is_text():
    assert plain({WHEN: 1}, DATED) == {"2026-01-30T14:08:55": 1}
