"""JSON-RPC without a network: the table of cases, batches, what is written for a client and read from servers."""

import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpcctl.errors import RemoteProtocolError
from rpcctl.interfaces import Settings
from rpcctl.messages import (
    Failure,
    Request,
    Result,
)
from rpcctl.protocols.jsonrpc import codec, faults, json_text
from rpcctl.protocols.jsonrpc.calls import Exchange
from rpcctl.service.executor import Inline, Threads
from tests.codec.jsonrpc_cases import CASES, body_of, is_right
from tests.codec.jsonrpc_methods import METHODS, ask, call, make_exchange


@pytest.mark.parametrize("case", [case for case in CASES if case["group"] != "http"], ids=lambda case: case["name"])
def test_case(case):
    assert is_right(case, ask(body_of(case)))


def test_the_table_is_whole():
    assert len(CASES) == 200
    assert len({case["name"] for case in CASES}) == 200


class TestServer:
    def test_calls_of_a_batch_run_at_the_same_time(self):
        met = threading.Barrier(3)
        executor, answers, done = Threads(3), [], threading.Event()
        exchange = make_exchange(executor, methods={"meet": lambda n: (met.wait(5), n)[1]})

        def take(data):
            answers.append(data)
            done.set()

        body = json.dumps([call("meet", n, id=n) for n in range(3)]).encode()
        exchange.take(body, "peer", take)
        assert done.wait(5)
        executor.close()
        assert sorted(each["result"] for each in json.loads(answers[0])) == [0, 1, 2]

    def test_a_batch_over_the_limit_is_refused_as_a_whole(self):
        answer = json.loads(ask([call("noop")] * 3, rules=codec.Rules(max_batch=2)))
        assert answer["error"]["code"] == -32600
        assert "--max-batch" in answer["error"]["message"]

    def test_the_answers_of_a_batch_are_limited_together_and_each_is_told(self):
        batch = [call("echo", "x" * 200, id=n) for n in range(3)]
        answers = json.loads(ask(batch, settings=Settings(max_message=600)))
        assert [each["id"] for each in answers] == [0, 1, 2]
        assert ["error" in each for each in answers] == [False, False, True]
        assert "--max-message" in answers[2]["error"]["message"]

    def test_a_stream_becomes_a_list(self):
        assert json.loads(ask(call("count"), methods={"count": lambda: iter(range(3))}))["result"] == [0, 1, 2]

    def test_a_stream_of_just_the_limit_is_answered_and_a_longer_one_is_refused_and_closed(self):
        closed = threading.Event()

        def count(n):
            try:
                yield from range(n)
            finally:
                closed.set()

        settings = Settings(max_items=3)
        assert json.loads(ask(call("count", 3), methods={"count": count}, settings=settings))["result"] == [0, 1, 2]
        closed.clear()
        answer = json.loads(ask(call("count", 10**9), methods={"count": count}, settings=settings))
        assert "--max-items" in answer["error"]["message"]
        assert closed.wait(5)

    def test_a_result_that_is_too_large_is_refused_under_its_id(self):
        answer = json.loads(ask(call("echo", "x" * 500, id=9), settings=Settings(max_message=300)))
        assert answer["id"] == 9
        assert "--max-message" in answer["error"]["message"]

    def test_a_large_body_is_parsed_elsewhere_and_answered(self):
        done, answers = threading.Event(), []

        def take(data):
            answers.append(data)
            done.set()

        make_exchange(Inline()).take(json.dumps(call("echo", "x" * 300_000)).encode(), "peer", take)
        assert done.wait(5)
        assert len(json.loads(answers[0])["result"]) == 300_000

    @pytest.mark.parametrize("name", ["rpcctl.inspect", "rpcctl.ping"])
    def test_names_reserved_inside_rpcctl_mean_nothing_outside(self, name):
        assert json.loads(ask(call(name)))["error"]["code"] == -32601

    def test_positional_and_named_arguments_together(self):
        assert json.loads(ask(call("kw") | {"params": {"__args": [1], "c": 9}}))["result"] == [1, 2, 9]

    def test_depth_is_limited_where_it_is_asked_to_be(self):
        body = b'{"jsonrpc":"2.0","method":"echo","params":[[[[1]]]],"id":1}'
        assert "result" in json.loads(ask(body, rules=codec.Rules(max_depth=5)))
        assert json.loads(ask(body, rules=codec.Rules(max_depth=4)))["error"]["code"] == -32700

    def test_brackets_in_text_are_no_depth(self):
        assert json.loads(ask(call("echo", "[{" * 500)))["result"] == "[{" * 500

    @pytest.mark.parametrize(
        ("versions", "message", "code"),
        [
            (("2.0",), {"method": "noop", "params": [], "id": 1}, -32600),
            (("1.0",), {"jsonrpc": "2.0", "method": "noop", "id": 1}, -32600),
            (("1.0",), {"method": "noop", "params": [], "id": 1}, None),
            (("2.0",), {"jsonrpc": "2.0", "method": "noop", "id": 1}, None),
        ],
    )
    def test_a_server_told_one_version_refuses_the_other(self, versions, message, code):
        error = json.loads(ask(message, rules=codec.Rules(versions))).get("error")
        assert (error and error["code"]) == code

    def test_members_beyond_the_specification_reach_the_context(self):
        seen = []

        def handler(request):
            seen.append(request.context)
            yield Result(None)

        exchange = Exchange(handler, Inline(), Settings(), codec.RULES)
        exchange.take(json.dumps(call("x", auth="secret")).encode(), "peer", lambda data: None)
        assert seen == [{"auth": "secret"}]

    def test_a_handler_that_gives_nothing_is_answered_for(self):
        answers: list[bytes] = []
        Exchange(lambda request: iter(()), Inline(), Settings(), codec.RULES).take(
            json.dumps(call("x", id=5)).encode(), "peer", answers.append
        )
        assert json.loads(answers[0])["id"] == 5

    def test_the_wire_is_traced_both_ways(self):
        seen: list[Any] = []
        settings = Settings(trace=lambda direction, text, data: seen.append((direction, json.loads(data or b""))))
        ask(call("noop"), settings=settings)
        assert seen == [("<", call("noop")), (">", {"jsonrpc": "2.0", "result": None, "id": 1})]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | JSON,
        "method": st.sampled_from([*METHODS, "rpc.discover", "system.methodHelp"]) | JSON,
        "params": JSON,
        "id": JSON,
    },
)


