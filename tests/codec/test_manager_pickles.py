"""Pickles read as data: whatever Python's own pickler writes, and what nobody should have written."""

import collections
import datetime
import decimal
import fractions
import os
import pickle
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpcctl.errors import RemoteProtocolError
from rpcctl.protocols.manager import forms
from rpcctl.protocols.manager.codec import read_call, read_reply
from rpcctl.protocols.manager.pickles import Made, RefusedError, read

PROTOCOLS = [3, 4, 5]
UTC = datetime.timezone.utc
SAME = [
    *(None, True, False, 0, -1, 255, 256, 65535, 65536, -(2**31), 2**31, 2**64, -(2**2000)),
    *(0.0, -0.0, 1.5, float("inf"), "", "é 漢", "x" * 300, b"", b"\x00\xff", b"x" * 300),
    *([], [1, [2, [3]]], {}, {"a": {"b": None}, 1: 2, None: 3, b"k": 4}, list(range(3000))),
]
FORMS: list[tuple[Any, Any]] = [
    # value at the peer, as it is read
    ((), []),
    ((1,), [1]),
    ((1, 2, 3, 4), [1, 2, 3, 4]),
    ({3, 1, 2}, [1, 2, 3]),
    ({"b", "a"}, ["a", "b"]),
    (frozenset({1}), [1]),
    (bytearray(b"ab"), b"ab"),
    (range(3), [0, 1, 2]),
    (1 + 2j, "(1+2j)"),
    (datetime.datetime(2024, 1, 31, 12, 30), "2024-01-31T12:30:00"),
    (datetime.datetime(2024, 1, 31, 12, 30, tzinfo=UTC), "2024-01-31T12:30:00+00:00"),
    (datetime.date(2024, 1, 31), "2024-01-31"),
    (datetime.time(12, 30, 0, 5), "12:30:00.000005"),
    (datetime.timedelta(days=1, milliseconds=1), 86400.001),
    (decimal.Decimal("1.50"), "1.50"),
    (fractions.Fraction(1, 3), "1/3"),
    (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    (collections.deque([1, 2], 5), [1, 2]),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(list, a=[1]), {"a": [1]}),
    ({(1, "a"): 1, (2,): 2, (): 3}, {"(1, 'a')": 1, "(2,)": 2, "()": 3}),
    ({uuid.UUID(int=5): datetime.date(2024, 1, 31)}, {"00000000-0000-0000-0000-000000000005": "2024-01-31"}),
    ([{1}, [{2}]], [[1], [[2]]]),
    ("\udce9", "\\udce9"),
]


def settled(data: bytes, allowed: Any = None) -> Any:
    return forms.settle(read(data, allowed, forms.settle))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("value", SAME, ids=lambda value: repr(value)[:20])
def test_plain_values_are_read_as_they_are(value, protocol):
    found = settled(pickle.dumps(value, protocol), forms.ALLOWED)
    assert found == value
    assert type(found) is type(value)
    assert repr(found) == repr(value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("value", "form"), FORMS, ids=[repr(row[0])[:30] for row in FORMS])
def test_other_values_get_their_plain_form(value, form, protocol):
    assert settled(pickle.dumps(value, protocol), forms.ALLOWED) == form


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@given(json_like, st.sampled_from(PROTOCOLS))
def test_whatever_is_plain_survives(value, protocol):
    expected = repr(value).encode("utf-8", "backslashreplace")
    assert repr(settled(pickle.dumps(value, protocol))).encode() == expected


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_read_and_nothing_else(data):
    try:
        read_call(data)
    except RemoteProtocolError:
        pass
    try:
        read_reply(data)
    except RemoteProtocolError:
        pass


@pytest.mark.parametrize("read_message", [read_call, read_reply])
def test_a_truncated_message_is_refused_at_every_byte(read_message):
    value: Any = ("rpcctl", "add", ([1, 2], "text"), {"a": b"x" * 300, "b": 2.5})
    data = pickle.dumps(value if read_message is read_call else ("#RETURN", value), 4)
    read_message(data)
    for length in range(len(data)):
        with pytest.raises(RemoteProtocolError):
            read_message(data[:length])


class Evil:
    """What it says runs when Python's own reader takes it in."""

    def __init__(self, maker: Any, *args: Any) -> None:
        self.reduced = maker, args

    def __reduce__(self) -> Any:
        return self.reduced


