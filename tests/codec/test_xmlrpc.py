"""XML-RPC's messages to bytes and back: the table of cases, and the standard library as the other reader and writer."""

import queue
import time
import xmlrpc.client
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpcctl.errors import LocalProtocolError, RemoteProtocolError
from rpcctl.interfaces import Settings
from rpcctl.messages import Failure
from rpcctl.protocols.xmlrpc import codec, faults
from rpcctl.protocols.xmlrpc.calls import Exchange
from rpcctl.protocols.xmlrpc.reader import Fault, Limits, MalformedError
from rpcctl.service.dispatch import Service
from rpcctl.service.executor import Inline
from rpcctl.service.methods import Method

from .xmlrpc_cases import CASES, METHODS, body_of, check

PURE = [case for case in CASES if case["expect"] is not None]


def answer(body: bytes, methods: dict[str, Any] = METHODS, **settings: Any) -> bytes:
    """What a server of the methods answers to a body."""
    service = Service({name: Method(name, function) for name, function in methods.items()}, name="tests")
    answers: queue.Queue[bytes] = queue.Queue()
    Exchange(service.dispatch, Inline(), Settings(**settings)).take(body, "test", answers.put)
    return answers.get(timeout=10)


def call(method: str, *args: Any, methods: dict[str, Any] = METHODS, **settings: Any) -> Any:
    """The value that a call gives, as the standard library reads it; raises its Fault."""
    body = xmlrpc.client.dumps(args, method, allow_none=True).encode()
    (value,), _ = xmlrpc.client.loads(answer(body, methods, **settings), use_builtin_types=True)
    return value


@pytest.mark.parametrize("case", PURE, ids=[case["name"] for case in PURE])
def test_the_table_of_cases(case):
    began = time.monotonic()
    check(case, answer(body_of(case)))
    assert time.monotonic() - began < case.get("max_seconds", 10)


TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from("\t\n\r")
)
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.binary()
    | st.datetimes(min_value=datetime(1000, 1, 1)).map(lambda date: date.replace(microsecond=0))
)
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


@given(VALUE)
def test_values_come_back_as_they_went(value):
    assert codec.read_call(codec.write_call("m", [value])) == ("m", [value])
    assert codec.read_reply(codec.write_reply(value)) == value


@given(VALUE)
def test_the_standard_library_reads_what_we_write(value):
    assert xmlrpc.client.loads(codec.write_call("m", [value]), use_builtin_types=True) == ((value,), "m")


@given(VALUE)
def test_we_read_what_the_standard_library_writes(value):
    marshalled: Any = xmlrpc.client.Marshaller(allow_none=True)
    # Its own writer refuses more than 32 bits, and loses CR.
    marshalled.dispatch = {**xmlrpc.client.Marshaller.dispatch, int: lambda self, each, write: write(_i8(each))}
    body = f"<methodCall><methodName>m</methodName>{marshalled.dumps((value,))}</methodCall>".replace("\r", "&#13;")
    assert codec.read_call(body.encode()) == ("m", [value])


def _i8(value: int) -> str:
    return f"<value><i8>{value}</i8></value>"


@given(st.binary(max_size=200) | st.text(alphabet="<>/ methodCalparsvuei4", max_size=80).map(str.encode))
def test_whatever_is_read_gives_a_call_or_an_error(body):
    assert _code_of(body) in (0, -32700, -32600, -32602)


def _code_of(body: bytes) -> int:
    try:
        codec.read_call(body)
    except MalformedError as exc:
        return exc.code
    return 0


UNWRITABLE = [
    ("a\x01b", "U+0001"),
    ("a\ud800b", "U+D800"),
    ({"\x1f": 1}, "U+001F"),
    ("\uffff", "U+FFFF"),
    (float("nan"), "nan"),
    (float("-inf"), "-inf"),
    (2**63, "64 bits"),
    ({1: 2}, "a key of type int"),
    (object(), "object"),
    (datetime(2026, 1, 30, tzinfo=timezone.utc), "no zone"),
    (datetime(2026, 1, 30, microsecond=1), "whole seconds"),
]


@pytest.mark.parametrize(("value", "named"), UNWRITABLE, ids=[named for _, named in UNWRITABLE])
def test_what_the_wire_cannot_carry_is_refused_by_name(value, named):
    for inside in (value, [value]):
        with pytest.raises(LocalProtocolError) as caught:
            codec.write_reply(inside)
        assert named in caught.value.message


@pytest.mark.parametrize(("value", "named"), [(None, "None"), (2**31, "32 bits")])
def test_the_types_of_1999_alone(value, named):
    with pytest.raises(LocalProtocolError, match=named):
        codec.write_reply([value], codec.STRICT)
    assert b"<double>100000000000000000000</double>" in codec.write_reply(1e20, codec.STRICT)


