"""The Python API as a server has it: `rpcctl.Server` in this process, `rpcctl.serve` in one of its own."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import rpcctl
from rpcctl.service.target import Target
from tests import sample
from tests.conftest import SAMPLE

LOCAL = "tcp://127.0.0.1:0"


class Calc:
    """A live object."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, n: int) -> int:
        """Add to the total."""
        self.total += n
        return self.total

    def _hidden(self) -> None:
        """Not exposed."""


class Other:
    """Another one."""

    def hello(self) -> str:
        """Greet."""
        return "hello"


def test_a_live_object_is_served_and_keeps_its_state():
    calc = Calc()
    with rpcctl.Server(calc, LOCAL) as server, rpcctl.connect(str(server.addresses[0])) as client:
        assert client.add(2) == 2
        assert client.add(3) == 5
        assert calc.total == 5
        assert [each.name for each in client.describe().methods] == ["add"]
        assert client.ping() == "Calc"


@pytest.mark.parametrize(
    ("target", "methods"),
    [
        (["math", "tests.sample"], {"math.sqrt", "tests.sample.add"}),
        ([Calc(), Other()], {"Calc.add", "Other.hello"}),
        (["math", Other()], {"math.sqrt", "Other.hello"}),
        ((Target("calc", "calc", Calc(), ""), Other()), {"calc.add", "Other.hello"}),
        ([Other()], {"hello"}),
        (sample.add, {"add"}),
    ],
    ids=lambda value: "",
)
def test_several_targets(target, methods):
    server = rpcctl.Server(target, LOCAL)
    names = {each.name for each in server.service.description.methods}
    assert methods <= names
    assert not {name for name in names if name.rpartition(".")[2].startswith("_")}
    server.stop()


@pytest.mark.parametrize("target", ["no_such_module", [], [object()], "tests.sample:_hidden"], ids=repr)
def test_nothing_to_serve_is_refused_before_anything_is_bound(target):
    with pytest.raises(rpcctl.TargetError):
        rpcctl.Server(target, LOCAL)


def test_several_addresses(tmp_path):
    with rpcctl.Server(SAMPLE, LOCAL, f"ipc://{tmp_path}/s", LOCAL) as server:
        assert len({str(each) for each in server.addresses}) == 3
        for address in server.addresses:
            with rpcctl.connect(str(address)) as client:
                assert client.add(2, 3) == 5


def test_without_an_address_the_default_one_is_meant():
    server = rpcctl.Server(SAMPLE)
    assert [str(each) for each in server.addresses] == ["tcp://127.0.0.1:4242"]
    server.stop()


def test_stop_frees_the_address_and_is_idempotent(free_port):
    address = f"tcp://127.0.0.1:{free_port}"
    for _ in range(2):
        server = rpcctl.Server(SAMPLE, address)
        with server, rpcctl.connect(address) as client:
            assert client.add(2, 3) == 5
            assert not server.wait(0)
        server.stop()
        server.stop()
        assert server.wait(0)


def test_stop_before_start():
    server = rpcctl.Server(SAMPLE, LOCAL)
    server.stop()
    server.stop()
    assert server.wait(0)


def test_stop_from_another_thread_ends_the_wait():
    with rpcctl.Server(SAMPLE, LOCAL) as server:
        threading.Timer(0.1, server.stop).start()
        assert server.wait(10)


def test_a_method_can_end_its_own_server_and_is_answered():
    leaving: list[rpcctl.Server] = []

    def stop():
        leaving[0].drain(10)
        leaving[0].stop()

    def leave():
        threading.Thread(target=stop).start()
        return "bye"

    with rpcctl.Server(leave, LOCAL) as server, rpcctl.connect(str(server.addresses[0])) as client:
        leaving.append(server)
        assert client.leave() == "bye"
        assert server.wait(10)


def test_an_address_that_is_taken_frees_the_ones_before_it(free_port):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        theirs = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        server = rpcctl.Server(SAMPLE, f"tcp://127.0.0.1:{free_port}", theirs)
        with pytest.raises(rpcctl.ConnectError, match="in use"):
            server.start()
    with socket.create_server(("127.0.0.1", free_port)):
        pass
    server.stop()


