"""A batch as a process: lines that arrive one by one, Ctrl-C, a server that is lost, memory, the bar."""

import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest

from tests.process import COMMAND, PATIENCE, serving

SLOW = '{"method": "slow", "params": [30]}\n'


def start(*words, **more):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.Popen((*COMMAND, "batch", *words), text=True, bufsize=1, **pipes)


def ask(process, method, *params):
    """One call and its answer, before the next line is there."""
    process.stdin.write(json.dumps({"method": method, "params": params}) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


@pytest.mark.parametrize("form", [(), ("--ordered",)])
def test_each_line_is_answered_as_it_comes(form):
    with serving() as (_, address), start(address, *form) as process:
        assert ask(process, "add", 1, 2) == {"id": 1, "result": 3}
        assert ask(process, "echo", "x") == {"id": 2, "result": "x"}
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_a_line_that_comes_later_does_not_wait_for_a_slow_call():
    with serving() as (_, address), start(address) as process:
        process.stdin.write('{"method": "slow", "params": [1.5], "id": "slow"}\n')
        began = time.monotonic()
        assert ask(process, "add", 1, 2) == {"id": 2, "result": 3}
        assert time.monotonic() - began < 1.4
        process.stdin.close()
        assert json.loads(process.stdout.readline())["id"] == "slow"


def test_ctrl_c_tells_what_is_done_and_what_is_unknown():
    with serving("--grace", "0") as (_, address), start(address, "--keep-going") as process:
        assert ask(process, "add", 1, 2)["result"] == 3
        process.stdin.write(SLOW + SLOW)
        assert ask(process, "fail")["id"] == 4
        assert ask(process, "add", 1, 2)["id"] == 5
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(PATIENCE) == -signal.SIGINT
    # The last answer may have been written and not counted yet.
    assert re.search(r"interrupted: [12] done, 1 failed \(line 4\), [23] unknown \(lines 2-3", said)
    assert "nothing was sent from line 6 on" in said


def test_a_lost_server_leaves_calls_unknown():
    with serving("--heartbeat", "0.5") as (server, address), start(address, "--heartbeat", "0.5") as process:
        assert ask(process, "add", 1, 2)["result"] == 3
        process.stdin.write(SLOW)
        assert ask(process, "add", 1, 3)["result"] == 4
        server.popen.kill()
        answer = json.loads(process.stdout.readline())
        said = process.stderr.read()
        assert process.wait(PATIENCE) == 56
    assert (answer["id"], answer["error"]["kind"]) == (2, "lost")
    assert "2 done, 1 unknown (line 2)" in said
    assert "nothing was sent from line 4 on" in said


def test_memory_does_not_grow_with_the_lines():
    script = (
        "import resource, sys\nfrom rpcctl.cli.app import main\ncode = main(sys.argv[1:])\n"
        "print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\n"
    )

    def measure(address, count):
        text = '{"method": "echo", "params": ["' + "x" * 200 + '"]}\n'
        done = subprocess.run(
            [COMMAND[0], "-c", script, "batch", address, "-P", "32", "--ordered"],
            input=text * count,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stdout.count("\n") == count
        code, size = map(int, done.stderr.split())
        assert code == 0
        return size

    with serving("--access-log", "off") as (_, address):
        few = measure(address, 500)
        assert measure(address, 20_000) < few * 1.1 + 1000


def test_a_bar_for_a_person_once_it_lasts(tmp_path):
    calls = tmp_path / "calls"
    calls.write_text('{"method": "slow", "params": [0.1]}\n' * 20)
    leader, follower = pty.openpty()
    with (
        serving() as (_, address),
        start(
            address,
            str(calls),
            "-P",
            "1",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=follower,
            env={**os.environ, "COLUMNS": "80", "TERM": "xterm"},
        ) as process,
    ):
        os.close(follower)
        shown = b""
        while b"%" not in shown:
            shown += os.read(leader, 4096)
        process.wait(PATIENCE)
    os.close(leader)
    assert b"calls, " in shown


@pytest.mark.parametrize("form", [("--quiet",), ()], ids=["quiet", "pipe"])
def test_no_bar_for_anybody_else(tmp_path, form):
    calls = tmp_path / "calls"
    calls.write_text('{"method": "slow", "params": [1.3]}\n')
    done = subprocess.run((*COMMAND, "batch", "py:tests.sample", str(calls), *form), capture_output=True, timeout=20)
    assert (done.stderr, done.returncode) == (b"", 0)
