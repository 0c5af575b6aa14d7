"""zerorpc 0.6.3's own server and client at the other end."""

import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rpcctl.api import Connection
from rpcctl.errors import ConnectionLostError, InvalidArgumentsError, MethodNotFoundError, RemoteError
from tests import sample
from tests.behaviour.test_oneway import wait_until

BEAT = 0.3
SCRIPT = "zerorpc_peer.py"


@pytest.fixture
def stock_server(peer):
    """The endpoint of a stock server."""
    return peer(SCRIPT, "server", BEAT).read()


@pytest.fixture
def to_stock(stock_server, connect):
    """Our client, connected to a stock server."""
    return connect(stock_server, options={"heartbeat": BEAT})


@pytest.fixture
def stock_client(peer, serve):
    """A stock client, connected to our server."""
    return peer(SCRIPT, "client", serve(options={"heartbeat": BEAT}), BEAT)


VALUES: list[Any] = [None, True, -1, 2**63, 1.5, "héllo", [1, [2]], {"a": {"b": []}}]


@pytest.mark.parametrize("value", VALUES)
def test_values_reach_a_stock_server_and_come_back(to_stock, value):
    assert to_stock.echo(value) == [value]


def test_bytes_stay_bytes_at_a_stock_server(to_stock):
    assert to_stock.echo(b"\x00\xff") == [b"\x00\xff"]


def test_errors_of_a_stock_server_are_told_apart(to_stock):
    with pytest.raises(RemoteError) as caught:
        to_stock.fail("boom")
    assert (caught.value.type, caught.value.message) == ("ValueError", "ValueError: boom")
    assert "raise ValueError(message)" in caught.value.traceback
    with pytest.raises(MethodNotFoundError, match="'nope'"):
        to_stock.nope()
    with pytest.raises(InvalidArgumentsError, match="add"):
        to_stock.add()
    with pytest.raises(RemoteError, match="has no len"):
        to_stock.type_error()
    with pytest.raises(RemoteError, match="can not serialize"):
        to_stock.unpackable()
    assert to_stock.add(1) == 3


@pytest.mark.parametrize("n", [0, 1, 2, 100, 101, 1000])
def test_streams_of_a_stock_server(to_stock, n):
    assert list(to_stock.count(n)) == list(range(n))


def test_a_stream_of_a_stock_server_that_fails(to_stock):
    stream = to_stock.fail_midway(3)
    assert list(itertools.islice(stream, 3)) == [0, 1, 2]
    with pytest.raises(RemoteError, match="midway"):
        next(stream)


def test_a_hundred_long_streams_do_not_wedge_a_stock_server(to_stock):
    assert sum(sum(1 for _ in to_stock.count(300)) for _ in range(100)) == 30_000


def test_a_call_longer_than_three_heartbeats_of_a_stock_server(to_stock):
    assert to_stock.sleep(BEAT * 5) == BEAT * 5


def test_a_stock_server_with_another_period_hears_our_echo(peer, connect):
    client = connect(peer(SCRIPT, "server", 0.2).read(), options={"heartbeat": 5.0})
    assert client.sleep(1.5) == 1.5


def test_the_consumer_of_a_stock_stream_may_take_its_time(to_stock):
    stream = to_stock.count(200)
    next(stream)
    time.sleep(BEAT * 6)
    assert sum(1 for _ in stream) == 199


def test_two_streams_and_a_call_at_once_on_one_connection(to_stock):
    one, other = to_stock.count(300), to_stock.count(300)
    pairs = [(next(one), next(other)) for _ in range(150)]
    assert pairs == [(n, n) for n in range(150)]
    assert to_stock.add(1, 1) == 2
    assert (sum(1 for _ in one), sum(1 for _ in other)) == (150, 150)


def test_what_a_stock_server_says_of_itself(to_stock):
    # On Python 3.11 and later its inspect fails, before it names `self`: neither is to be seen.
    description = to_stock.describe()
    assert description.name == "Methods"
    assert {"add", "echo", "count"} <= {each.name for each in description.methods}
    assert description.find("add").summary() == "Add two numbers."
    assert "self" not in description.find("add").signature()
    assert to_stock.ping() == "Methods"


def test_a_cast_to_a_stock_server_runs_to_its_end_although_nobody_beats(stock_server, connect, tmp_path):
    done = tmp_path / "done"
    with Connection(stock_server) as client:
        client.cast("sleep_and_write", BEAT * 5, str(done))
    assert wait_until(done.exists)


def test_a_stock_server_killed_in_mid_call_is_lost_at_once(peer, connect):
    server = peer(SCRIPT, "server", BEAT)
    stream = connect(server.read(), options={"heartbeat": BEAT}).count(10_000)
    next(stream)
    server.kill()
    began = time.monotonic()
    with pytest.raises(ConnectionLostError, match="unknown"):
        for _ in stream:
            pass
    assert time.monotonic() - began < 2 * BEAT


