"""Our client and our server: calls that are large, late or cut off, one-way patterns, traces and threads."""

import subprocess
import sys
import threading
import time

import pytest

from rpcctl.api import Connection
from rpcctl.errors import (
    ArgumentError,
    ConnectError,
    ConnectionLostError,
    DeadlineError,
    InvalidArgumentsError,
    RemoteError,
    RpcctlError,
    UsageError,
)
from tests import sample
from tests.behaviour.test_oneway import wait_until


def test_a_server_that_comes_back_is_called_again(serve, connect):
    from rpcctl.hosting import Server

    with Server("tests.sample", "tcp://127.0.0.1:0") as server:
        at = str(server.addresses[0])
        client = connect(at)
        assert client.add(2, 3) == 5
    with Server("tests.sample", at):
        assert wait_until(lambda: answers(client))
    # Lost, when the news that the connection broke comes only after the request has left.
    with pytest.raises((ConnectError, ConnectionLostError)):
        client.add(2, 3)


def answers(client: Connection) -> bool:
    try:
        return bool(client.add(2, 3) == 5)
    except (ConnectError, ConnectionLostError):
        return False


def test_our_server_killed_in_mid_call_is_lost_within_two_heartbeats(connect):
    words = ["serve", "tests.sample", "--bind", "tcp://127.0.0.1:0", "--heartbeat", "0.5"]
    with subprocess.Popen(
        [sys.executable, "-m", "rpcctl", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        client = connect(process.stdout.readline().strip(), options={"heartbeat": 0.5})
        killed = []

        def kill() -> None:
            killed.append(time.monotonic())
            process.kill()

        threading.Timer(0.3, kill).start()
        with pytest.raises(ConnectionLostError) as caught:
            client.slow(30)
        assert time.monotonic() - killed[0] < 1.0
        assert caught.value.exit_code == 56


def test_fifty_megabytes_go_and_come_back(serve, connect):
    client = connect(serve(), timeout=30)
    value = bytes(50_000_000)
    assert client.echo(value) == value


def test_a_message_over_the_limit_is_refused_before_it_is_sent(serve, connect):
    client = connect(serve(), max_message=1000)
    with pytest.raises(ArgumentError, match="1000 are allowed"):
        client.echo("x" * 1000)
    assert client.add(2, 3) == 5


def test_a_message_over_the_servers_limit_is_an_error_of_the_call(serve, connect):
    client = connect(serve(max_message=1_000_000))
    with pytest.raises(RpcctlError, match="1000000 are allowed"):
        client.echo(bytes(1_500_000))
    assert client.add(2, 3) == 5


def test_a_timeout_is_kept_and_the_late_reply_is_dropped(serve, connect):
    client = connect(serve(), timeout=0.2)
    began = time.monotonic()
    with pytest.raises(DeadlineError):
        client.slow(0.6)
    assert 0.2 <= time.monotonic() - began < 0.5
    client.timeout = 5.0
    assert [client.add(n, 1) for n in range(10)] == [n + 1 for n in range(10)]


def test_the_kinds_of_error_survive_without_tracebacks(serve, connect):
    client = connect(serve(tracebacks=False))
    with pytest.raises(InvalidArgumentsError):
        client.add(1)
    with pytest.raises(RemoteError, match="TypeError"):
        client.add(1, "x")


@pytest.mark.parametrize(("way", "back"), [("push", "pull"), ("publish", "subscribe")])
def test_one_way_patterns_between_our_ends(serve, way, back):
    sample._memory.clear()
    with Connection(serve(options={back: True})) as client:
        client.cast("remember", way)
        client.cast("remember", "again")
        with pytest.raises(UsageError, match="one-way"):
            client.add(2, 3)
    assert wait_until(lambda: len(sample._memory) == 2)
    assert sample._memory == [way, "again"]


def test_the_printed_address_says_how_to_send(serve):
    address = serve(options={"subscribe": True})
    assert address.endswith("?publish=yes")


def test_a_cast_leaves_although_the_client_closes_at_once(serve):
    sample._memory.clear()
    address = serve()
    for number in range(20):
        with Connection(address) as client:
            client.cast("remember", number)
    assert wait_until(lambda: len(sample._memory) == 20)


def test_the_trace_shows_both_ways(serve, connect):
    lines: list[tuple[str, str]] = []
    client = connect(serve(), trace=lambda way, text, data: lines.append((way, text)))
    client.add(2, 3)
    assert [way for way, _ in lines] == ["*", "*", ">", "<"]
    assert "add [2, 3]" in lines[2][1]
    assert "OK [5]" in lines[3][1]


def test_a_call_starts_no_thread_and_a_stream_starts_one(serve, connect):
    client = connect(serve())
    client.add(2, 3)
    assert not beating_threads()
    stream = client.count(200)
    next(stream)
    assert len(beating_threads()) == 1
    client.close()
    assert wait_until(lambda: not beating_threads())


def beating_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rpcctl-zmq-heartbeat"]
