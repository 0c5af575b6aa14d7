"""Every conversion that a hint asks for, and all the values that go on as they are."""

import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import sys
import typing
import uuid
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, NewType, Optional, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpcctl.messages import Encoding
from rpcctl.service.coerce import converter
from rpcctl.service.plain import plain

JSON = Encoding("jsonrpc", binary=False, nan=False, any_key=False)
DAY = datetime.date(2024, 1, 31)
ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
Birthday = NewType("Birthday", datetime.date)


class Colour(enum.Enum):
    RED = "red"
    SIZE = (1, 2)
    WHEN = DAY
    BLUE = 0


class Action(enum.Enum):
    STOP = object()
    GO = ...


class Level(enum.IntEnum):
    NONE = 0
    LOW = 1


@dataclasses.dataclass
class Row:
    day: datetime.date
    tags: set[str] = dataclasses.field(default_factory=set)
    next: "Row | None" = None
    kind: ClassVar[str] = "row"


@dataclasses.dataclass
class Seeded:
    seed: dataclasses.InitVar[datetime.date]
    day: datetime.date = dataclasses.field(init=False)

    def __post_init__(self, seed: datetime.date) -> None:
        self.day = seed


@dataclasses.dataclass
class Checked:
    n: int

    def __post_init__(self) -> None:
        if self.n < 0:
            raise ValueError("n is negative")


@dataclasses.dataclass
class Unresolved:
    day: "Missing"  # type: ignore[name-defined] # noqa: F821


class Quacking(typing.Protocol):
    def quack(self) -> None: ...


class Span(NamedTuple):
    start: datetime.date
    days: int = 1


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (datetime.datetime, "2024-01-31T12:30:00", datetime.datetime(2024, 1, 31, 12, 30)),
        (
            datetime.datetime,
            "2024-01-31T12:30:00.000001+01:00",
            datetime.datetime(2024, 1, 31, 12, 30, 0, 1, datetime.timezone(datetime.timedelta(hours=1))),
        ),
        (
            datetime.datetime,
            "2024-01-31T12:30:00Z",
            datetime.datetime(2024, 1, 31, 12, 30, tzinfo=datetime.timezone.utc),
        ),
        (datetime.date, "2024-01-31", DAY),
        (datetime.time, "12:30:00", datetime.time(12, 30)),
        (datetime.timedelta, 1.5, datetime.timedelta(seconds=1.5)),
        (datetime.timedelta, 2, datetime.timedelta(seconds=2)),
        (decimal.Decimal, "1.10", decimal.Decimal("1.10")),
        (decimal.Decimal, 3, decimal.Decimal(3)),
        (decimal.Decimal, 12.5, decimal.Decimal("12.5")),
        (fractions.Fraction, "1/3", fractions.Fraction(1, 3)),
        (uuid.UUID, str(ID), ID),
        (pathlib.Path, "/a", pathlib.Path("/a")),
        (pathlib.PurePosixPath, "/a", pathlib.PurePosixPath("/a")),
        (complex, "(1+2j)", 1 + 2j),
        (bytes, "AP8=", b"\x00\xff"),
        (bytes, "", b""),
        (bytearray, "AP8=", bytearray(b"\x00\xff")),
        (bytearray, b"\x00", bytearray(b"\x00")),
        (float, 3, 3.0),
        (float, "Infinity", float("inf")),
        (float, "-Infinity", float("-inf")),
        (Colour, "red", Colour.RED),
        (Colour, "RED", Colour.RED),
        (Colour, 0, Colour.BLUE),
        (Colour, [1, 2], Colour.SIZE),
        (Colour, "2024-01-31", Colour.WHEN),
        (Action, "GO", Action.GO),
        (Level, 1, Level.LOW),
        (Level, 0, Level.NONE),
        (set, [1, 1], {1}),
        (set[datetime.date], ["2024-01-31"], {DAY}),
        (typing.Set[datetime.date], ["2024-01-31"], {DAY}),  # noqa: UP006
        (AbstractSet[int], [1], {1}),
        (frozenset, [1], frozenset({1})),
        (frozenset[tuple[int, int]], [[1, 2]], frozenset({(1, 2)})),
        (deque[int], [1, 2], deque([1, 2])),
        (tuple, [1, [2]], (1, [2])),
        (tuple[datetime.date, int], ["2024-01-31", 1], (DAY, 1)),
        (tuple[datetime.date, ...], ["2024-01-31"] * 2, (DAY, DAY)),
        (tuple[datetime.date], ["2024-01-31", "x"], (DAY, "x")),
        (tuple[datetime.date, int], ["2024-01-31"], (DAY,)),
        (list[datetime.date], ["2024-01-31"], [DAY]),
        (Sequence[datetime.date], ["2024-01-31"], [DAY]),
        (Iterable[set[int]], [[1]], [{1}]),
        (dict[str, datetime.date], {"a": "2024-01-31"}, {"a": DAY}),
        (dict[uuid.UUID, float], {str(ID): 1}, {ID: 1.0}),
        (Mapping[str, set[int]], {"a": [1]}, {"a": {1}}),
        (Row, {"day": "2024-01-31", "tags": ["a"]}, Row(DAY, {"a"})),
        (Row, {"day": "2024-01-31", "next": {"day": "2024-01-31"}}, Row(DAY, next=Row(DAY))),
        (list[Row], [{"day": "2024-01-31"}], [Row(DAY)]),
        (Span, ["2024-01-31", 2], Span(DAY, 2)),
        (Span, ["2024-01-31"], Span(DAY, 1)),
        (Optional[datetime.date], "2024-01-31", DAY),  # noqa: UP045
        (datetime.date | None, "2024-01-31", DAY),
        (datetime.date | None, None, None),
        (float | None, 3, 3.0),
        (datetime.date | datetime.datetime, "2024-01-31T12:30:00", datetime.datetime(2024, 1, 31, 12, 30)),
        (Union[uuid.UUID, int], 3, 3),  # noqa: UP007
        (list[datetime.date] | datetime.date, "2024-01-31", DAY),
        (list[datetime.date] | datetime.date, ["2024-01-31"], [DAY]),
        (Sequence[datetime.date] | datetime.date, "2024-01-31", DAY),
        (Literal["today"] | datetime.date, "2024-01-31", DAY),
        (Literal["today"] | datetime.date, "today", "today"),
        (Span | Row, {"day": "2024-01-31"}, Row(DAY)),
        (Annotated[datetime.date, "doc"], "2024-01-31", DAY),
        (Birthday, "2024-01-31", DAY),
    ],
    ids=repr,
)
def test_what_is_converted(hint: Any, value: Any, expected: Any) -> None:
    convert = converter(hint)
    assert convert is not None
    made = convert(value)
    assert (made, type(made)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (datetime.date, 3),
        (datetime.date, DAY),
        (datetime.date, None),
        (datetime.timedelta, "1"),
        (datetime.timedelta, True),
        (decimal.Decimal, True),
        (uuid.UUID, ID),
        (bytes, b"AP8="),
        (bytes, 3),
        (float, "3"),
        (float, "nan"),
        (float, 1.5),
        (float, True),
        (complex, 1),
        (Colour, Colour.RED),
        (set, "abc"),
        (set[int], {"a": 1}),
        (tuple[int, ...], "ab"),
        (list[datetime.date], "ab"),
        (dict[str, datetime.date], [1]),
        (Row, Row(DAY)),
        (Row, [1]),
        (Span, Span(DAY)),
        (str | datetime.date, "2024-01-31"),
        (int | float, 3),
        (bytes | str, "AP8="),
        (Union[Any, datetime.date], "2024-01-31"),  # noqa: UP007
        (Union[typing.TypeVar("T"), datetime.date], "2024-01-31"),  # noqa: UP007
        (Union[Quacking, datetime.date], "2024-01-31"),  # noqa: UP007
        (set[int] | list[int], [1]),
        (datetime.date | None, 3),
    ],
    ids=repr,
)
def test_what_goes_on_as_it_is(hint: Any, value: Any) -> None:
    convert = converter(hint)
    assert convert is not None
    assert convert(value) is value


