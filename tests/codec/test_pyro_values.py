"""Values in Pyro's serializers, beside the libraries that stock peers write and read them with."""

import ast
import json
import math

import msgpack
import pytest
import serpent
from hypothesis import given
from hypothesis import strategies as st
from Pyro5.serializers import serializers

from rpcctl.errors import LocalProtocolError, RemoteProtocolError
from rpcctl.protocols.pyro import literals
from rpcctl.protocols.pyro.encodings import BY_NAME, JSON, MSGPACK, SERPENT, marshalled_text
from rpcctl.protocols.pyro.literals import LiteralError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
TEXT_KEYS_ONLY = PLAIN.filter(lambda value: "data" not in str(value))


@given(PLAIN)
def test_serpent_there_and_back(value):
    assert literals.read(literals.write(value)) == value


@given(PLAIN)
def test_serpent_reads_what_we_write_and_we_read_what_it_writes(value):
    assert serpent.loads(literals.write(value)) == serpent.loads(serpent.dumps(value))
    assert literals.read(serpent.dumps(value)) == value
    assert literals.read(serpent.dumps(value, indent=True, bytes_repr=True)) == value


STOCK = [
    {1, 2},
    frozenset({"a"}),
    (1,),
    (1, (2, ())),
    1 + 2j,
    -1.5 - 0.5j,
    complex(math.inf, 1),
    {(1, "a"): [None], 2: True, 1.5: 1.5},
    2**200,
    -(2**70),
    1e300,
    -0.0,
    math.inf,
    -math.inf,
    "quotes ' and \" and \\ and \n\t\r\x00\x1b\x7f\ud800",
    "é 漢 \U0001f600",
]


@pytest.mark.parametrize("value", STOCK, ids=repr)
@pytest.mark.parametrize("indent", [False, True])
def test_what_only_stock_clients_send(value, indent):
    assert literals.read(serpent.dumps(value, indent=indent)) == value


def test_what_has_no_literal():
    assert math.isnan(literals.read(serpent.dumps(math.nan)))
    assert math.isnan(literals.read(literals.write(math.nan)))
    assert literals.read(serpent.dumps(set())) == ()
    found = literals.read(serpent.dumps(complex(math.nan, 1)))
    assert math.isnan(found.real)
    assert found.imag == 1
    assert literals.read(b"{'data': 'not base64!', 'encoding': 'base64'}") == {
        "data": "not base64!",
        "encoding": "base64",
    }


@pytest.mark.parametrize(
    "text", ["[1, 2,]", " ( 1 , ) ", "(1)", "{1: 2,}", "{}", "[]", '"a"', "b'\\x00\\xff'", "-1.5e3", ".5", "1.", "-2j"]
)
def test_literals_as_python_reads_them(text):
    assert literals.read(text.encode()) == ast.literal_eval(text.strip())


NO_LITERALS = [
    "",
    "# only a comment",
    "1 2",
    "[1",
    "(1, 2",
    "{1: 2",
    "{1:}",
    "{1: 2, 3}",
    "{[]: 1}",
    "{{}}",
    "]",
    ",",
    "(,)",
    "[,]",
    "'open",
    "'a\\",
    "b'\\u0101'",
    "'\\U00110000'",
    "name",
    "Nonesuch",
    "f()",
    "1 + 1",
    "--1",
    "1e",
    "9" * 5000,
    "__import__('os')",
    "lambda: 1",
    "{'__class__':'complex','real':'x','imag':1}",
    "[" * 201 + "]" * 201,
    "[" * 1_000_000,
    "-" * 1_000_000,
    "{1:" * 1_000_000,
]


@pytest.mark.parametrize("text", NO_LITERALS, ids=lambda text: text[:20])
def test_what_is_no_literal(text):
    with pytest.raises(LiteralError):
        literals.read(text.encode())


def test_a_literal_cut_anywhere_is_none():
    data = literals.write({"a": [1, -2.5, None, "t\\'x", b"b"], "b": {"c": (True,)}})
    whole = data.index(b"{")
    for end in range(whole + 1, len(data)):
        with pytest.raises(LiteralError):
            literals.read(data[:end])


@given(st.text(alphabet="()[]{}:,'\"\\bjeE+-.0123456789 NoneTrue#\n\x00é"))
def test_any_text_is_a_value_or_an_error(text):
    try:
        literals.read(text.encode())
    except LiteralError:
        pass


