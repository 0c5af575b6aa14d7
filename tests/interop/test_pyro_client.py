"""Our client to Pyro5's own daemon."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from rpcctl.api import Connection
from rpcctl.errors import (
    ArgumentError,
    AuthError,
    CertificateError,
    ConnectError,
    InvalidArgumentsError,
    MethodNotFoundError,
    RemoteError,
    RemoteProtocolError,
    TLSError,
)
from tests.http.conftest import Certificates
from tests.process import run

PEER = Path(__file__).parent / "pyro_peer.py"


class Daemon:
    """Pyro5's daemon in a process of its own."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, str(PEER), *words]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the peer has ended"
        self.told = json.loads(line)

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def daemon():
    """A function that starts a daemon, `daemon(*words)`, and tells the addresses of its objects."""
    made: list[Daemon] = []

    def start(*words: str) -> dict[str, str]:
        made.append(Daemon("daemon", *words))
        found: dict[str, str] = made[-1].told
        return found

    yield start
    for each in made:
        each.stop()


@pytest.fixture(scope="module")
def things():
    """The address of an object of a daemon that serves several tests."""
    peer = Daemon("daemon")
    yield peer.told["things"]
    peer.stop()


@pytest.fixture(params=["msgpack", "serpent", "json"])
def client(request, things):
    with Connection(f"{things}?serializer={request.param}", timeout=10) as connection:
        yield connection


def test_arguments_by_position_and_by_name(client):
    assert client.add(1) == 111
    assert client.add(1, 2) == 103
    assert client.add(1, b=2, c=3) == 6


VALUES = [None, True, -5, 2**64, -(2**70), 1.5, math.inf, "é 漢 \U0001f600 '\"\\\x00", [], [1, [None]], {"a": {"b": 1}}]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_there_and_back(client, value):
    assert client.echo(value) == value


@pytest.mark.parametrize("serializer", ["msgpack", "serpent"])
def test_bytes_there_and_back(things, serializer):
    with Connection(f"{things}?serializer={serializer}") as client:
        assert client.echo(b"\x00\xff") == b"\x00\xff"


def test_bytes_are_refused_where_json_has_none(things):
    with Connection(f"{things}?serializer=json") as client, pytest.raises(ArgumentError, match="json cannot carry"):
        client.echo(b"x")


def test_attributes_are_read_and_written(client):
    client.total(5)
    assert client.total() == 5
    assert client.total(7) is None
    assert client.total() == 7
    assert client.call("__getattr__", "total") == 7
    client.call("__setattr__", "total", 5)
    assert client.total() == 5


def test_streams(client):
    assert list(client.count(3)) == [0, 1, 2]
    assert list(client.count(0)) == []
    stream = client.count(1000)
    assert next(stream) == 0
    assert client.add(1) == 111
    assert next(stream) == 1
    stream.close()
    assert client.add(1) == 111
    failing = client.fail_midway()
    assert next(failing) == 1
    with pytest.raises(RemoteError, match="KeyError: 'midway'"):
        next(failing)


def test_errors_with_type_message_and_traceback(client):
    with pytest.raises(RemoteError) as caught:
        client.fail("böse")
    assert (caught.value.type, caught.value.message) == ("ValueError", "ValueError: böse")
    assert "raise ValueError(message)" in caught.value.traceback
    with pytest.raises(RemoteError) as caught:
        client.fail_own()
    assert (caught.value.type, caught.value.message) == ("Own", "Own: ('secret', 3)")


def test_what_is_not_there_and_what_is_called_wrongly(client):
    with pytest.raises(MethodNotFoundError, match="nope"):
        client.nope()
    with pytest.raises(MethodNotFoundError, match="_total"):
        client.call("_total")
    with pytest.raises(InvalidArgumentsError, match="missing"):
        client.add()
    with pytest.raises(RemoteError, match="missing") as caught:
        client.bad_arguments_inside()
    assert not isinstance(caught.value, InvalidArgumentsError)


