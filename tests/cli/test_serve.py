"""`rpcctl serve` as a process: what it prints, how it stops, what it refuses, how it reloads."""

import json
import os
import signal
import socket
import threading
import time
from typing import Any

import pytest

import rpcctl
from rpcctl.errors import CallError
from tests.process import run, serving

COUNTER = """
import time

n = 0


def bump():
    global n
    seen = n
    time.sleep(0.002)
    n = seen + 1
    return n
"""
CART = """
class Cart:
    def __init__(self, size):
        self.size = size

    def full(self):
        return self.size
"""


def call_later(address, *call, results, **options):
    """A thread that makes one call and keeps what came of it."""

    def work():
        with rpcctl.connect(address, **options) as client:
            try:
                results.append(client.call(*call))
            except Exception as exc:
                results.append(exc)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_stdout_has_the_address_and_stderr_the_rest():
    with serving() as (process, address):
        assert address.startswith("tcp://127.0.0.1:")
        process.wait_for("add")
        with rpcctl.connect(address) as client:
            assert client.add(2, 3) == 5
        line = json.loads(process.wait_for('"add"'))
        assert line["outcome"] == "ok"
        assert not {"args", "kwargs"} & set(line)
        process.signal()
        assert process.wait() == 0
        assert process.popen.stdout is not None
        assert process.popen.stdout.read() == ""


def test_the_access_log_as_text():
    with serving("--access-log", "text") as (process, address), rpcctl.connect(address) as client:
        client.add(4711, 0)
        line = process.wait_for(" add ")
        assert " ok " in line
        assert " ms " in line
        assert "4711" not in line


def test_the_access_log_of_a_pipe_is_json():
    with serving() as (process, address), rpcctl.connect(address) as client:
        with pytest.raises(CallError):
            client.fail()
        line = json.loads(process.wait_for('"fail"'))
        assert line["method"] == "fail"
        assert "ValueError" in line["outcome"]
        assert line["ms"] >= 0
        assert "args" not in line


def test_the_access_log_off():
    with serving("--access-log", "off") as (process, address), rpcctl.connect(address) as client:
        client.add(2, 3)
        process.signal()
        process.wait()
        assert " add " not in process.rest()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_calls_finish(number):
    results: list[Any] = []
    with serving() as (process, address):
        thread = call_later(address, "slow", 0.8, results=results)
        time.sleep(0.3)
        process.signal(number)
        process.wait_for("stopping")
        thread.join()
        assert results == [0.8]
        assert process.wait() == 0


def call_while(condition, method):
    """Call again and again: the note that the server stops is printed just before it does."""
    while condition():
        method(2, 3)


def test_after_the_signal_new_calls_are_told_so():
    results: list[Any] = []
    with serving() as (process, address), rpcctl.connect(address) as client:
        thread = call_later(address, "slow", 1.0, results=results)
        time.sleep(0.3)
        process.signal()
        process.wait_for("stopping")
        with pytest.raises(CallError, match="shutting down"):
            call_while(thread.is_alive, client.add)
        thread.join()
        assert results == [1.0]


def test_grace_ends_and_says_what_was_left():
    with serving("--grace", "0.2") as (process, address):
        thread = call_later(address, "slow", 30, results=[], timeout=1.0)
        time.sleep(0.3)
        process.signal()
        assert "1 call" in process.wait_for("--grace")
        assert process.wait() == 0
        thread.join()


def test_a_second_signal_stops_at_once():
    with serving() as (process, address):
        thread = call_later(address, "slow", 30, results=[], timeout=1.0)
        time.sleep(0.3)
        process.signal()
        process.wait_for("stopping")
        began = time.monotonic()
        process.signal()
        assert process.wait() == 0
        assert time.monotonic() - began < 5
        thread.join()


def test_once_serves_one_call_and_leaves():
    with serving("--once") as (process, address):
        with rpcctl.connect(address) as client:
            assert client.ping() == "tests.sample"
            assert client.add(2, 3) == 5
        assert process.wait() == 0


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "calc.py"
    path.write_text("def answer():\n    return 1\n")
    return path


def rewrite(path, text):
    """Give the file another text and another time of change, however coarse the clock."""
    path.write_text(text)
    stat = path.stat()
    os.utime(path, (stat.st_atime, stat.st_mtime + 5))


def test_sighup_loads_the_target_anew_and_keeps_the_old_one_if_that_fails(target):
    with serving(target=str(target)) as (process, address), rpcctl.connect(address) as client:
        assert client.answer() == 1
        rewrite(target, "def answer():\n    return 2\n")
        process.signal(signal.SIGHUP)
        process.wait_for("reloaded")
        assert client.answer() == 2
        rewrite(target, "def answer(:\n")
        process.signal(signal.SIGHUP)
        process.wait_for("not reloaded")
        assert client.answer() == 2