DATES = [
    ("20260130T14:08:55", datetime(2026, 1, 30, 14, 8, 55)),
    ("2026-01-30T14:08:55", datetime(2026, 1, 30, 14, 8, 55)),
    ("20260130T140855", datetime(2026, 1, 30, 14, 8, 55)),
    ("20260130T14:08:55.25", datetime(2026, 1, 30, 14, 8, 55, 250_000)),
    ("20260130T14:08:55.123456789", datetime(2026, 1, 30, 14, 8, 55, 123_456)),
    ("2026-01-30T14:08:55Z", datetime(2026, 1, 30, 14, 8, 55, tzinfo=timezone.utc)),
    ("20260130T14:08:55-0130", datetime(2026, 1, 30, 14, 8, 55, tzinfo=timezone(-timedelta(hours=1, minutes=30)))),
]


@pytest.mark.parametrize(("text", "value"), DATES)
def test_dates_are_read_in_every_spelling_in_use(text, value):
    assert codec.read_call(_call(f"<dateTime.iso8601>{text}</dateTime.iso8601>")).args == [value]


BAD = [
    ("<int>1_0</int>", "1_0"),
    ("<int>٣</int>", "integer"),
    ("<int></int>", "integer"),
    ("<double>inf</double>", "inf"),
    ("<double>1e999</double>", "too large"),
    ("<boolean>true</boolean>", "boolean"),
    ("<dateTime.iso8601>20260230T00:00:00</dateTime.iso8601>", "dateTime"),
    ("<dateTime.iso8601>20260130T00:00:00+99:00</dateTime.iso8601>", "dateTime"),
    ("<nil>x</nil>", "nil"),
    ("<int>1</int><int>2</int>", "two types"),
    ("<array><data/><int>1</int></array>", "does not belong"),
    ("<struct><member><name>a</name></member></struct>", "one <name>"),
    ("<struct><member><name>a</name><name>b</name><value/></member></struct>", "one <name>"),
    ("<struct><member><value/></member><member><value/></member></struct>", "one <name>"),
    ("<int><int>1</int></int>", "does not belong"),
]


@pytest.mark.parametrize(("xml", "named"), BAD)
def test_a_value_that_breaks_the_rules_is_named(xml, named):
    with pytest.raises(MalformedError) as caught:
        codec.read_call(_call(xml))
    assert named in caught.value.message


def test_depth_and_number_of_values_are_limited():
    limits = Limits(depth=2, values=5)
    assert codec.read_call(_call(_array(_array(""))), limits).args == [[[""]]]
    with pytest.raises(MalformedError, match="2 arrays"):
        codec.read_call(_call(_array(_array("<struct/>"))), limits)
    with pytest.raises(MalformedError, match="5 values"):
        codec.read_call(_call("<array><data>" + "<value/>" * 5 + "</data></array>"), limits)


REPLIES = [
    (b"<methodResponse/>", "one <params>"),
    (b"<methodResponse><params><param><value/></param><param><value/></param></params></methodResponse>", "one value"),
    (b"<methodCall><methodName>x</methodName></methodCall>", "where <methodResponse> should be"),
    (b"<html><body>Bad Gateway</body></html>", "<html>"),
    (b"", "not well-formed"),
]


@pytest.mark.parametrize(("body", "named"), REPLIES)
def test_a_reply_that_is_none_is_an_error_of_the_protocol(body, named):
    with pytest.raises(RemoteProtocolError) as caught:
        codec.read_reply(body)
    assert named in caught.value.message


def test_white_space_that_slipped_out_before_a_reply_is_passed_over():
    assert codec.read_reply(b"\n \n" + codec.write_reply(5)) == 5


FAULTS = [
    # code and text as servers send them, kind, type and message as callers see them
    (-32601, "NameError: nope", "no_method", "NameError", "m"),
    (1, "<class 'Exception'>:method \"m\" is not supported", "no_method", "Exception", "m"),
    (1, "UNKNOWN_METHOD", "no_method", "fault 1", "m"),
    (1, "No such method: m", "no_method", "fault 1", "m"),
    (2, "INCORRECT_PARAMETERS", "arguments", "fault 2", "INCORRECT_PARAMETERS"),
    (10, "BAD_NAME: x", "remote", "fault 10", "BAD_NAME: x"),
    (1, "<class 'ValueError'>:boom", "remote", "ValueError", "boom"),
    (1, "<class 'a.b.OddError'>:x\ny", "remote", "a.b.OddError", "x\ny"),
    (
        -32500,
        "RuntimeError: PyPI no longer supports search",
        "remote",
        "RuntimeError",
        "PyPI no longer supports search",
    ),
    (-32500, "an error: without a class", "remote", "fault -32500", "an error: without a class"),
    (-32500, "ValueError", "remote", "ValueError", ""),
    (-32602, "TypeError: add() takes 2", "arguments", "TypeError", "add() takes 2"),
    (-32400, "TimeoutError: too long", "timeout", "TimeoutError", "too long"),
    (-32400, "ServerBusy: full", "busy", "ServerBusy", "full"),
    (-32700, "ParseError: x", "protocol", "ParseError", "x"),
]


