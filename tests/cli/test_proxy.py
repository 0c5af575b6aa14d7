"""`rpcctl proxy` as a process: what it prints, what it refuses, how it stops."""

import json
import re
import urllib.request

import pytest

import rpcctl
from tests.process import run, running

BINDS = ("--bind", "http://127.0.0.1:0/", "--bind", "tcp://127.0.0.1:0")


def test_it_prints_its_addresses_and_what_is_behind_it(at):
    with running("proxy", at, *BINDS) as process:
        places = [process.read_address(), process.read_address()]
        assert f"proxy of {at}, 17 methods: add, count" in process.wait_for("proxy of")
        for place in places:
            assert run("call", place, "add", "2", "3").stdout == "5\n"
            assert json.loads(process.wait_for('"add"'))["outcome"] == "ok"
        assert run("call", places[0], "count", "3").stdout == "[0, 1, 2]\n"
        assert run("call", places[1], "count", "3").stdout == "0\n1\n2\n"
        process.signal()
        assert process.wait() == 0


@pytest.mark.parametrize("place", ["http://127.0.0.1:0/", "tcp://127.0.0.1:0"])
def test_errors_have_the_exit_codes_of_a_direct_call(at, place):
    with running("proxy", at, "--bind", place, "--timeout", "0.2") as process:
        address = process.read_address()
        for words, code in ((("fail",), 22), (("nope",), 78), (("slow", "5"), 28), (("add", "1"), 22)):
            assert run("call", address, *words).returncode == code


def test_a_local_target_can_be_behind_it():
    with running("proxy", "py:math", "--bind", "http://127.0.0.1:0/", "--once") as process:
        assert run("call", process.read_address(), "sqrt", "4").stdout == "2.0\n"
        assert process.wait() == 0


def test_metrics_and_the_end_of_them(at):
    with running("proxy", at, "--bind", "tcp://127.0.0.1:0", "--metrics", ":0", "--access-log", "off") as process:
        address = process.read_address()
        found = re.search(r"http://127\.0\.0\.1:\d+/metrics", process.wait_for("metrics at"))
        assert found
        with rpcctl.connect(address) as client:
            client.add(2, 3)
            client.add(2, 3)
        with urllib.request.urlopen(found[0], timeout=10) as page:
            assert 'rpcctl_calls_total{method="add",outcome="ok"}' in page.read().decode()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("tcp://127.0.0.1:1",), 2, "--bind"),
        (("tcp://127.0.0.1:1", *BINDS), 7, "refused"),
        (("tcp://127.0.0.1:1", "--bind", "tcp://0.0.0.0:0", "--bind", "http://127.0.0.1:0/"), 2, "--allow-remote"),
        (("tcp://127.0.0.1:1", "--bind", "py:math"), 2, "cannot be served"),
        (("tcp://127.0.0.1:1", *BINDS, "--connections", "0"), 2, "--connections"),
        (("tcp://127.0.0.1:1", *BINDS, "--metrics", "nowhere"), 3, "nowhere"),
        (("nowhere", *BINDS), 3, "nowhere"),
    ],
)
def test_what_is_refused(words, code, says):
    told = run("proxy", *words)
    assert told.returncode == code
    assert says in told.stderr
    assert told.stdout == ""


def test_a_server_that_comes_later_is_waited_for(free_port):
    address = f"tcp://127.0.0.1:{free_port}"
    with (
        running("proxy", address, *BINDS, "--retry", "100", "--retry-delay", "0.05") as process,
        rpcctl.Server("tests.sample", address),
    ):
        assert run("call", process.read_address(), "add", "2", "3").stdout == "5\n"