def test_reload_watches_the_file(target):
    with serving("--reload", target=str(target)) as (process, address), rpcctl.connect(address) as client:
        assert client.answer() == 1
        rewrite(target, "def answer():\n    return 2\n")
        process.wait_for("reloaded")
        assert client.answer() == 2


def test_several_binds_serve_the_same_target(tmp_path):
    words = ("--bind", "tcp://127.0.0.1:0", "--bind", f"ipc://{tmp_path}/s")
    with serving(*words) as (process, first):
        second = process.read_address()
        for address in (first, second):
            with rpcctl.connect(address) as client:
                assert client.add(2, 3) == 5


def test_what_a_target_prints_goes_to_stderr_and_what_it_reads_is_empty(tmp_path):
    (tmp_path / "noisy.py").write_text("def say():\n    print('hello')\n\ndef ask():\n    return input()\n")
    with serving(target=str(tmp_path / "noisy.py")) as (process, address), rpcctl.connect(address) as client:
        assert client.say() is None
        process.wait_for("hello")
        with pytest.raises(CallError, match="EOFError"):
            client.ask()


def test_call_timeout_answers_for_a_method_that_never_returns():
    with serving("--call-timeout", "0.3") as (_, address), rpcctl.connect(address) as client:
        began = time.monotonic()
        with pytest.raises(rpcctl.RpcctlError, match="--call-timeout"):
            client.slow(30)
        assert time.monotonic() - began < 3
        assert client.add(2, 3) == 5


def test_max_concurrent_makes_callers_wait_then_says_busy():
    with serving("--max-concurrent", "1", "--max-wait", "0.2") as (_, address), rpcctl.connect(address) as client:
        thread = call_later(address, "slow", 1.0, results=[])
        time.sleep(0.3)
        with pytest.raises(CallError, match="--max-concurrent"):
            client.add(2, 3)
        thread.join()
        assert client.add(2, 3) == 5


def test_lock_runs_one_call_at_a_time(tmp_path):
    (tmp_path / "counter.py").write_text(COUNTER)
    with serving("--lock", target=str(tmp_path / "counter.py")) as (_, address):

        def work():
            with rpcctl.connect(address) as client:
                for _ in range(25):
                    client.bump()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with rpcctl.connect(address) as client:
            assert client.bump() == 101


REFUSED = [
    # words, exit code, what the error names, what the hint offers
    ((), 2, "TARGET", ""),
    (("nosuchmodule",), 2, "nosuchmodule", ""),
    (("tests.sampel",), 2, "tests.sampel", "sample"),
    (("tests.sample:_hidden",), 2, "_hidden", ""),
    (("math:pi",), 2, "pi", ""),
    (("decimal:Context.prec",), 2, "prec", ""),
    (("./nosuch.py",), 2, "nosuch.py", ""),
    (("tests.sample", "--only", "zz*"), 2, "0 ", ""),
    (("math", "math"), 2, "math", ""),
    (("os", "--bind", "tcp://*:0"), 2, "--allow-remote", ""),
    (("time", "--bind", "tcp://127.0.0.1:99999"), 3, "99999", ""),
    (("time", "--bind", "tcp://no.such.host.invalid:1"), 6, "no.such.host.invalid", ""),
    (("time", "--bind", "py:time"), 2, "py", ""),
    (("time", "--executor", "procs"), 2, "procs", "threads"),
    (("time", "--heartbeat", "often"), 2, "often", "off"),
]


@pytest.mark.parametrize(("words", "code", "names", "hint"), REFUSED)
def test_refuses_with_a_remedy(words, code, names, hint):
    done = run("serve", *words)
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("rpcctl: error: ")
    assert names in done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_class_that_needs_arguments(tmp_path):
    (tmp_path / "cart.py").write_text(CART)
    done = run("serve", str(tmp_path / "cart.py") + ":Cart")
    assert done.returncode == 2
    assert "size" in done.stderr
    assert "Cart(" in done.stderr
    with serving(target=str(tmp_path / "cart.py") + ":Cart(3)") as (_, address), rpcctl.connect(address) as client:
        assert client.full() == 3


def test_a_broken_target_shows_its_own_traceback_and_none_of_ours(tmp_path):
    (tmp_path / "broken.py").write_text("import math\n\nvalue = math.sqroot(2)\n")
    done = run("serve", str(tmp_path / "broken.py"))
    assert done.returncode == 2
    assert "value = math.sqroot(2)" in done.stderr
    assert "importlib" not in done.stderr
    assert "rpcctl/service" not in done.stderr


def test_a_port_in_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "time", "--bind", f"tcp://127.0.0.1:{port}")
    assert done.returncode == 7
    assert str(port) in done.stderr
    assert "in use" in done.stderr


def test_a_dangerous_target_is_served_to_this_machine_with_a_warning():
    with serving(target="os") as (process, _):
        assert "system" in process.wait_for("warning")


def test_quiet_prints_the_address_only():
    with serving("--quiet", "--access-log", "off") as (process, _):
        process.signal()
        process.wait()
        assert process.rest() == ""