def test_a_stock_server_that_hangs_is_lost_by_its_heartbeats(peer, connect):
    server = peer(SCRIPT, "server", BEAT)
    client = connect(server.read(), options={"heartbeat": BEAT})
    stream = client.count(10_000)
    list(itertools.islice(stream, 10))
    time.sleep(BEAT * 2)
    os.kill(server.process.pid, signal.SIGSTOP)
    with pytest.raises(ConnectionLostError, match="no heartbeat"):
        for _ in stream:
            pass


def test_a_stock_server_that_hangs_before_its_first_heartbeat_is_lost(peer, connect):
    server = peer(SCRIPT, "server", 30)
    client = connect(server.read(), timeout=None, options={"heartbeat": BEAT})
    stream = client.count(10_000)
    next(stream)
    os.kill(server.process.pid, signal.SIGSTOP)
    with pytest.raises(ConnectionLostError, match="no heartbeat"):
        for _ in stream:
            pass


STOCK_CALLS = [
    (("add", 2, 3), ["ok", 5]),
    (("nothing",), ["ok", None]),
    (("echo", [1, {"a": None}]), ["ok", [1, {"a": None}]]),
    (("count", 0), ["items", []]),
    (("count", 1), ["items", [0]]),
    (("count", 300), ["items", list(range(300))]),
    (("count_async", 120), ["items", list(range(120))]),
    (("slow", BEAT * 5), ["ok", BEAT * 5]),
    (("_zerorpc_name",), ["ok", "tests.sample"]),
    (("_zerorpc_ping",), ["ok", ["pong", "tests.sample"]]),
    (("_zerorpc_help", "add"), ["ok", "Add two numbers.\n\nThe sum of both."]),
    (("_zerorpc_args", "add"), ["ok", [["a", "b"], None, None, None]]),
]


@pytest.mark.parametrize(("call", "outcome"), STOCK_CALLS)
def test_calls_of_a_stock_client(stock_client, call, outcome):
    assert stock_client.call(*call) == outcome


STOCK_ERRORS = [
    (("fail", "boom"), "ValueError", "boom", True),
    (("nope",), "NameError", "nope", False),
    (("add", 1), "TypeError", "add", False),
    (("_hidden",), "NameError", "_hidden", False),
    (("rpcctl.inspect",), "NameError", "rpcctl.inspect", False),
    (("leave",), "SystemExit", "3", True),
    (("_zerorpc_help", "nope"), "KeyError", "'nope'", False),
]


@pytest.mark.parametrize(("call", "name", "message", "traced"), STOCK_ERRORS)
def test_errors_as_a_stock_client_sees_them(stock_client, call, name, message, traced):
    kind, cls, its_name, its_message, has_traceback = stock_client.call(*call)
    assert (kind, cls, its_name, has_traceback) == ("error", "RemoteError", name, traced)
    assert message in its_message
    assert stock_client.call("add", 2, 3) == ["ok", 5]


def test_a_stock_client_lists_our_methods(stock_client):
    kind, names = stock_client.call("_zerorpc_list")
    assert (kind, sorted(names)) == ("ok", sorted(sample.__all__))
    kind, found = stock_client.call("_zerorpc_inspect")
    assert found["name"] == "tests.sample"
    assert found["methods"]["default"]["args"] == [{"name": "a"}, {"name": "b", "default": 2}]


@pytest.mark.parametrize("words", [[], ["-?"]])
def test_the_stock_command_lists_our_methods(serve, words):
    command = Path(sys.executable).with_name("zerorpc")
    python = [sys.executable, "-W", "ignore", str(command)]
    done = subprocess.run([*python, *words, serve()], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert "[tests.sample]" in done.stdout
    assert "add" in done.stdout
    assert "Add two numbers." in done.stdout or words


def test_a_stock_client_that_vanishes_frees_its_call(peer, serve):
    sample.released.clear()
    client = peer(SCRIPT, "client", serve(options={"heartbeat": BEAT}), BEAT)
    client.call("add", 2, 3)
    client.tell("endless", [], {})
    assert not sample.released.wait(BEAT * 4)
    client.kill()
    assert sample.released.wait(BEAT * 3)


def test_we_dial_a_stock_client_that_binds(peer, serve):
    client = peer(SCRIPT, "bound-client", BEAT)
    serve(options={"heartbeat": BEAT, "connect": (client.read(),)})
    assert client.call("add", 2, 3) == ["ok", 5]
    assert client.call("count", 150) == ["items", list(range(150))]


@pytest.mark.parametrize(("role", "option"), [("pusher", "pull"), ("publisher", "subscribe")])
def test_one_way_calls_of_stock_senders(peer, serve, role, option):
    sample._memory.clear()
    address = serve(options={option: True})
    sender = peer(SCRIPT, role, address.partition("?")[0])
    # What a publisher sends before our subscription has reached it is lost.
    assert wait_until(lambda: sender.call("remember", role) and sample._memory)
    assert sample._memory[0] == role