def test_drain_waits_for_the_calls_that_run():
    begun = threading.Event()
    results: list[str] = []

    def work():
        begun.set()
        time.sleep(0.5)
        return "finished"

    def call():
        with rpcctl.connect(str(server.addresses[0])) as client:
            results.append(client.work())

    with rpcctl.Server(work, LOCAL) as server:
        thread = threading.Thread(target=call)
        thread.start()
        assert begun.wait(10)
        assert server.drain(10) == 0
        thread.join(10)
    assert results == ["finished"]


def rewrite(path: Path, text: str) -> None:
    """Give the file another text and another time of change, however coarse the clock."""
    path.write_text(text)
    stat = path.stat()
    os.utime(path, (stat.st_atime, stat.st_mtime + 5))


def test_reload_takes_text_targets_from_disk_and_leaves_objects_alone(tmp_path):
    path = tmp_path / "fresh.py"
    path.write_text("def answer():\n    return 1\n")
    calc = Calc()
    with rpcctl.Server([str(path), calc], LOCAL) as server, rpcctl.connect(str(server.addresses[0])) as client:
        assert (client.call("fresh.answer"), client.call("Calc.add", 1)) == (1, 1)
        rewrite(path, "def answer():\n    return 2\n\n\ndef more():\n    return 3\n")
        server.reload()
        assert (client.call("fresh.answer"), client.call("fresh.more")) == (2, 3)
        assert client.call("Calc.add", 1) == 2
        rewrite(path, "def answer(:\n")
        with pytest.raises(rpcctl.TargetError):
            server.reload()
        assert client.call("fresh.answer") == 2


@pytest.mark.parametrize("address", ["tcp://*:0", "tcp://0.0.0.0:0", "tcp://127.evil.example:1"])
def test_a_dangerous_target_is_not_offered_to_other_machines(address):
    with pytest.raises(rpcctl.UsageError) as caught:
        rpcctl.Server("os", address)
    assert "system" in caught.value.message
    assert "--allow-remote" in caught.value.hint


def test_a_dangerous_target_is_offered_when_that_is_asked_for():
    server = rpcctl.Server("os", "tcp://*:0", allow_remote=True)
    assert "system" in server.dangers
    server.stop()
    local = rpcctl.Server("os", LOCAL)
    assert "system" in local.dangers
    local.stop()


def test_a_reload_must_not_make_it_dangerous(tmp_path):
    path = tmp_path / "tame.py"
    path.write_text("def hello():\n    return 'hello'\n")
    server = rpcctl.Server(str(path), "tcp://*:0")
    rewrite(path, "from os import system\n\n__all__ = ['system']\n")
    with pytest.raises(rpcctl.UsageError, match="system"):
        server.reload()
    assert [each.name for each in server.service.description.methods] == ["hello"]
    server.stop()


def test_on_done_is_told_of_each_call():
    seen = []
    with rpcctl.Server(SAMPLE, LOCAL, on_done=lambda request, outcome, seconds: seen.append(request.method)) as server:
        with rpcctl.connect(str(server.addresses[0])) as client:
            client.add(2, 3)
            with pytest.raises(rpcctl.RemoteError):
                client.fail()
        server.drain(5)
    assert seen == ["add", "fail"]


SERVE = """
import sys, threading
import rpcctl

class Work:
    def slow(self, seconds):
        threading.Event().wait(seconds)
        return "finished"

    def ready(self):
        return True

rpcctl.serve(Work(), sys.argv[1])
print("after")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_on_a_signal_when_running_calls_are_over(free_port, number):
    address = f"tcp://127.0.0.1:{free_port}"
    results = []
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        client = rpcctl.Connection(address)
        client.connect(retry=200, retry_delay=0.05)
        assert client.ready()
        thread = threading.Thread(target=lambda: results.append(client.slow(0.8)))
        thread.start()
        with rpcctl.connect(address) as other:
            assert other.ready()  # By now the slow call, sent before, is under way.
        time.sleep(0.2)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        thread.join(10)
    client.close()
    assert results == ["finished"]
    assert (out, err, process.returncode) == ("after\n", "", 0)


def test_serve_is_for_the_main_thread(free_port):
    address = f"tcp://127.0.0.1:{free_port}"
    caught = []

    def work():
        try:
            rpcctl.serve(SAMPLE, address)
        except rpcctl.RpcctlError as exc:
            caught.append(exc)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert "rpcctl.Server" in caught[0].hint
    with socket.create_server(("127.0.0.1", free_port)):
        pass
