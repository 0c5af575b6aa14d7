"""What a client's user is told of servers that answer something else: which server, what it said, what to try."""

import json

import pytest

from tests.http.conftest import answer, answering
from tests.shell import rpcctl

WEB = answer(b"<html><body>Hello</body></html>", "200 OK", "Content-Type: text/html")


def error(code, message, **more):
    return answer(
        json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message, **more}}).encode()
    )


@pytest.mark.parametrize(
    ("said", "named", "hint"),
    [
        (
            answer(b"Hello there\nyou"),
            "is not JSON: Expecting value: line 1 column 1 (char 0): Hello there",
            "-v shows",
        ),
        (answer(b'{"id": 99, "result": 1}'), 'the id 99, the call had 1: {"id": 99, "result": 1}', "proxy"),
        (answer(b"[]"), "the answer is no JSON-RPC reply: []", "-v shows"),
        (answer(b'{"id": 1}'), 'the answer has neither result nor error: {"id": 1}', "-v shows"),
        (WEB, "answered 200 with a web page: <html>", "/RPC2; or is a proxy"),
        (answer(b"no", "404 Not Found"), "answered 404 Not Found: no", "another path, as "),
    ],
)
def test_an_answer_that_is_no_reply_is_named_with_its_server(script, said, named, hint):
    at = str(script(answering(said)).address)
    done = rpcctl("call", at, "add")
    assert done.exit_status == 8
    assert done.stderr.startswith(f"rpcctl: error: {at}")
    assert named in done.stderr.splitlines()[0]
    assert hint in done.stderr.splitlines()[1]


def test_another_path_over_a_unix_socket_is_spelled_out(script, tmp_path):
    place = str(tmp_path / "s")
    script(answering(WEB), unix=place)
    assert f"http+unix://{place}?path=/RPC2" in rpcctl("call", f"http+unix://{place}", "add").stderr


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["call"], "--auth"),
        (["cast"], "--auth"),
    ],
)
@pytest.mark.parametrize("text", ["Unauthorized", "Not authorized.", "Invalid token", "permission denied", "re-login"])
def test_what_looks_like_a_refused_login_has_a_hint(script, words, hint, text):
    done = rpcctl(*words, str(script(answering(error(1, text))).address), "add")
    assert done.exit_status == 22
    assert hint in done.stderr.splitlines()[1]


def test_what_a_method_raised_is_no_refused_login(script):
    data = {"kind": "remote", "type": "PermissionError", "message": "permission denied", "traceback": "Traceback…"}
    done = rpcctl("call", str(script(answering(error(-32603, "x", data=data))).address), "add")
    assert "--auth" not in done.stderr


def test_a_cast_that_is_refused_has_a_hint_at_call(script):
    at = str(script(answering(error(-32600, "Invalid Request."))).address)
    assert f"rpcctl call {at} add" in rpcctl("cast", at, "add").stderr


def test_code_and_data_of_an_error_are_kept(script):
    at = str(script(answering(error(7, "no", data={"row": 3}))).address)
    remote = rpcctl("call", at, "add", "--json").error["remote"]
    assert (remote["code"], remote["data"]) == (7, {"row": 3})


def test_a_missing_method_has_no_type_that_nobody_told(script):
    at = str(script(answering(error(-32601, "no"))).address)
    failed = rpcctl("call", at, "add", "--json").error
    assert failed["kind"] == "no_method"
    assert (failed["remote"]["type"], failed["remote"]["code"]) == ("", -32601)


XML = answer(
    b"<?xml version='1.0'?><methodResponse><params><param><value><int>5</int></value></param></params></methodResponse>"
)
JSON = answer(b'{"jsonrpc": "2.0", "id": 1, "result": 5}')


@pytest.mark.parametrize(
    ("scheme", "said", "sent", "received"),
    [("", JSON, '"method":"add"', '"result": 5'), ("xmlrpc+", XML, "add [2, 3]", "5")],
)
def test_a_trace_is_in_the_order_of_the_exchange(script, scheme, said, sent, received):
    at = f"{scheme}{script(answering(said)).address}"
    lines = rpcctl("call", at, "add", "2", "3", "-v").stderr.splitlines()
    places = [
        next(n for n, line in enumerate(lines) if line.startswith(mark) and text in line)
        for mark, text in (
            ("*", "connecting to"),
            ("*", "connected to"),
            (">", "POST "),
            (">", sent),
            ("<", "HTTP/1.1"),
        )
    ]
    assert places == sorted(places)
    assert lines[-1].startswith("< ")
    assert received in lines[-1]


def test_a_path_beside_the_address_tells_the_protocol_too(script, tmp_path):
    place = str(tmp_path / "s")
    server = script(answering(XML), unix=place)
    assert rpcctl("call", f"http+unix://{place}", "add", "--path", "/RPC2") == "5\n"
    assert server.requests[0].startswith(b"POST /RPC2 ")
