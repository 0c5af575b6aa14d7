"""The same commands through a real redis-server. Needs Debian's redis-server."""

import socket
import subprocess
import time

import pytest

from tests import sample
from tests.behaviour.test_oneway import wait_until


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    """Where a server of this module's own listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    words = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path_factory.mktemp("redis")))
    process = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
    assert wait_until(lambda: _listens(port))
    yield f"redis://127.0.0.1:{port}"
    process.kill()
    process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("dialect", ["oslo", "plain", "nameko"])
def test_calls_and_casts(redis, serve, connect, topic, dialect):
    sample._memory.clear()
    at = f"{redis}?topic={topic}&dialect={dialect}"
    serve(sample, at)
    client = connect(at)
    assert client.add(2, 3) == 5
    assert client.ping() == "tests.sample"
    client.cast("remember", "cast")
    assert wait_until(lambda: sample._memory == ["cast"])


def test_servers_share_the_calls_and_all_get_a_fanout(redis, serve, connect, topic):
    sample._memory.clear()
    at = f"{redis}?topic={topic}"
    for _ in range(2):
        serve(sample, at)
    client = connect(at)
    assert [client.echo(number) for number in range(10)] == list(range(10))
    list(client.send(client.request("remember", ("x",), oneway=True, fanout=True)))
    assert wait_until(lambda: sample._memory == ["x", "x"])


def test_neither_end_sleeps_between_two_looks(redis, serve, connect, topic):
    at = f"{redis}?topic={topic}"
    serve(at=at)
    client = connect(at)
    client.nothing()
    took = []
    for _ in range(20):
        began = time.monotonic()
        client.nothing()
        took.append(time.monotonic() - began)
    assert min(took) < 0.008


def test_a_server_that_is_gone_is_named(cli, free_port):
    done = cli("call", f"redis://127.0.0.1:{free_port}?topic=x", "nothing")
    assert (done.exit_status, str(free_port) in done.stderr) == (7, True), done.stderr