def test_objects_of_classes_are_shown_as_they_come(client):
    assert client.unknown() == {"__class__": "__main__.Unknown", "x": 1}
    assert client.kinds()["big"] == 2**70


def test_a_result_that_cannot_be_sent_costs_that_call_only(client):
    with pytest.raises(RemoteError):
        client.lock()
    assert client.add(1) == 111


def test_a_server_that_hangs_up_in_a_call_is_told(client):
    from rpcctl.errors import ConnectionLostError

    with pytest.raises(ConnectionLostError, match="whether it ran is unknown"):
        client.leave()
    assert client.add(1) == 111


def test_one_way_calls(client):
    mark = client.info.scheme + str(id(client))
    client.cast("hear", mark)
    client.cast("nope", mark)
    for _ in range(1000):
        if mark in client.all_heard():
            return
    pytest.fail("the call was not heard")


def test_batches(client):
    batch = client.batch()
    batch.add(1)
    batch.fail("x")
    batch.nope()
    batch.total()
    batch.cast("hear", "batched")
    batch.add(2)
    found = batch.send()
    assert [found[n] for n in (0, 3, 4, 5)] == [111, 5, None, 112]
    assert [type(found[n]) for n in (1, 2)] == [RemoteError, MethodNotFoundError]
    assert found[1].type == "ValueError"


def test_a_stream_spoils_a_batch_and_not_the_connection(client):
    batch = client.batch()
    batch.add(1)
    batch.count(2)
    assert all(isinstance(each, RemoteError) for each in batch.send())
    assert client.add(1) == 111


def test_names_only_are_known_of_it(client):
    description = client.describe()
    assert description.name == "things"
    assert description.find("add").parameters is None
    assert description.find("total").attribute
    assert client.ping() == ""


def test_compressed_messages_in_both_directions(daemon):
    at = daemon("compress")["things"]
    with Connection(at, options={"compress": True}) as client:
        assert client.long() == "long" * 1000
        assert client.echo("x" * 5000) == "x" * 5000


def test_a_daemon_without_msgpack(daemon):
    at = daemon("no-msgpack")["things"]
    with Connection(at) as client:
        assert client.add(1) == 111
    with pytest.raises(RemoteProtocolError, match="ended in the handshake"):
        Connection(f"{at}?serializer=msgpack").connect()


def test_a_daemons_only_object_need_not_be_named(things):
    port = things.rpartition(":")[2]
    for at in (f"pyro+tcp://127.0.0.1:{port}", f"pyro://127.0.0.1:{port}/things", f"pyro:things@127.0.0.1:{port}"):
        with Connection(at) as client:
            assert client.add(1) == 111


def test_all_objects_of_a_daemon(daemon):
    at = daemon("several")["things"].replace("things@", "Pyro.Daemon@")
    with Connection(at) as client:
        names = {each.name for each in client.describe().methods}
        assert {"registered", "things.add", "things.total", "other.hello"} <= names
        assert client.registered() == ["Pyro.Daemon", "things", "other"]
        assert client.call("other.hello") == "hello"
        assert client.call("things.total") == 5
        with pytest.raises(MethodNotFoundError):
            client.call("other.nope")
    with Connection(f"pyro+tcp://127.0.0.1:{at.rpartition(':')[2]}") as client:
        assert client.call("things.add", 1) == 111


def test_an_object_that_is_not_there(things):
    at = things.replace("things@", "nope@")
    with pytest.raises(MethodNotFoundError, match="no object 'nope'"):
        Connection(at).connect()
    done = run("call", at, "add", "1")
    assert (done.returncode, done.stdout) == (78, "")


def test_a_unix_socket(daemon, tmp_path):
    path = str(tmp_path / "a socket")
    assert daemon(f"unix:{path}")["things"] == f"PYRO:things@./u:{path}"
    for at in (f"PYRO:things@./u:{path}", f"pyro+unix://{path}#things", f"pyro+unix://{path}"):
        with Connection(at) as client:
            assert client.add(1) == 111


