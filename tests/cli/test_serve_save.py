"""`rpcctl serve @kv --save FILE`: what was answered is there again, whenever the server was killed."""

import json
import signal
import threading

import pytest

import rpcctl
from rpcctl.errors import ConnectionLostError
from tests.process import run, serving
from tests.shell import rpcctl as shell


@pytest.mark.parametrize("as_option", [False, True])
def test_a_killed_server_begins_with_what_it_answered(tmp_path, as_option):
    path = str(tmp_path / "counts.kv")
    target, words = ("@kv", ("--save", path)) if as_option else (f'@kv("{path}")', ())
    answered = 0
    for _ in range(4):
        with serving(*words, target=target) as (process, address):
            with rpcctl.connect(address) as kv:
                assert kv.get("n", 0) == answered
                for _ in range(20):
                    answered = kv.incr("n")
            process.signal(signal.SIGKILL)
            process.wait()
    with open(path) as file:
        records = [json.loads(line) for line in file]
    assert records[0] == ["kv", 1]


def test_a_server_that_is_killed_in_the_middle_of_calls_loses_none_that_it_answered(tmp_path):
    words = ("--save", str(tmp_path / "counts.kv"), "--access-log", "off")
    answered = 0
    for more in (1, 40, 700):
        with serving(*words, target="@kv") as (process, address), rpcctl.connect(address, timeout=10) as kv:
            assert kv.get("n", 0) in (answered, answered + 1)
            answered = kv.incr("n", 0)
            answered = count_until_killed(kv, process, answered + more)
            assert process.wait() == -signal.SIGKILL
    with serving(*words, target="@kv") as (_, address), rpcctl.connect(address) as kv:
        assert kv.get("n") in (answered, answered + 1)


def count_until_killed(kv, process, goal: int) -> int:
    """The last count that was answered; soon after the goal the process dies."""
    answered = 0
    try:
        while True:
            answered = kv.incr("n")
            if answered == goal:
                # From another thread, so that it dies at any point of the calls that go on.
                threading.Timer(0.002, process.signal, (signal.SIGKILL,)).start()
    except ConnectionLostError:
        return answered


def test_it_needs_kv(tmp_path):
    done = shell("serve", "time", "--save", str(tmp_path / "file"))
    assert done.exit_status == 2
    assert "--save" in done.stderr
    assert "serve @kv --save FILE" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_used_is_told(tmp_path):
    done = run("serve", "@kv", "--save", str(tmp_path))
    assert done.returncode == 2
    assert "cannot be used" in done.stderr
