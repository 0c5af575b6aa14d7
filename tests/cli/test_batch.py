"""`rpcctl batch`: what comes out for what goes in, over every protocol."""

import json

import pytest

from tests.conftest import every_protocol
from tests.shell import rpcctl

SAMPLE = "py:tests.sample"


def lines(*requests):
    """Requests as a batch's input; texts as they are."""
    return "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in requests).encode()


def answers(printed):
    """Answers by id."""
    found = [json.loads(line) for line in printed.splitlines()]
    return {each["id"]: each for each in found}


def add(a, b, **more):
    return {"method": "add", "params": [a, b], **more}


@every_protocol("args")
@pytest.mark.parametrize("options", [(), ("-P", "1"), ("--ordered",), ("-P", "64", "--ordered")], ids=" ".join)
def test_every_line_has_its_answer(address, options):
    done = rpcctl("batch", address(), "-", *options, stdin=lines(*(add(n, n, id=f"n{n}") for n in range(100))))
    assert (done.exit_status, done.stderr) == (0, "")
    assert answers(done) == {f"n{n}": {"id": f"n{n}", "result": 2 * n} for n in range(100)}


@every_protocol("args")
def test_ordered_answers_are_in_the_order_of_the_lines(address):
    slow = {"method": "slow", "params": [0.2]}
    done = rpcctl("batch", address(), "-", "--ordered", stdin=lines(slow, add(1, 1), slow, add(1, 2)))
    assert [json.loads(line)["result"] for line in done.splitlines()] == [0.2, 2, 0.2, 3]


@every_protocol("args")
def test_failures_have_their_kind_and_the_exit_code_says_so(address):
    asked = lines({"method": "fail", "id": "a"}, {"method": "nope", "id": "b"}, add(1, 2, id="c"))
    done = rpcctl("batch", address(), "-", "--keep-going", stdin=asked)
    found = answers(done)
    assert done.exit_status == 123
    assert found["c"] == {"id": "c", "result": 3}
    assert (found["a"]["error"]["kind"], found["b"]["error"]["kind"]) == ("remote", "no_method")
    assert found["a"]["error"]["message"] == "ValueError: on purpose"
    assert "1 done, 2 failed (lines 1-2)" in done.stderr


@every_protocol("kwargs")
def test_named_parameters(address):
    done = rpcctl("batch", address(), stdin=lines({"method": "add", "params": {"a": 2, "b": 3}}))
    assert done.json == {"id": 1, "result": 5}


def test_one_after_the_other_stops_at_the_first_failure():
    asked = lines(add(1, 1), {"method": "fail"}, {"method": "remember", "params": ["not to be kept"]})
    done = rpcctl("batch", SAMPLE, "-", "-P", "1", stdin=asked)
    assert [each["id"] for each in map(json.loads, done.splitlines())] == [1, 2]
    assert "1 done, 1 failed (line 2)" in done.stderr
    assert "nothing was sent from line 3 on; --keep-going goes on" in done.stderr


def test_what_was_not_sent_is_told():
    done = rpcctl("batch", SAMPLE, "-P", "1", stdin=lines("garbage", add(1, 2)))
    assert "nothing was sent from line 2 on; --keep-going goes on" in done.stderr


def test_a_failure_in_the_last_line_leaves_nothing_unsent():
    done = rpcctl("batch", SAMPLE, "-", "-P", "1", stdin=lines(add(1, 1), {"method": "fail"}))
    assert "each has its error in the output" in done.stderr


def test_a_stream_is_a_list_and_none_is_null():
    done = rpcctl("batch", SAMPLE, stdin=lines({"method": "count", "params": [3]}, {"method": "nothing", "id": "n"}))
    assert answers(done) == {1: {"id": 1, "result": [0, 1, 2]}, "n": {"id": "n", "result": None}}