@pytest.mark.parametrize(
    "hint",
    [
        *(int, bool, str, object, Any, None, type(None), list, dict, list[int], dict[str, Any], Sequence[str]),
        *(int | None, Optional[str], int | str, Literal["a"], NewType("N", int), Annotated[int, 1], type[int]),  # noqa: UP045
        *("text", 3, {}, [], ..., typing.TypeVar("T"), typing.ForwardRef("X"), typing.Callable[[int], int], len),
        *(Mapping[str, Any], Iterable[Any], NotImplemented),
    ],
    ids=repr,
)
def test_hints_that_never_need_a_conversion(hint: Any) -> None:
    assert converter(hint) is None


def test_an_annotation_that_breaks_is_no_hint() -> None:
    class Broken:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError

        __hash__ = None  # type: ignore[assignment]

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError

    assert converter(Broken()) is None


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (datetime.date, "x", "'x' is no date: write it as 2024-01-31"),
        (datetime.date, "x" * 99, f"'{'x' * 56}... is no date: write it as 2024-01-31"),
        (datetime.datetime, "x", "'x' is no datetime: write it as 2024-01-31T12:30:00"),
        (datetime.time, "25:00", "'25:00' is no time: write it as 12:30:00"),
        (datetime.timedelta, 1e300, "1e+300 is no timedelta: write it as a number of seconds"),
        (decimal.Decimal, "x", "'x' is no Decimal: write it as 12.50"),
        (fractions.Fraction, "1/0", "'1/0' is no Fraction: write it as 3/4"),
        (fractions.Fraction, "1e999999999", "'1e999999999' is no Fraction: write it as 3/4"),
        (uuid.UUID, "x", "'x' is no UUID: write it as 00000000-0000-0000-0000-000000000000"),
        (complex, "x", "'x' is no complex: write it as 1+2j"),
        (bytes, "zz?", "'zz?' is no bytes: write it as base64"),
        (bytes, "é", "'é' is no bytes: write it as base64"),
        (float, 10**400, "the int is no float: write it as a number of at most 308 digits"),
        (Level, "x", "'x' is no Level: write it as one of NONE, LOW"),
        (Colour, {}, "the dict is no Colour: write it as one of RED, SIZE, WHEN, BLUE"),
        (set, [[]], "the list cannot be a set: unhashable type: 'list'"),
        (set[datetime.date], ["2024-01-31", "x"], "item 1: 'x' is no date: write it as 2024-01-31"),
        (tuple[int, datetime.date], [1, "x"], "item 1: 'x' is no date: write it as 2024-01-31"),
        (dict[str, datetime.date], {"a": "x"}, "item 'a': 'x' is no date: write it as 2024-01-31"),
        (dict[uuid.UUID, int], {"x": 1}, "key 'x': 'x' is no UUID: write it as 00000000-0000-0000-0000-000000000000"),
        (Row, {"day": "x"}, "field 'day': 'x' is no date: write it as 2024-01-31"),
        (Row | None, {"day": "x"}, "field 'day': 'x' is no date: write it as 2024-01-31"),
        (Span, ["x"], "field 'start': 'x' is no date: write it as 2024-01-31"),
        (datetime.date | uuid.UUID, "x", "'x' is no date: write it as 2024-01-31"),
        (Checked, {"n": -1}, "n is negative"),
    ],
    ids=repr,
)
def test_what_has_no_such_meaning(hint: Any, value: Any, message: str) -> None:
    convert = converter(hint)
    assert convert is not None
    with pytest.raises(ValueError, match=r"\w") as caught:
        convert(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("hint", "value", "part"),
    [
        (Row, {}, "the dict is no Row: .*missing 1 required positional argument: 'day'"),
        (Row, {"day": "2024-01-31", "what": 1}, "the dict is no Row: .*unexpected keyword argument 'what'"),
        (Row, {1: 2}, "the dict is no Row: keywords must be strings"),
        (Span, [], "the list is no Span: .*missing 1 required positional argument: 'start'"),
        (Span, ["2024-01-31", 1, 2], "the list is no Span: .*takes from 2 to 3 positional arguments but 4 were given"),
    ],
)
def test_fields_that_do_not_fit(hint: Any, value: Any, part: str) -> None:
    convert = converter(hint)
    assert convert is not None
    with pytest.raises(ValueError, match=part):
        convert(value)


