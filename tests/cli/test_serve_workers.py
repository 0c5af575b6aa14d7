"""`rpcctl serve --workers N`: one server to its callers, its target in processes of their own."""

import os
import signal
import subprocess
import threading
import time

import pytest

import rpcctl
from rpcctl.errors import CallError, ConnectionLostError, RemoteError
from tests.process import PATIENCE, run, serving

TARGET = """
import os, time
from pathlib import Path

folder = Path(__file__).parent


def pid():
    return os.getpid()


def version():
    return 1


def die():
    os._exit(7)


def wait_for(name):
    (folder / f"waits-for-{name}").touch()
    while not (folder / name).exists():
        time.sleep(0.002)
    return name


def say(text):
    print(text)
    return input()


def endless():
    n = 0
    try:
        while True:
            yield n
            n += 1
    finally:
        (folder / "closed").touch()
"""


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "served.py"
    path.write_text(TARGET)
    return path


def await_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def is_running(pid):
    """Also false for a zombie, which nobody is left to reap when its parent was killed."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()[:1] not in ("", "Z")


def call_in_background(address, *call):
    results = []

    def work():
        with rpcctl.connect(address, timeout=PATIENCE) as client:
            results.append(client.call(*call))

    thread = threading.Thread(target=work)
    thread.start()
    return thread, results


def test_calls_failures_streams_and_the_log_are_as_without():
    with serving("--workers", "2") as (process, address), rpcctl.connect(address) as client:
        process.wait_for("serving tests.sample")
        assert client.add(2, 3) == 5
        assert client.slow_async(0.01) == 0.01
        assert list(client.count(200)) == list(range(200))
        assert list(client.count_async(3)) == [0, 1, 2]
        described = client.describe().find("add")
        assert described is not None
        assert described.signature() == "(a: int, b: int) -> int"
        with pytest.raises(RemoteError, match="on purpose") as caught:
            client.fail()
        assert "raise ValueError(message)" in caught.value.traceback
        assert '"ok"' in process.wait_for('"add"')
        assert "ValueError" in process.wait_for('"fail"')


def test_calls_run_in_other_processes_which_end_with_the_server(target):
    with serving("--workers", "2", target=str(target)) as (process, address):
        with rpcctl.connect(address) as client:
            pids = {client.pid() for _ in range(4)}
        assert len(pids) == 2
        assert process.popen.pid not in pids
        process.signal()
        assert process.wait() == 0
        assert not any(map(is_running, pids))


def test_processes_end_when_the_server_is_killed(target):
    with serving("--workers", "2", target=str(target)) as (process, address):
        with rpcctl.connect(address) as client:
            pids = {client.pid() for _ in range(4)}
        process.signal(signal.SIGKILL)
        process.wait()
        await_until(lambda: not any(map(is_running, pids)))


def test_a_signal_to_the_whole_group_lets_running_calls_finish(target):
    with serving("--workers", "2", target=str(target), start_new_session=True) as (process, address):
        thread, results = call_in_background(address, "wait_for", "go")
        await_until((target.parent / "waits-for-go").exists)
        os.killpg(process.popen.pid, signal.SIGINT)
        process.wait_for("stopping")
        (target.parent / "go").touch()
        thread.join()
        assert results == ["go"]
        assert process.wait() == 0


def test_a_process_that_dies_is_replaced(target):
    with serving("--workers", "1", target=str(target)) as (process, address), rpcctl.connect(address) as client:
        before = client.pid()
        with pytest.raises(ConnectionLostError, match="ended with status 7 while it ran die"):
            client.die()
        process.wait_for("another one takes its place")
        assert client.pid() != before


def test_sighup_loads_the_target_anew_and_keeps_the_old_one_if_that_fails(target):
    with serving("--workers", "2", target=str(target)) as (process, address), rpcctl.connect(address) as client:
        pids = {client.pid() for _ in range(2)}
        target.write_text("def broken(:\n")
        process.signal(signal.SIGHUP)
        process.wait_for("not reloaded")
        assert {client.pid() for _ in range(2)} == pids
        target.write_text(TARGET.replace("return 1", "return 20"))
        process.signal(signal.SIGHUP)
        process.wait_for("reloaded")
        assert [client.version() for _ in range(4)] == [20] * 4


def test_a_stream_that_is_abandoned_is_closed(target):
    with serving("--workers", "1", "--heartbeat", "0.3", target=str(target)) as (_, address):
        with rpcctl.connect(address, options={"heartbeat": 0.3}) as client:
            items = client.endless()
            assert [next(items) for _ in range(300)] == list(range(300))
        # The wire has no word for it: the server sees that the heartbeats have stopped.
        await_until((target.parent / "closed").exists)


def test_call_timeout_answers_for_a_method_that_never_returns():
    with serving("--workers", "1", "--call-timeout", "0.3") as (_, address), rpcctl.connect(address) as client:
        with pytest.raises(rpcctl.RpcctlError, match="--call-timeout"):
            client.slow(30)
        assert client.add(2, 3) == 5


def test_what_a_target_prints_goes_to_stderr_and_what_it_reads_is_empty(target):
    with serving("--workers", "1", target=str(target)) as (process, address), rpcctl.connect(address) as client:
        with pytest.raises(CallError, match="EOFError"):
            client.say("hello")
        process.wait_for("hello")
        process.signal()
        process.wait()
        assert process.popen.stdout is not None
        assert process.popen.stdout.read() == ""


REFUSED = [
    # words, what the error names
    (("tests.sample", "--lock"), "--lock"),
    (("@kv",), "@kv"),
    (("nosuchmodule",), "nosuchmodule"),
    (("tests.sample", "--executor", "procs"), "procs"),
]


@pytest.mark.parametrize(("words", "names"), REFUSED)
def test_refuses_what_processes_cannot_share_and_what_cannot_be_loaded(words, names):
    done = run("serve", *words, "--workers", "2", "--bind", "tcp://127.0.0.1:0")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("rpcctl: error: ")
    assert names in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_live_object_is_refused():
    with pytest.raises(rpcctl.RpcctlError, match="live object"):
        rpcctl.Server(object(), "tcp://127.0.0.1:0", workers=2)
