"""The Python API as a caller has it: `import rpcctl`, connections, streams; servers are in test_hosting.py."""

import os
import subprocess
import sys
import threading
import time
from typing import ClassVar

import pytest

import rpcctl
from rpcctl import errors, registry
from rpcctl.address import Address
from tests.conftest import SAMPLE, every_protocol

LOCAL = "tcp://127.0.0.1:0"
NOWHERE = "tcp://127.0.0.1:1"
"""A port where nothing can listen."""


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
    assert client.nothing() is None
    client.close()
    client.close()
    with pytest.raises(rpcctl.ConnectionLostError, match="closed"):
        client.nothing()
    with pytest.raises(rpcctl.ConnectionLostError, match="closed"):
        client.call("remembered")


@every_protocol()
def test_close_before_the_first_call(address):
    client = rpcctl.Connection(address())
    client.close()
    with pytest.raises(rpcctl.ConnectionLostError, match="closed"):
        client.nothing()


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


def test_an_address_can_be_given_parsed(at):
    address = registry.parse_address(at)
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
        client.connect(retry=5, retry_delay=0.3)
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