class TestAnything:
    """Whatever comes, at most one answer goes out, and it is JSON."""

    @given(st.binary(max_size=200))
    def test_bytes(self, body):
        assert json.loads(ask(body))["error"]["code"] in (-32700, -32600)

    @given(MEMBERS | st.lists(MEMBERS | JSON, max_size=4) | JSON)
    def test_messages(self, message):
        answer = ask(message)
        for each in found if isinstance(found := json.loads(answer or b"[]"), list) else [found]:
            assert {"result", "error"} & set(each)
            assert "id" in each

    @given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
    def test_answers(self, body):
        try:
            assert isinstance(codec.read_answer(body, 1, "m"), (Result, Failure))
        except RemoteProtocolError:
            pass


class TestClientWrites:
    @pytest.mark.parametrize(
        ("request_", "version", "written"),
        [
            (Request("m", (1,)), "2.0", {"jsonrpc": "2.0", "method": "m", "params": [1], "id": 7}),
            (Request("m"), "2.0", {"jsonrpc": "2.0", "method": "m", "params": [], "id": 7}),
            (Request("m", (), {"a": 1}), "2.0", {"jsonrpc": "2.0", "method": "m", "params": {"a": 1}, "id": 7}),
            (
                Request("m", (1,), {"a": 2}),
                "2.0",
                {"jsonrpc": "2.0", "method": "m", "params": {"__args": [1], "a": 2}, "id": 7},
            ),
            (Request("m", oneway=True), "2.0", {"jsonrpc": "2.0", "method": "m", "params": []}),
            (Request("m", (1,)), "1.0", {"method": "m", "params": [1], "id": 7}),
            (Request("m", oneway=True), "1.0", {"method": "m", "params": [], "id": None}),
        ],
    )
    def test_calls(self, request_, version, written):
        assert json.loads(codec.write_call(request_, 7, version)) == written

    def test_members_beside_those_of_the_specification(self):
        assert json.loads(codec.write_call(Request("m"), 1, more={"auth": "t"}))["auth"] == "t"

    def test_a_server_reads_what_a_client_writes(self):
        for version in codec.BOTH:
            found = codec.read_body(codec.write_call(Request("m", (1, "é"), {"k": None}), 3, version))
            assert found == codec.Call("m", (1, "é"), {"k": None}, 3, version)


ERRORS = [
    # the error, and what is made of it
    ({"code": -32601, "message": "nope"}, Failure("no_method", "", "m", code=-32601)),
    ({"code": -32602, "message": "Bad"}, Failure("arguments", "code -32602", "Bad", code=-32602)),
    ({"code": 7, "message": "x"}, Failure("remote", "code 7", "x", code=7)),
    ("text", Failure("remote", "error", "text", data="text")),
    (5, Failure("remote", "error", "5", data=5)),
    ({"message": "Not authenticated"}, Failure("remote", "error", "Not authenticated")),
    ({"code": "E", "message": None}, Failure("remote", "code E", "")),
    # Zabbix: what is wrong stands in data
    (
        {"code": -32500, "message": "Application error.", "data": "No permissions."},
        Failure("remote", "code -32500", "Application error. No permissions.", data="No permissions.", code=-32500),
    ),
    # Ethereum: a revert, its data hex
    (
        {"code": 3, "message": "execution reverted", "data": "0x08c3"},
        Failure("remote", "code 3", "execution reverted 0x08c3", data="0x08c3", code=3),
    ),
    # aria2
    ({"code": 1, "message": "No such method: m"}, Failure("no_method", "", "m", code=1)),
    ({"code": 1, "message": "Unauthorized"}, Failure("remote", "code 1", "Unauthorized", code=1)),
    # Odoo
    (
        {
            "code": 200,
            "message": "Odoo Server Error",
            "data": {"name": "odoo.exceptions.AccessDenied", "message": "Access Denied", "debug": "Traceback …"},
        },
        Failure(
            "remote",
            "AccessDenied",
            "Access Denied",
            "Traceback …",
            {"name": "odoo.exceptions.AccessDenied", "message": "Access Denied", "debug": "Traceback …"},
        ),
    ),
]


