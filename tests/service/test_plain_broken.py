"""Objects that break when they are looked at; and whatever comes out, the encoders take."""

import collections
import datetime
import decimal
import enum
import json
import xmlrpc.client
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpcctl.messages import NATIVE, Encoding
from rpcctl.service.plain import NotPlainError, plain
from tests.service.values import ENCODINGS, JSON, XML, ZMQ, Colour, Level, Row, Table, generate


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
    with pytest.raises(NotPlainError, match=r"^the field when of Row is not set$"):
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