def test_ipv6(daemon):
    at = daemon("ipv6")["things"]
    assert at.startswith("PYRO:things@[::1]:")
    with Connection(at) as client:
        assert client.add(1) == 111
        assert str(client.address) == at


def test_a_token(daemon, tmp_path, monkeypatch):
    at = daemon("token:open sesame")["things"]
    (tmp_path / "token").write_text("open sesame\n")
    with Connection(at, options={"token-file": str(tmp_path / "token")}) as client:
        assert client.add(1) == 111
    with pytest.raises(AuthError, match="go away") as caught:
        Connection(at).connect()
    assert (caught.value.exit_code, caught.value.hint) == (67, "--token-file FILE")
    monkeypatch.setenv("RPCCTL_TOKEN", "open sesame")
    done = run("call", at, "add", "1", "-vv")
    assert done.stdout == "111\n"
    assert "sesame" not in done.stderr


def test_encryption(daemon, tmp_path):
    made = Certificates(tmp_path)
    cert, key = made.server
    place = daemon(f"tls:{cert}:{key}")["things"].partition("@")[2]
    at = f"pyro+tls://{place}/things"
    with Connection(at, options={"cacert": made.authority[0]}) as client:
        assert client.add(1) == 111
    with Connection(at, options={"insecure": True}) as client:
        assert client.add(1) == 111
    with pytest.raises(CertificateError):
        Connection(at).connect()


def test_encryption_where_there_is_none(things):
    with pytest.raises(TLSError) as caught:
        Connection(f"pyro+tls://{things.partition('@')[2]}/things", options={"insecure": True}).connect()
    assert "pyro+tcp://" in caught.value.hint


def test_nobody_there(free_port):
    with pytest.raises(ConnectError, match="refused"):
        Connection(f"PYRO:x@127.0.0.1:{free_port}").connect()


# Names.


@pytest.fixture(scope="module")
def names():
    """The port of a name server that knows of an object."""
    server = Daemon("names")
    peer = Daemon("daemon", f"ns:{server.told['port']}")
    yield server.told["port"]
    peer.stop()
    server.stop()


@pytest.mark.parametrize("at", ["PYRONAME:things.one@127.0.0.1:{}", "pyroname:things.one@localhost:{}"])
def test_a_name(names, at):
    at = at.format(names)
    with Connection(at) as client:
        assert client.add(1) == 111
        assert str(client.address) == at


@pytest.mark.parametrize("tags", ["blue", "blue,round"])
def test_tags(names, tags):
    with Connection(f"PYROMETA:{tags}@127.0.0.1:{names}") as client:
        assert client.add(1) == 111


@pytest.mark.parametrize("at", ["PYRONAME:nope@127.0.0.1:{}", "PYROMETA:blue,square@127.0.0.1:{}"])
def test_an_unknown_name(names, at):
    with pytest.raises(MethodNotFoundError) as caught:
        Connection(at.format(names)).connect()
    assert caught.value.exit_code == 78
    assert f"rpcctl call PYRO:Pyro.NameServer@127.0.0.1:{names} list" in caught.value.hint


def test_no_name_server(free_port):
    with pytest.raises(ConnectError, match=f"name server at 127.0.0.1:{free_port}"):
        Connection(f"PYRONAME:x@127.0.0.1:{free_port}").connect()


def test_the_name_server_is_an_object_like_any_other(names):
    done = run("call", f"PYRO:Pyro.NameServer@127.0.0.1:{names}", "lookup", "things.one", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["state"][:2] == ["PYRO", "things"]
    done = run("list", f"PYRO:Pyro.NameServer@127.0.0.1:{names}")
    assert "yplookup" in done.stdout.split()


def test_sets_and_tuples_are_printed(things):
    at = f"{things}?serializer=serpent"
    assert run("call", at, "kinds", "--json").stdout.startswith('{"tuple": [1, 2]')