class TestErrors:
    @pytest.mark.parametrize(("error", "failure"), ERRORS)
    def test_what_servers_answer(self, error, failure):
        assert faults.from_error(error, "m") == failure

    @pytest.mark.parametrize(
        "failure",
        [
            Failure("remote", "ValueError", "boom", "Traceback …"),
            Failure("remote", "ValueError", ""),
            Failure("no_method", "NameError", "m"),
            Failure("arguments", "TypeError", "f() takes 1"),
            Failure("busy", "ServerBusy", "full"),
            Failure("timeout", "TimeoutError", "late"),
            Failure("lost", "ConnectionLostError", "gone"),
            Failure("protocol", "RemoteProtocolError", "odd"),
        ],
    )
    def test_between_our_own_ends_nothing_is_lost(self, failure):
        assert faults.from_error(json.loads(json.dumps(faults.to_error(failure))), "m") == failure

    def test_an_error_with_a_number_of_its_own_keeps_it(self):
        failure = Failure("remote", "AppError", "custom", data={"k": 1}, code=1234)
        assert faults.to_error(failure) == {"code": 1234, "message": "custom", "data": {"k": 1}}

    def test_long_data_is_cut_in_the_message_and_kept_beside_it(self):
        found = faults.from_error({"code": 1, "message": "x", "data": ["y" * 1000]}, "m")
        assert len(found.message) < 400
        assert found.data == ["y" * 1000]


class TestClientReads:
    @pytest.mark.parametrize(
        "answer",
        [
            {"jsonrpc": "2.0", "result": 5, "id": 1},
            {"result": 5, "error": None, "id": 1},
            {"result": 5, "id": 1},
            {"result": 5, "id": 1.0},
            {"result": 5, "id": "1"},
            {"result": 5, "id": None},
            {"result": 5},
            [{"result": 5, "id": 1}],
            [{"method": "event", "params": []}, {"result": 5, "id": 1}],
        ],
    )
    def test_results_in_every_shape(self, answer):
        assert codec.read_answer(json.dumps(answer).encode(), 1, "m") == Result(5)

    def test_null_is_a_result(self):
        assert codec.read_answer(b'{"jsonrpc":"2.0","result":null,"id":1}', 1, "m") == Result(None)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (b"", "not JSON"),
            (b"<html>", "not JSON"),
            (b"[]", "no JSON-RPC reply"),
            (b"3", "no JSON-RPC reply"),
            (b'{"detail": "Not Found"}', "neither result nor error"),
            (b'{"result": 1, "id": 2}', "the id 2"),
            (b'{"result": 1, "id": true}', "the id True"),
            (b'{"method": "event"}', "notifications only"),
            (b"[" * 100_000, "not JSON"),
        ],
    )
    def test_what_is_no_reply(self, answer, words):
        with pytest.raises(RemoteProtocolError, match=words) as caught:
            codec.read_answer(answer, 1, "m")
        assert caught.value.exit_code == 8

    def test_decimals_keep_every_digit(self):
        found: Any = codec.read_answer(b'{"result": [0.10000000000000000001, 1], "id": 1}', 1, "m", decimal=True)
        assert [str(each) for each in found.value] == ["0.10000000000000000001", "1"]

    def test_batches_are_put_in_order_by_id(self):
        body = b'[{"result": "b", "id": 2}, {"method": "event"}, {"result": "a", "id": 1}]'
        assert codec.read_batch(body, {1: "m", 2: "n"}) == {1: Result("a"), 2: Result("b")}

    def test_a_batch_that_is_refused_in_one_object(self):
        found = codec.read_batch(b'{"error": {"code": -32600, "message": "too many"}, "id": null}', {1: "m", 2: "n"})
        assert isinstance(found, Failure)
        assert found.message == "too many"

    def test_a_batch_with_an_answer_to_another_call_is_a_mistake(self):
        with pytest.raises(RemoteProtocolError, match="the id 9"):
            codec.read_batch(b'[{"result": 1, "id": 9}]', {1: "m"})


class TestJSON:
    @pytest.mark.parametrize(
        "text", [b"", b"NaN", b"[Infinity]", b"1e400", b"'x'", b'"\xff"', b'"\\ud800"', b"9" * 5000, b"[" * 100_000]
    )
    def test_what_is_refused(self, text):
        with pytest.raises(json_text.JSONError):
            json_text.read(text)

    def test_a_whole_surrogate_pair_is_a_character(self):
        assert json_text.read(b'"\\ud83d\\ude00"') == "\U0001f600"

    def test_what_is_written_is_one_line_of_utf_8(self):
        assert json_text.write({"é": ["\n", 1.5]}) == '{"é":["\\n",1.5]}'.encode()