@pytest.mark.parametrize("key", [0, None, "", False, 1.5, [1], {"a": 1}])
def test_an_id_comes_back_as_it_is(key):
    done = rpcctl("batch", SAMPLE, stdin=lines(add(1, 1, id=key), {"method": "fail", "id": key}))
    assert [json.loads(line)["id"] for line in done.splitlines()] == [key, key]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nonsense", "not JSON"),
        ("[1]", "no JSON object"),
        ("{}", "names no method"),
        ('{"method": ""}', "names no method"),
        ('{"method": 3}', "names no method"),
        ('{"method": "add", "params": 3}', "neither an array nor an object"),
        ('{"method": "add", "parms": [1, 2]}', "'parms' has no meaning"),
        ('{"method": "add", "method": "fail"}', "twice"),
        ('{"method": "echo", "params": [NaN]}', "not JSON"),
    ],
)
def test_a_line_that_asks_for_nothing_is_answered_too(line, said):
    done = rpcctl("batch", SAMPLE, "--keep-going", stdin=lines(line, add(1, 1)))
    error = answers(done)[1]["error"]
    assert (error["kind"], error["exit"]) == ("usage", 2)
    assert said in error["message"]
    assert answers(done)[2]["result"] == 2
    assert done.exit_status == 123


def test_the_id_of_a_wrong_line_is_kept_where_it_can_be_read():
    done = rpcctl("batch", SAMPLE, stdin=lines({"id": "x", "nope": 1}))
    assert done.json["id"] == "x"


@pytest.mark.parametrize("data", [b"\xff\xfe\n", b'{"method": "echo", "params": ["\xff"]}\n'])
def test_a_line_that_is_no_text(data):
    done = rpcctl("batch", SAMPLE, stdin=data)
    assert "not UTF-8" in done.json["error"]["message"]


def test_a_line_that_is_too_long_is_refused_and_the_next_one_is_not():
    asked = lines({"method": "echo", "params": ["x" * 5000]}, add(1, 1))
    done = rpcctl("batch", SAMPLE, "--max-message", "1K", "--keep-going", stdin=asked)
    assert "more than 1024 bytes" in answers(done)[1]["error"]["message"]
    assert answers(done)[2]["result"] == 2


def test_what_the_wire_cannot_carry_is_refused_in_its_line(at):
    done = rpcctl("batch", at, stdin=lines({"method": "add", "params": {"a": 1}}, add(2**70, 1)), env={})
    assert "no named arguments" in answers(done)[1]["error"]["message"]


def test_what_has_no_json_form_is_told_in_its_line(tmp_path):
    (tmp_path / "odd.py").write_text("def odd(): return {b'a': 1, 'YQ==': 2}\n")
    done = rpcctl("batch", f"py:{tmp_path}/odd.py", stdin=lines({"method": "odd"}))
    assert done.json["error"]["kind"] == "write"


def test_blank_lines_and_crlf_and_a_last_line_without_its_end(tmp_path):
    path = tmp_path / "calls"
    path.write_bytes(b'\r\n{"method": "add", "params": [1, 2]}\r\n  \n{"method": "add", "params": [3, 4]}')
    done = rpcctl("batch", SAMPLE, str(path), "--ordered")
    assert done == '{"id": 2, "result": 3}\n{"id": 4, "result": 7}\n'


def test_no_lines_at_all():
    done = rpcctl("batch", SAMPLE, "-", stdin=b"")
    assert (done, done.exit_status) == ("", 0)


def test_output_goes_to_a_file(tmp_path):
    done = rpcctl("batch", SAMPLE, "-o", str(tmp_path / "out"), stdin=lines(add(1, 1)))
    assert done == ""
    assert (tmp_path / "out").read_text() == '{"id": 1, "result": 2}\n'


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("batch", SAMPLE, "no such file"), 26, "no such file"),
        (("batch", SAMPLE, "."), 26, "directory"),
        (("batch", SAMPLE, "-", "-P", "0"), 2, "-P 1"),
        (("batch", "tcp://127.0.0.1:1", "-"), 7, "127.0.0.1:1"),
    ],
)
def test_what_cannot_begin(words, status, said):
    done = rpcctl(*words, stdin=lines(add(1, 1)))
    assert (done, done.exit_status) == ("", status)
    assert said in done.stderr


def test_errors_as_json():
    done = rpcctl("batch", SAMPLE, "--json", stdin=lines({"method": "fail"}))
    assert (done.error["kind"], done.error["exit"]) == ("partial", 123)


def test_a_time_limit_is_its_lines_own():
    asked = lines({"method": "slow", "params": [5]}, add(1, 1))
    done = rpcctl("batch", SAMPLE, "--timeout", "0.3", stdin=asked)
    assert answers(done)[1]["error"]["kind"] == "timeout"
    assert answers(done)[2]["result"] == 2
    assert done.exit_status == 123