def test_nan() -> None:
    convert = converter(float)
    assert convert is not None
    assert repr(convert("NaN")) == "nan"


def test_an_init_only_field() -> None:
    convert = converter(Seeded)
    assert convert is not None
    assert convert({"seed": "2024-01-31"}).day == DAY


def test_fields_whose_hints_cannot_be_had_stay_plain() -> None:
    convert = converter(Unresolved)
    assert convert is not None
    assert convert({"day": "2024-01-31"}) == Unresolved("2024-01-31")


def test_a_deep_hint() -> None:
    hint: Any = datetime.date
    value: Any = "2024-01-31"
    expected: Any = DAY
    for _ in range(50):
        hint, value, expected = list[hint] | None, [value], [expected]
    convert = converter(hint)
    assert convert is not None
    assert convert(value) == expected


if sys.version_info >= (3, 12):

    def test_type_statements() -> None:
        space: dict[str, Any] = {}
        exec("import datetime\ntype Day = datetime.date\ntype Tree = list[Tree] | Day", space)
        day, tree = converter(space["Day"]), converter(space["Tree"])
        assert day is not None
        assert tree is not None
        assert day("2024-01-31") == DAY
        assert tree(["2024-01-31", [[[["2024-01-31"]]]]]) == [DAY, [[[[DAY]]]]]


ROUND_TRIPS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (datetime.datetime, st.datetimes(timezones=st.sampled_from([None, datetime.timezone.utc]))),
    (datetime.date, st.dates()),
    (datetime.time, st.times()),
    (datetime.timedelta, st.integers(-(10**9), 10**9).map(lambda n: datetime.timedelta(milliseconds=n))),
    (decimal.Decimal, st.decimals(allow_nan=False)),
    (fractions.Fraction, st.fractions()),
    (uuid.UUID, st.uuids()),
    (complex, st.complex_numbers(allow_nan=False)),
    (float, st.floats(allow_nan=False)),
    (bytes, st.binary()),
    (Colour, st.sampled_from(Colour)),
    (set[bytes], st.sets(st.binary())),
    (tuple[datetime.date, ...], st.lists(st.dates()).map(tuple)),
    (dict[datetime.date, Colour], st.dictionaries(st.dates(), st.sampled_from(Colour))),
    (Row, st.builds(Row, st.dates(), st.sets(st.text(st.characters(exclude_categories=["Cs"]))))),
    (Span | None, st.none() | st.builds(Span, st.dates(), st.integers(1, 9))),
]


@given(st.data())
def test_what_plain_makes_is_made_back(data: st.DataObject) -> None:
    hint, values = data.draw(st.sampled_from(ROUND_TRIPS))
    value = data.draw(values)
    convert = converter(hint)
    assert convert is not None
    assert convert(plain(value, JSON)) == value