@pytest.mark.parametrize(("code", "text", "kind", "name", "message"), FAULTS)
def test_faults_as_servers_word_them(code, text, kind, name, message):
    found = codec.read_reply(codec.write_fault(code, text))
    number = code if name == f"fault {code}" else None
    told = "" if kind == "no_method" and number else name
    assert faults.from_fault(found, "m") == Failure(kind, told, message, code=code if kind == "no_method" else number)


@pytest.mark.parametrize("value", [None, "text", [], {}, {"faultCode": "12"}, {"faultString": 3, "faultCode": None}])
def test_a_fault_of_any_shape_is_a_failure(value):
    assert faults.from_fault(Fault(value), "m").kind == "remote"


@pytest.mark.parametrize("kind", ["remote", "arguments", "timeout", "busy", "lost", "protocol"])
def test_kinds_survive_between_our_own_ends(kind):
    types = {"timeout": "TimeoutError", "busy": "ServerBusy", "lost": "ConnectionLostError"}
    failure = Failure(kind, types.get(kind, "OddError"), "a: b\x01")
    found = faults.from_fault(Fault(faults.to_struct(failure)), "m")
    assert (found.kind, found.type, found.message) == (kind, failure.type, "a: b\\x01")


def test_a_stream_becomes_a_list_up_to_its_limit():
    methods = {"count": lambda n: iter(range(n))}
    assert call("count", 3, methods=methods, max_items=3) == [0, 1, 2]
    with pytest.raises(xmlrpc.client.Fault, match="more than 3 items"):
        call("count", 4, methods=methods, max_items=3)
    many = [{"methodName": "count", "params": [n]} for n in (3, 4)]
    found = call("system.multicall", many, methods=methods, max_items=3)
    assert found[0] == [[0, 1, 2]]
    assert "more than 3 items" in found[1]["faultString"]


def test_one_result_that_cannot_be_sent_spoils_no_other_of_a_multicall():
    many = [{"methodName": name, "params": []} for name in ("nan", "ctrl", "noargs", "fault")] + [5, {"params": []}]
    found = call("system.multicall", many)
    assert [each if isinstance(each, list) else each["faultCode"] for each in found] == [
        -32500,
        -32500,
        ["ok"],
        42,
        -32600,
        -32600,
    ]


def test_a_multicall_of_too_many_calls_is_refused():
    many = [{"methodName": "noargs", "params": []}] * 3
    assert call("system.multicall", many, options={"max-batch": 3}) == [["ok"]] * 3
    with pytest.raises(xmlrpc.client.Fault, match="--max-batch"):
        call("system.multicall", many, options={"max-batch": 2})


def test_depth_is_limited_where_it_is_asked_to_be():
    assert call("length", [[[]]], options={"max-depth": 3}) == 1
    with pytest.raises(xmlrpc.client.Fault, match="more than 2 arrays"):
        call("length", [[[]]], options={"max-depth": 2})


def test_a_result_over_the_size_limit_is_a_fault():
    with pytest.raises(xmlrpc.client.Fault, match="--max-message"):
        call("repeat", "x", 1000, max_message=1000)


def test_inspection_is_no_call_to_those_who_count_calls():
    counted: list[str] = []
    executor = Inline(on_done=lambda request, outcome, seconds: counted.append(request.method))
    exchange = Exchange(Service({"m": Method("m", len)}).dispatch, executor, Settings())
    for name, args in (("system.listMethods", []), ("system.getCapabilities", []), ("m", ["ab"])):
        exchange.take(codec.write_call(name, args), "test", lambda data: None)
    assert counted == ["rpcctl.inspect", "rpcctl.inspect", "m"]


def test_nil_is_refused_on_demand():
    with pytest.raises(xmlrpc.client.Fault, match="None"):
        call("noop", options={"no-nil": True})


def documented(a: int, b: "list[int]" = [], c: float = 1.5) -> dict[str, Any]:  # noqa: B006
    """Have a signature."""
    return {}


SIGNATURES = [
    (documented, [["struct", "int"], ["struct", "int", "array"], ["struct", "int", "array", "double"]]),
    (lambda a: a, "undef"),
    (lambda *rest: None, "undef"),
]


@pytest.mark.parametrize(("function", "expected"), SIGNATURES)
def test_signatures_come_from_hints(function, expected):
    assert call("system.methodSignature", "m", methods={"m": function}) == expected


@pytest.mark.parametrize("name", ["system.listMethods", "system.multicall", "rpcctl.inspect"])
def test_built_in_methods_describe_themselves(name):
    assert call("system.methodHelp", name)
    assert isinstance(call("system.methodSignature", name), list)


def _call(xml: str) -> bytes:
    params = f"<params><param><value>{xml}</value></param></params>"
    return f"<methodCall><methodName>m</methodName>{params}</methodCall>".encode()


def _array(xml: str) -> str:
    return f"<array><data><value>{xml}</value></data></array>"