def evils(path: str) -> list[Any]:
    """Values that would make the file."""
    return [
        Evil(os.mkdir, path),
        Evil(eval, f"__import__('os').mkdir({path!r})"),
        Evil(getattr, "text", "upper"),
        Evil(exec, f"import os; os.mkdir({path!r})"),
        {"nested": [Evil(os.mkdir, path)]},
    ]


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_that_a_pickle_says_is_run(tmp_path, number, protocol):
    path = str(tmp_path / "made")
    evil = evils(path)[number]
    with pytest.raises(RefusedError, match="is refused"):
        read_call(pickle.dumps(("rpcctl", "echo", (evil,), {}), protocol))
    kind, value = read_reply(pickle.dumps(("#RETURN", evil), protocol))
    assert kind == "#RETURN"
    assert "class" in repr(value)
    assert not os.path.exists(path)


NESTED = b"]" * 200 + b"a" * 199
BAD = [
    # what is wrong, the pickle
    ("a deep tuple as a key", b"\x80\x04})" + b"\x85" * 1_000_000 + b"K\x01s."),
    ("a list as a key", b"\x80\x04}]]aK\x01s."),
    ("nested too deeply", b"\x80\x04" + NESTED + b"."),
    ("nested tuples", b"\x80\x04)" + b"\x85" * 200 + b"."),
    ("a list in itself", b"\x80\x04]\x94h\x00a."),
    ("a billion laughs", b"\x80\x04]\x94" + b"".join(b"](h%ch%ce\x94" % (n, n) for n in range(60)) + b"."),
    ("a long text many times", b"\x80\x04X\x00\x00\x10\x00" + b"x" * 0x100000 + b"\x94](" + b"h\x00" * 300 + b"e."),
    ("a long range", pickle.dumps(range(10**9), 4)),
    ("a long integer", b"\x80\x04\x8b\x00\x10\x00\x00" + b"\x01" * 0x1000 + b"."),
    ("a text beyond the end", b"\x80\x04X\xff\xff\xff\x7fabc."),
    ("bytes beyond the end", b"\x80\x04\x8e" + b"\xff" * 8 + b"abc."),
    ("no such opcode", b"\x80\x04\xfe."),
    ("text of protocol 0", b"S'abc'\n."),
    ("an empty stack", b"\x80\x04."),
    ("a pop too many", b"\x80\x04000."),
    ("no mark", b"\x80\x04t."),
    ("the memo's holes", b"\x80\x04h\x05."),
    ("a state for a list", b"\x80\x04]Nb."),
    ("a call of a text", b"\x80\x04\x8c\x01a)R."),
    ("a call of what was made", b"\x80\x04cdecimal\nDecimal\n)R)R."),
    ("a decimal of nothing", b"\x80\x04cdecimal\nDecimal\n)R."),
    ("a fraction's exponent", b"\x80\x04cfractions\nFraction\n(K\x01)K\x02tR."),
    ("a date that is none", b"\x80\x04cdatetime\ndate\n\x8c\x01x\x85R."),
    ("a UUID without number", b"\x80\x04cuuid\nUUID\n)\x81}b."),
    ("a class by number", b"\x80\x04\x82\x01."),
    ("a persistent object", b"\x80\x04NQ."),
    ("an extra buffer", b"\x80\x05\x97."),
]


@pytest.mark.parametrize("data", [row[1] for row in BAD], ids=[row[0] for row in BAD])
def test_what_nobody_should_write_is_refused(data):
    with pytest.raises(RemoteProtocolError):
        settled(data, forms.ALLOWED)


def test_an_unknown_object_is_told_by_what_it_was_made_from():
    data = b"\x80\x04cshop\nCart\n)\x81}X\x05\x00\x00\x00totalK\x03sb."
    assert settled(data) == {"class": "shop.Cart", "state": {"total": 3}}
    assert settled(b"\x80\x04cshop\nCart\nK\x07\x85R.") == {"class": "shop.Cart", "args": [7]}
    assert settled(b"\x80\x04cshop\nCart\n.") == "shop.Cart"
    assert settled(b"\x80\x04cbuiltins\nint\n.") == "int"
    assert type(read(b"\x80\x04cshop\nCart\n.")) is Made


def test_shared_values_are_read_wherever_they_are_named():
    rows = [{"name": "x"}] * 3
    assert settled(pickle.dumps(rows, 4)) == rows
    made = uuid.UUID(int=1)
    assert settled(pickle.dumps([made, made], 4)) == [str(made)] * 2


def test_it_is_shown_as_the_call_that_makes_it():
    assert repr(read(pickle.dumps(IndexError("out of range"), 4))) == "builtins.IndexError('out of range')"
    assert repr(read(b"\x80\x04cshop\nCart\n.")) == "shop.Cart"
