"""The Python API: `import rpcctl`, connections, streams, and servers in this process."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

import pytest

import rpcctl
from rpcctl import errors, registry
from rpcctl.address import Address
from rpcctl.service.target import Target
from tests import sample
from tests.conftest import SAMPLE, every_protocol

LOCAL = "tcp://127.0.0.1:0"
NOWHERE = "tcp://127.0.0.1:1"
"""A port where nothing can listen."""


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


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def server():
    """The sample module, served."""
    with rpcctl.Server(SAMPLE, LOCAL) as server:
        yield server


@pytest.fixture
def at(server):
    return str(server.addresses[0])


def all_errors(root=errors.RpcctlError):
    """The root and every class below it that rpcctl defines."""
    below = [each for sub in root.__subclasses__() if sub.__module__ == errors.__name__ for each in all_errors(sub)]
    return [root, *below]


def test_every_error_is_reachable_from_the_package():
    for each in all_errors():
        assert getattr(rpcctl, each.__name__) is each
        assert each.__name__ in rpcctl.__all__


@pytest.mark.parametrize("name", rpcctl.__all__)
def test_all_that_is_named_is_there(name):
    assert getattr(rpcctl, name) is not None


def test_what_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'conect'"):
        rpcctl.conect  # noqa: B018  # the access is the test


def test_importing_loads_nothing_and_a_name_loads_its_own_module():
    script = (
        "import sys, rpcctl\n"
        "light = [name for name in sys.modules if name.startswith(('rpcctl.', 'zmq', 'msgpack', 'typer'))]\n"
        "rpcctl.DeadlineError\n"
        "more = [name for name in sys.modules if name.startswith('rpcctl.')]\n"
        "print(light, more)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[] ['rpcctl.errors']\n"


@every_protocol()
def test_methods_are_called_by_attribute_and_by_name(client):
    assert client.add(2, 3) == 5
    assert client.call("add", 2, 3) == 5
    add = client.add
    assert [add(n, 1) for n in range(3)] == [1, 2, 3]


@every_protocol()
def test_names_with_an_underscore_are_never_remote(client):
    with pytest.raises(AttributeError):
        client._hidden()


@every_protocol()
def test_a_method_that_bears_a_name_of_ours_is_called_by_name(address, connect, tmp_path):
    (tmp_path / "shadow.py").write_text("def close():\n    return 'remote'\n\n\ndef timeout():\n    return 'too'\n")
    client = connect(address(str(tmp_path / "shadow.py")))
    assert client.call("close") == "remote"
    assert client.call("timeout") == "too"


@every_protocol("inspect")
def test_describe_and_ping(client):
    description = client.describe()
    assert description.find("add").signature() == "(a: int, b: int) -> int"
    assert isinstance(client.ping(), str)


@every_protocol("stream")
def test_a_stream_is_iterated_once(client):
    stream = client.count(3)
    assert isinstance(stream, rpcctl.Stream)
    assert iter(stream) is stream
    assert list(stream) == [0, 1, 2]
    assert list(stream) == []


@every_protocol("stream")
def test_a_failed_stream_raises_once_and_is_over(client):
    stream = client.fail_midway(1)
    assert next(stream) == 0
    with pytest.raises(rpcctl.RemoteError, match="midway"):
        next(stream)
    assert list(stream) == []


@every_protocol("stream")
@pytest.mark.parametrize("read", [0, 1, 5])
def test_a_closed_stream_gives_nothing_more(client, read):
    stream = client.endless()
    assert [next(stream) for _ in range(read)] == list(range(read))
    stream.close()
    stream.close()
    assert list(stream) == []
    assert client.add(2, 3) == 5


@every_protocol("oneway")
def test_a_cast_returns_at_once_and_is_run(client):
    mark = os.urandom(8).hex()
    assert client.cast("remember", mark) is None
    end = time.monotonic() + 10
    while mark not in client.remembered():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_timeout_of_a_connection_can_be_changed(at):
    with rpcctl.connect(at, timeout=0.1) as client:
        with pytest.raises(rpcctl.DeadlineError):
            client.slow(0.5)
        client.timeout = 5.0
        assert client.slow(0.3) == 0.3


def test_the_time_between_items_can_be_limited(tmp_path):
    (tmp_path / "pause.py").write_text("import time\n\n\ndef two():\n    yield 1\n    time.sleep(2)\n    yield 2\n")
    with (
        rpcctl.Server(str(tmp_path / "pause.py"), LOCAL) as server,
        rpcctl.connect(str(server.addresses[0]), item_timeout=0.2) as client,
    ):
        stream = client.two()
        assert next(stream) == 1
        with pytest.raises(rpcctl.DeadlineError, match="--item-timeout"):
            next(stream)


@every_protocol()
def test_close_is_idempotent_and_calls_after_it_say_so(address):
    client = rpcctl.connect(address())
    assert client.add(2, 3) == 5
    client.close()
    client.close()
    with pytest.raises(rpcctl.ConnectionLostError, match="closed"):
        client.add(2, 3)
    with pytest.raises(rpcctl.ConnectionLostError, match="closed"):
        client.call("count", 3)


@every_protocol()
def test_close_before_the_first_call(address):
    client = rpcctl.Connection(address())
    client.close()
    with pytest.raises(rpcctl.ConnectionLostError, match="closed"):
        client.add(2, 3)


def test_a_connection_connects_by_itself_at_its_first_call(at):
    client = rpcctl.Connection(at)
    assert client.add(2, 3) == 5
    client.connect()
    assert client.add(2, 3) == 5
    client.close()


def test_a_connection_that_is_made_touches_no_network():
    began = time.monotonic()
    rpcctl.Connection("tcp://no.such.host.invalid:1").close()
    assert time.monotonic() - began < 1.0


def test_an_address_can_be_given_parsed(server):
    (address,) = server.addresses
    assert isinstance(address, Address)
    client = rpcctl.Connection(address)
    assert client.add(2, 3) == 5
    client.close()


def test_bare_addresses_take_the_protocol_asked_for(at):
    with rpcctl.connect(at.removeprefix("tcp://"), proto="zerorpc") as client:
        assert client.info.scheme == "zmq"
        assert client.add(2, 3) == 5


class Unreachable:
    """A client that never connects; `made` holds all there were."""

    made: ClassVar[list["Unreachable"]] = []

    def __init__(self, *args):
        self.closed = False
        self.tried = threading.Event()
        self.made.append(self)

    def connect(self, deadline):
        self.tried.set()
        raise errors.ConnectError("refused")

    def close(self):
        self.closed = True


@pytest.fixture
def unreachable(monkeypatch):
    """Every client that is made from now on."""
    monkeypatch.setattr(Unreachable, "made", [])
    monkeypatch.setattr(registry, "client", Unreachable)
    return Unreachable.made


@pytest.mark.parametrize("enter", [rpcctl.connect, lambda at: rpcctl.Connection(at).__enter__()])
def test_what_cannot_connect_is_closed(unreachable, enter):
    with pytest.raises(rpcctl.ConnectError):
        enter(NOWHERE)
    assert [each.closed for each in unreachable] == [True]


def test_a_server_that_appears_later_is_waited_for(free_port):
    address = f"tcp://127.0.0.1:{free_port}"
    servers = []

    def appear():
        servers.append(rpcctl.Server(SAMPLE, address))
        servers[0].start()

    timer = threading.Timer(0.4, appear)
    timer.start()
    client = rpcctl.Connection(address)
    client.connect(retry=100, retry_delay=0.1)
    assert client.add(2, 3) == 5
    client.close()
    timer.join()
    servers[0].stop()


def test_tries_are_counted_and_each_is_closed_before_the_next(unreachable):
    client = rpcctl.Connection(NOWHERE)
    with pytest.raises(rpcctl.ConnectError):
        client.connect(retry=2, retry_delay=0.01)
    assert [each.closed for each in unreachable] == [True, True, False]
    client.close()
    assert unreachable[-1].closed


def test_tries_end_with_the_time_that_is_left():
    client = rpcctl.Connection(NOWHERE, timeout=0.3)
    began = time.monotonic()
    with pytest.raises((rpcctl.ConnectError, rpcctl.DeadlineError)):
        client.connect(retry=1000, retry_delay=0.1)
    assert time.monotonic() - began < 2.0
    client.close()


def test_after_close_there_is_no_further_try(unreachable):
    client = rpcctl.Connection(NOWHERE, timeout=None)

    def close():
        unreachable[0].tried.wait(10)
        client.close()

    thread = threading.Thread(target=close)
    thread.start()
    with pytest.raises(rpcctl.ConnectError):
        client.connect(retry=1000, retry_delay=0.3)
    thread.join()
    assert [each.closed for each in unreachable] == [True]


def test_a_call_is_never_repeated(free_port, monkeypatch):
    """A server that takes the request and dies, then one that would answer: the call fails, and ran once at most."""
    monkeypatch.setenv("RPCCTL_HEARTBEAT", "0.3")
    calls = []
    begun, go_on = threading.Event(), threading.Event()

    class Slow:
        def work(self):
            calls.append(1)
            begun.set()
            go_on.wait(10)

    address = f"tcp://127.0.0.1:{free_port}"
    first = rpcctl.Server(Slow(), address)
    first.start()
    client = rpcctl.Connection(address)
    client.connect(retry=100, retry_delay=0.05)
    failed = []

    def call():
        try:
            client.work()
        except rpcctl.RpcctlError as exc:
            failed.append(exc)

    caller = threading.Thread(target=call)
    caller.start()
    assert begun.wait(10)
    threading.Thread(target=first.stop).start()
    other = rpcctl.Connection(address)
    caller.join(15)
    go_on.set()
    first.stop()
    with rpcctl.Server(Slow(), address):
        other.connect(retry=100, retry_delay=0.05)
        other.ping()
    other.close()
    client.close()
    assert isinstance(failed[0], rpcctl.ConnectionLostError)
    assert "unknown" in failed[0].message
    assert calls == [1]


@pytest.mark.parametrize("value", ["off", "0.5", 0.5])
def test_a_protocols_options_are_given_by_name(at, value):
    with rpcctl.connect(at, options={"heartbeat": value}) as client:
        assert client.add(2, 3) == 5
        assert list(client.count(3)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "names", "hint"),
    [
        ({"hartbeat": 1.0}, "hartbeat", "heartbeat"),
        ({"heartbeat": "often"}, "often", ""),
        ({"pull": True}, "pull", ""),
        ({"push": "maybe"}, "maybe", ""),
    ],
)
def test_an_option_that_has_no_meaning_is_refused(options, names, hint):
    with pytest.raises(rpcctl.UsageError) as caught:
        rpcctl.Connection(NOWHERE, options=options)
    assert names in caught.value.message
    assert hint in caught.value.hint


def test_an_option_of_the_other_side_is_refused_by_a_server():
    with pytest.raises(rpcctl.UsageError, match="push"):
        rpcctl.Server(SAMPLE, LOCAL, options={"push": True})


@pytest.mark.parametrize("address", ["", "tcp//h:1", "nope://h:1", "tcp://h:1?colour=red"])
def test_a_wrong_address_is_refused(address):
    with pytest.raises(rpcctl.AddressError):
        rpcctl.connect(address)


@every_protocol()
def test_two_threads_on_one_connection_get_their_own_answers_or_a_clear_error(address, connect):
    client = connect(address())
    wrong: list[object] = []
    done: list[int] = []

    def work(number):
        for n in range(200):
            try:
                value = client.echo([number, n])
            except rpcctl.RpcctlError:
                continue
            except Exception as exc:
                wrong.append(exc)
                return
            done.append(number)
            if value != [number, n]:
                wrong.append(value)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert wrong == []
    assert set(done) == {0, 1, 2, 3}
    assert client.add(2, 3) == 5


@every_protocol("stream")
def test_two_threads_with_streams_on_one_connection(address, connect):
    client = connect(address())
    seen: dict[int, list[int]] = {}

    def work(number):
        seen[number] = list(client.count(300 + number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == {number: list(range(300 + number)) for number in range(3)}


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


def test_drain_waits_for_the_calls_that_run(server, at):
    results: list[float] = []

    def call():
        with rpcctl.connect(at) as client:
            begun.set()
            results.append(client.slow(0.5))

    begun = threading.Event()
    thread = threading.Thread(target=call)
    thread.start()
    begun.wait(10)
    while not server.executor.running:
        time.sleep(0.01)
    assert server.drain(10) == 0
    thread.join(10)
    assert results == [0.5]


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
