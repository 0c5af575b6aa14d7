"""Any protocol to any: what goes through a proxy comes out as if the server had been called itself."""

import threading
import time
from typing import Any

import pytest

import rpcctl
from rpcctl import registry
from rpcctl.errors import (
    ArgumentError,
    CallError,
    ConnectionLostError,
    InvalidArgumentsError,
    MethodNotFoundError,
    RemoteError,
    UsageError,
)
from rpcctl.messages import INSPECT, Failure, Item, Request, Result
from rpcctl.proxy import Proxy
from tests import sample
from tests.conftest import SAMPLE, place, protocols_with, served_with
from tests.process import serving

LOCAL = "tcp://127.0.0.1:0"
HANGS = """
import time


def hang(path):
    open(path, "w").close()
    time.sleep(60)
"""
PAIRS = [(behind, front) for behind in protocols_with("args", "inspect") for front in served_with("args", "inspect")]


class Pair:
    """A server of the sample module behind one protocol, a proxy of it, and a client of another protocol."""

    def __init__(self, behind, front, target=SAMPLE, **options):
        self.behind, self.front = registry.find(behind), registry.find(front)
        self.server = rpcctl.Server(target, place(behind)) if self.behind.server else None
        upstream = str(self.server.addresses[0]) if self.server else f"{behind}:{target}"
        if self.server:
            self.server.start()
            upstream = str(self.server.addresses[0])
        self.proxy = Proxy(upstream, place(front), **{"timeout": 10.0, **options})
        self.proxy.start()
        self.client = rpcctl.connect(str(self.proxy.addresses[0]), timeout=10.0)

    def close(self):
        self.client.close()
        self.proxy.stop()
        if self.server:
            self.server.stop()

    def have(self, feature):
        """Whether both wires carry it."""
        return feature in self.behind.features & self.front.features