@pytest.mark.parametrize(
    "value", [object(), {b"x": 1}, {(1,): 1}, {1}, 1j, 10**5000], ids=lambda value: type(value).__name__
)
def test_what_cannot_be_written(value):
    with pytest.raises(LiteralError):
        literals.write(value)


def test_what_contains_itself_cannot_be_written():
    value: list[object] = []
    value.append(value)
    for coding in BY_NAME.values():
        with pytest.raises(LocalProtocolError):
            coding.dump(value)


@pytest.mark.parametrize("coding", BY_NAME.values(), ids=BY_NAME)
@given(value=TEXT_KEYS_ONLY)
def test_stock_serializers_read_what_we_write(coding, value):
    try:
        data = coding.dump(value)
    except LocalProtocolError:
        assert coding is JSON
        return
    stock = serializers[coding.name].loads(data)
    if coding is not SERPENT:
        assert stock == value
    assert coding.load(data) == value


@pytest.mark.parametrize("coding", BY_NAME.values(), ids=BY_NAME)
def test_calls_as_stock_peers_write_and_read_them(coding):
    stock = serializers[coding.name]
    ours = coding.load_call(stock.dumpsCall("obj", "add", (1, "b"), {"c": None}))
    assert ours == ("obj", "add", (1, "b"), {"c": None})
    name, method, args, kwargs = stock.loadsCall(coding.dump_call("obj", "add", (1, "b"), {"c": None}))
    assert (name, method, list(args), kwargs) == ("obj", "add", [1, "b"], {"c": None})
    assert coding.load_call(stock.dumpsCall("obj", "__getattr__", ("a",), None)).kwargs == {}


NO_CALLS = [[], [1, 2, 3], ["o", "m", [], {}, 1], [1, "m", [], {}], ["o", 1, [], {}], ["o", "m", "x", {}], 5, None]
NO_CALLS += [["o", "m", [], []], ["o", "m", [], {1: 2}], {"object": "o"}, ["o", "m", None, {}]]


@pytest.mark.parametrize("value", NO_CALLS, ids=repr)
def test_what_is_no_call(value):
    with pytest.raises(RemoteProtocolError, match="no call"):
        MSGPACK.load_call(msgpack.packb(value))


@pytest.mark.parametrize("coding", BY_NAME.values(), ids=BY_NAME)
@given(data=st.binary(max_size=100))
def test_garbage_is_a_protocol_error(coding, data):
    try:
        coding.load_call(data)
    except RemoteProtocolError:
        pass


@pytest.mark.parametrize("name", ["json", "msgpack"])
def test_nesting_does_no_harm(name):
    deep = b"[" * 1_000_000 if name == "json" else b"\x91" * 1_000_000
    with pytest.raises(RemoteProtocolError):
        BY_NAME[name].load(deep)


@pytest.mark.parametrize("value", [2**64, -(2**100), 1 + 2j])
def test_types_of_pyros_own_in_msgpack(value):
    assert MSGPACK.load(serializers["msgpack"].dumps(value)) == value
    if type(value) is int:
        assert serializers["msgpack"].loads(MSGPACK.dump(value)) == value


def test_times_and_days_in_msgpack():
    from datetime import date, datetime

    stock = serializers["msgpack"]
    for value in (datetime(2026, 1, 30, 14, 8, 55, 5000), date(2026, 1, 30)):
        assert MSGPACK.load(stock.dumps(value)) == value
    assert MSGPACK.load(msgpack.packb(msgpack.ExtType(5, b"x"))) == msgpack.ExtType(5, b"x")


@pytest.mark.parametrize("coding", BY_NAME.values(), ids=BY_NAME)
def test_a_result_that_would_be_taken_for_an_object_is_refused(coding):
    with pytest.raises(LocalProtocolError, match="'__class__'"):
        coding.dump_result([{"a": {"__class__": "builtins.open"}}])
    assert coding.load(coding.dump_result("not a key: __class__")) == "not a key: __class__"


def test_the_text_of_a_refusal_in_marshal():
    import marshal

    for text in ("no free workers, increase server threadpool size", "x" * 300, "é", ""):
        assert marshalled_text(marshal.dumps(text)) == text
    for data in (b"", b"z", b"i\0\0", b"u\xff\xff\xff\xff"):
        assert marshalled_text(data) == ""


def test_json_is_as_compact_as_it_can_be_and_utf_8():
    assert JSON.dump({"a": ["é", 1]}) == '{"a":["é",1]}'.encode()
    assert json.loads(JSON.dump_call("o", "m", (1,), None)) == {
        "object": "o",
        "method": "m",
        "params": [1],
        "kwargs": None,
    }
