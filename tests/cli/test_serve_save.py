"""`rpcctl serve @kv --save FILE`: what was answered is there again, whenever the server was killed."""

import json
import signal

import pytest

import rpcctl
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