@pytest.fixture(scope="module", params=PAIRS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def pair(request):
    made = Pair(*request.param)
    yield made
    made.close()


def test_calls(pair):
    assert pair.client.add(2, 3) == 5
    assert pair.client.echo([1, {"a": [None, True, "ä"]}]) == [1, {"a": [None, True, "ä"]}]
    assert pair.client.nothing() is None


def test_errors_keep_their_type_and_text(pair):
    with pytest.raises(RemoteError, match="on purpose") as caught:
        pair.client.fail()
    assert caught.value.type == "ValueError"
    if pair.have("traceback"):
        assert "raise ValueError" in caught.value.traceback


def test_what_is_not_there_and_what_does_not_fit(pair):
    with pytest.raises(MethodNotFoundError, match="nope"):
        pair.client.call("nope")
    with pytest.raises(InvalidArgumentsError):
        pair.client.add(1)


def test_descriptions_are_carried_across(pair):
    described = pair.client.describe()
    found = described.find("add")
    assert found is not None
    assert found.doc.startswith("Add two numbers.")
    assert [each.name for each in found.parameters or ()] == ["a", "b"]
    assert described.find("_hidden") is None
    # A wire whose own sign of life has no name tells none.
    assert pair.client.ping() in (SAMPLE, "")


def test_streams_are_carried_across_or_listed(pair):
    assert list(pair.client.count(50)) == list(range(50))
    with pytest.raises(CallError, match="midway"):
        list(pair.client.fail_midway(2))


def test_named_arguments_are_carried_across_or_refused_by_name(pair):
    if "kwargs" not in pair.front.features:
        return
    if pair.have("kwargs"):
        assert pair.client.default(1, b=5, c=6) == [1, 5, 6]
    else:
        with pytest.raises(InvalidArgumentsError, match=rf"{pair.behind.scheme} has no named arguments: b="):
            pair.client.default(1, b=5)


def test_one_way_calls_stay_one_way(pair):
    if not pair.have("oneway"):
        return
    token = f"{pair.behind.scheme}-{pair.front.scheme}"
    pair.client.cast("remember", token)
    while token not in pair.client.remembered():
        continue


def test_a_one_way_call_that_cannot_go_on_is_refused_and_logged():
    told = threading.Event()
    outcomes = []

    def note(request, outcome, seconds):
        outcomes.append((request.method, outcome))
        told.set()

    made = Pair("xmlrpc", "jsonrpc", on_done=note)
    made.client.cast("remember", "never")
    assert told.wait(10)
    made.close()
    assert outcomes[0] == ("remember", "arguments UsageError")


def test_an_abandoned_stream_ends_behind_the_proxy():
    sample.released.clear()
    with Proxy(f"py:{SAMPLE}", place("zmq"), connections=1) as proxy:
        stream: Any = proxy._handler(Request("endless"))
        assert next(stream) == Item(0)
        stream.close()
        assert sample.released.wait(10)
        assert list(proxy._handler(Request("add", (2, 3)))) == [Result(5)]


class Target:
    """What JSON cannot carry as it is."""

    def data(self):
        return b"\x00\x01"


def test_values_become_what_the_other_wire_carries():

    with (
        rpcctl.Server(Target(), LOCAL) as server,
        Proxy(str(server.addresses[0]), place("jsonrpc")) as proxy,
        rpcctl.connect(str(proxy.addresses[0])) as client,
    ):
        assert client.data() == "AAE="


def test_calls_run_side_by_side():
    # Neither call returns before the other one is there too.
    meeting = threading.Barrier(2)
    target = type("Target", (), {"meet": staticmethod(lambda: bool(meeting.wait(10) + 1))})()
    done = []
    with rpcctl.Server(target, LOCAL) as server, Proxy(str(server.addresses[0]), place("jsonrpc")) as proxy:

        def work():
            with rpcctl.connect(str(proxy.addresses[0]), timeout=20.0) as client:
                done.append(client.meet())

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert done == [True, True]


def test_when_all_connections_are_in_use_callers_are_told_that_it_is_busy():
    made = Pair("zmq", "jsonrpc", connections=1, max_wait=0.05)
    stream: Any = made.proxy._handler(Request("endless"))
    next(stream)
    with pytest.raises(RemoteError, match="all 1 connections") as caught:
        made.client.add(2, 3)
    assert "not run" in caught.value.hint
    stream.close()
    assert made.client.add(2, 3) == 5
    made.close()


@pytest.mark.parametrize("behind", ["zmq", "jsonrpc", "xmlrpc"])
def test_a_server_that_is_gone_is_told_and_dialled_again(behind):
    made = Pair(behind, "jsonrpc" if behind == "zmq" else "zmq", connect_timeout=2.0)
    assert made.server is not None
    address = made.server.addresses[0]
    assert made.client.add(2, 3) == 5
    made.server.stop()
    with pytest.raises(RemoteError, match="the server behind this proxy cannot be reached"):
        made.client.add(2, 3)
    with rpcctl.Server(SAMPLE, address):
        assert made.client.add(2, 3) == 5
    made.close()


def test_a_server_lost_in_mid_call_leaves_the_outcome_open(tmp_path):
    (tmp_path / "hangs.py").write_text(HANGS)
    begun = tmp_path / "begun"
    with (
        serving(target=str(tmp_path / "hangs.py")) as (process, address),
        Proxy(address, place("jsonrpc")) as proxy,
        rpcctl.connect(str(proxy.addresses[0]), timeout=20.0) as client,
    ):
        killer = threading.Thread(target=lambda: kill_when(begun.exists, process))
        killer.start()
        with pytest.raises(ConnectionLostError):
            client.hang(str(begun))
        killer.join()


def kill_when(condition, process):
    while not condition():
        time.sleep(0.01)
    process.popen.kill()


def test_a_slow_server_is_a_timeout():
    made = Pair("zmq", "jsonrpc", timeout=0.05)
    with pytest.raises(rpcctl.DeadlineError):
        made.client.slow(1)
    made.close()


def test_a_target_in_this_process_has_one_state_for_all_connections():
    with Proxy("py:@kv", place("zmq")) as proxy:
        streams: list[Any] = [proxy._handler(Request("incr", ("hits",))) for _ in range(2)]
        # Both calls hold a connection of their own by then.
        assert sorted(next(each).value for each in streams) == [1, 2]


def test_dialling_anew_on_request_loses_no_call():
    made = Pair("zmq", "zmq")
    assert made.client.add(2, 3) == 5
    made.proxy.reload()
    assert made.client.add(2, 3) == 5
    made.close()


def test_a_proxy_of_a_proxy():
    made = Pair("zmq", "jsonrpc")
    with (
        Proxy(str(made.proxy.addresses[0]), place("xmlrpc")) as second,
        rpcctl.connect(str(second.addresses[0])) as client,
    ):
        assert client.add(2, 3) == 5
        with pytest.raises(MethodNotFoundError):
            client.call("nope")
    made.close()


def test_beyond_loopback_only_when_asked():
    with pytest.raises(UsageError, match="reachable from other machines") as caught:
        Proxy("tcp://127.0.0.1:1", "tcp://0.0.0.0:0")
    assert "--allow-remote" in caught.value.hint
    Proxy("tcp://127.0.0.1:1", "tcp://0.0.0.0:0", allow_remote=True).stop()


def test_nothing_is_told_of_a_server_that_says_nothing_of_itself(free_port):
    with Proxy(f"tcp://127.0.0.1:{free_port}", "tcp://127.0.0.1:0", connect_timeout=0.2) as proxy:
        (reply,) = proxy._handler(Request(INSPECT))
        assert isinstance(reply, Failure)
        assert reply.kind == "busy"
        with pytest.raises(rpcctl.ConnectError):
            proxy.describe()


def test_arguments_that_the_other_wire_cannot_hold_are_refused():
    made = Pair("zmq", "jsonrpc")
    with pytest.raises(InvalidArgumentsError, match="argument 1"):
        made.client.echo(2**70)
    with pytest.raises(ArgumentError):
        made.client.echo(object())
    made.close()
