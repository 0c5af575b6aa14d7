"""Our client and stock managers: calls, each kind of reply, objects given back, keys, servers that misbehave."""

import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import rpcctl
from rpcctl.errors import (
    AddressError,
    ArgumentError,
    AuthError,
    ConnectError,
    ConnectionLostError,
    DeadlineError,
    InputError,
    MethodNotFoundError,
    RemoteError,
    RemoteProtocolError,
    UsageError,
)
from rpcctl.protocols.manager import codec, handshake
from tests.interop.manager_peers import KEY, PYTHONS, Raw, stock_server
from tests.process import running


@pytest.fixture(scope="module")
def place():
    """Where a stock server is."""
    with stock_server() as found:
        yield found


@pytest.fixture
def box(place):
    """A connection to one of its objects."""
    with rpcctl.connect(f"manager://{place}/box", timeout=5) as connection:
        yield connection


def count_objects(place):
    """How many objects a stock server keeps."""
    with Raw(place) as raw:
        raw.write(pickle.dumps((None, "number_of_objects", (), {})))
        return codec.read_reply(raw.read())[1]


@pytest.mark.parametrize("python", PYTHONS)
def test_every_python_that_is_there(python):
    with stock_server(python=python) as place, rpcctl.connect(f"manager://{place}/get_dict") as shared:
        shared.call("__setitem__", "k", [1, {"a": None}])
        assert shared.copy() == {"k": [1, {"a": None}]}
        assert [shared.keys(), shared.items()] == [["k"], [["k", [1, {"a": None}]]]]
        with pytest.raises(AuthError), stock_server(python=python, key="another key") as other:
            rpcctl.connect(f"manager://{other}/get_dict")


def test_a_unix_socket(tmp_path):
    path = str(tmp_path / "m.sock")
    with stock_server(path):
        for address in (f"manager+unix://{path}#get_dict", f"manager+unix://{path}?typeid=get_dict"):
            with rpcctl.connect(address) as shared:
                assert shared.call("__len__") == 0


@pytest.mark.parametrize(
    "value", [None, 2**100, b"\x00\xff", "é", [1, [2]], {"a": {"b": []}}, {1: 2}, 1.5, "x" * 10**6]
)
def test_values_go_there_and_back(box, value):
    assert box.echo(value) == value


def test_named_arguments(box):
    assert box.echo(1, a=2) == [[1], {"a": 2}]


def test_what_a_method_raises(box):
    with pytest.raises(RemoteError, match="ValueError: boom"):
        box.fail("boom")
    with pytest.raises(RemoteError, match="Odd: 'odd', 1"):
        box.fail_oddly()
    with pytest.raises(RemoteError, match="cannot be sent"):
        box.lock()
    with pytest.raises(RemoteError, match="TypeError"):
        box.fail(1, 2, 3)
    assert box.echo(1) == 1


def test_an_object_of_an_unknown_class_is_shown(box):
    assert box.odd() == {"class": "__main__.Thing", "state": {"size": 3}}


def test_what_is_not_there(box, place):
    with pytest.raises(MethodNotFoundError, match="no method 'nope'"):
        box.nope()
    with pytest.raises(MethodNotFoundError, match="no typeid 'nope'"):
        rpcctl.connect(f"manager://{place}/nope")
    with rpcctl.connect(f"manager://{place}") as nothing:
        assert nothing.ping() == ""
        with pytest.raises(MethodNotFoundError, match="names none of the manager's objects") as caught:
            nothing.echo(1)
        assert "/TYPEID" in caught.value.hint


def test_an_iterator_is_a_stream(box, place):
    before = count_objects(place)
    assert list(box.count(5)) == [0, 1, 2, 3, 4]
    assert list(box.count(0)) == []
    stream = box.count(10**9)
    assert [next(stream), next(stream)] == [0, 1]
    stream.close()
    assert box.echo(1) == 1
    assert count_objects(place) == before


def test_an_object_that_stays_there_is_copied(box, place):
    before = count_objects(place)
    assert box.inner() == {"a": 1}
    assert count_objects(place) == before
    with rpcctl.connect(f"manager://{place}/get_queue") as queue:
        assert "Queue" in queue.call("__repr__")


def test_the_copy_of_an_object(place):
    with rpcctl.connect(f"manager://{place}/dict", options={"create-args": '[{"a": 1}]'}) as made:
        assert made.call("#GETVALUE") == {"a": 1}
    with rpcctl.connect(f"manager://{place}/list?create-args=[[1,2]]") as made:
        assert made.pop() == 2


def test_the_names_of_methods_are_listed(box):
    names = [method.name for method in box.describe().methods]
    assert {"echo", "fail", "count"} <= set(names)
    assert box.ping() == ""


def test_a_queue(place):
    with rpcctl.connect(f"manager://{place}/get_queue") as queue:
        queue.put("job")
        assert queue.get() == "job"
        with pytest.raises(RemoteError, match="Empty"):
            queue.get(False)


def test_no_object_is_left_behind(place):
    before = count_objects(place)
    for _ in range(20):
        with rpcctl.connect(f"manager://{place}/new_box") as made:
            made.echo(1)
        with pytest.raises(RemoteError), rpcctl.connect(f"manager://{place}/new_box") as made:
            made.fail()
        with pytest.raises(DeadlineError), rpcctl.connect(f"manager://{place}/new_box", timeout=0.05) as made:
            made.block()
    assert count_objects(place) == before


def test_no_object_is_left_behind_by_an_interrupted_command(place):
    before = count_objects(place)
    with running("call", f"manager://{place}/new_box", "block", "-v", env={"RPCCTL_AUTHKEY": KEY}) as process:
        process.wait_for("> block")
        assert count_objects(place) == before + 1
        process.signal(signal.SIGINT)
        process.wait()
    assert count_objects(place) == before


def test_a_session_that_ends_without_a_reply(box):
    with pytest.raises(ConnectionLostError, match="may have run"):
        box.leave()
    assert box.echo(1) == 1


def test_twenty_cold_calls_are_fast(place):
    began = time.monotonic()
    for _ in range(20):
        with rpcctl.connect(f"manager://{place}/box") as connection:
            connection.echo(1)
    assert time.monotonic() - began < 1


# Keys.


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_a_key_from_a_file(place, tmp_path, monkeypatch, ending):
    monkeypatch.delenv("RPCCTL_AUTHKEY")
    path = tmp_path / "key"
    path.write_bytes(KEY.encode() + ending)
    path.chmod(0o600)
    with rpcctl.connect(f"manager://{place}/box", options={"authkey-file": str(path)}) as connection:
        assert connection.echo(1) == 1


def test_a_key_that_others_can_read_is_refused(place, tmp_path):
    path = tmp_path / "key"
    path.write_text(KEY)
    path.chmod(0o644)
    with pytest.raises(UsageError, match="can be read by others"):
        rpcctl.connect(f"manager://{place}/box", options={"authkey-file": str(path)})


def test_keys_that_are_none(place, tmp_path, monkeypatch):
    monkeypatch.delenv("RPCCTL_AUTHKEY")
    with pytest.raises(UsageError, match="without its key"):
        rpcctl.connect(f"manager://{place}/box")
    with pytest.raises(InputError):
        rpcctl.connect(f"manager://{place}/box", options={"authkey-file": str(tmp_path / "absent")})
    for content in (b"", b"\n", b"x" * 70_000):
        (tmp_path / "key").write_bytes(content)
        (tmp_path / "key").chmod(0o600)
        with pytest.raises(UsageError):
            rpcctl.connect(f"manager://{place}/box", options={"authkey-file": str(tmp_path / "key")})


def test_the_key_is_never_shown(place, capfd):
    env = {**os.environ, "RPCCTL_AUTHKEY": "the wrong secret"}
    command = [sys.executable, "-m", "rpcctl", "call", f"manager://{place}/box", "echo", "1", "-vv", "--traceback"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=20)
    assert done.returncode == 67
    assert "wrong secret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("address", "options", "error"),
    [
        ("manager://127.0.0.1:1/a?typeid=b", {}, AddressError),
        ("manager://127.0.0.1:1/a", {"create-args": "{}"}, ArgumentError),
        ("manager://127.0.0.1:1/a", {"create-args": "[1"}, ArgumentError),
        ("manager://127.0.0.1:1", {"create-args": "[1]"}, ArgumentError),
        ("manager://127.0.0.1:1?authkey=secret", {}, AddressError),
        ("manager://127.0.0.1:1/a", {}, ConnectError),
    ],
)
def test_addresses_that_mean_nothing(address, options, error):
    with pytest.raises(error) as caught:
        rpcctl.connect(address, options=options)
    assert "secret" not in str(caught.value)


# Servers that are none, or lie.


class Impostor:
    """A server that says what it is told to, on every connection, then hangs up or stays silent."""

    def __init__(self, talk):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"manager://127.0.0.1:{self.listener.getsockname()[1]}"
        self.seen = 0
        self._talk = talk
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.seen += 1
            with connection:
                try:
                    self._talk(connection)
                except (OSError, EOFError, rpcctl.RpcctlError):
                    pass


@pytest.fixture
def impostor():
    """A function that makes one of a function that talks to a connection."""
    made = []

    def make(talk):
        made.append(Impostor(talk))
        return made[-1]

    yield make
    for each in made:
        each.listener.close()


def let_in(connection, message=b"{sha256}" + b"x" * 40):
    """The server's end of the handshake, whatever the client answers; a function that reads frames."""
    frames = codec.Frames(1 << 20)

    def read():
        while (found := frames.next()) is None:
            data = connection.recv(65536)
            if not data:
                raise EOFError
            frames.feed(data)
        return found

    connection.sendall(codec.frame(handshake.CHALLENGE + message))
    read()
    connection.sendall(codec.frame(handshake.WELCOME))
    asked = read().removeprefix(handshake.CHALLENGE)
    connection.sendall(codec.frame(handshake.respond(KEY.encode(), asked)))
    read()
    return read


def serving(*replies):
    """What accepts a session, then answers each request with the next of the bytes."""

    def talk(connection):
        read = let_in(connection)
        read()
        connection.sendall(codec.frame(pickle.dumps(("#RETURN", None))))
        for reply in replies:
            read()
            connection.sendall(reply)
        read()

    return talk


@pytest.mark.parametrize(
    ("first", "error", "says"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", RemoteProtocolError, "an HTTP server"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", RemoteProtocolError, "SSH"),
        (b"x" * 40, RemoteProtocolError, "no manager"),
        (b"\x7f\xff\xff\xff#CHALLENGE#", RemoteProtocolError, "--max-message"),
        (codec.frame(b"hello"), RemoteProtocolError, "does not begin as a manager"),
        (b"", ConnectError, "hung up"),
        (b"\0\0\0\x0b#CHALL", ConnectError, "hung up"),
    ],
)
def test_a_server_that_is_none(impostor, first, error, says):
    with pytest.raises(error, match=says):
        rpcctl.connect(impostor(lambda connection: connection.sendall(first)).address)


def test_a_server_of_another_protocol_is_named_with_what_to_type_instead(impostor):
    other = impostor(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with pytest.raises(RemoteProtocolError, match=f"{re.escape(other.address)} looks like an HTTP server") as caught:
        rpcctl.connect(other.address)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", caught.value.hint)


def test_a_server_that_says_nothing(impostor):
    silent = impostor(lambda connection: connection.recv(1))
    with pytest.raises(ConnectError, match=r"a manager speaks first.*within 0.1 s"):
        rpcctl.connect(silent.address, connect_timeout=0.1)
    with pytest.raises(DeadlineError):
        rpcctl.connect(silent.address, timeout=0.1)


def test_a_server_that_does_not_know_the_key(impostor):
    def talk(connection):
        connection.sendall(codec.frame(handshake.CHALLENGE + b"x" * 20))
        connection.recv(100)
        connection.sendall(codec.frame(handshake.WELCOME))
        connection.recv(100)
        connection.sendall(codec.frame(b"y" * 16))
        connection.recv(100)

    with pytest.raises(AuthError, match="the server does not know the key"):
        rpcctl.connect(impostor(talk).address)


def test_a_server_patched_to_sha256_is_tried_again(impostor):
    import hmac

    def talk(connection):
        message, frames = b"m" * 20, codec.Frames(256)

        def read():
            while (found := frames.next()) is None:
                frames.feed(connection.recv(4096))
            return found

        connection.sendall(codec.frame(handshake.CHALLENGE + message))
        if read() != hmac.digest(KEY.encode(), message, "sha256"):
            connection.sendall(codec.frame(handshake.FAILURE))
            return
        connection.sendall(codec.frame(handshake.WELCOME))
        asked = read().removeprefix(handshake.CHALLENGE)
        connection.sendall(codec.frame(hmac.digest(KEY.encode(), asked, "sha256")))
        read()
        for reply in (None, "found"):
            while frames.next() is None:
                frames.feed(connection.recv(4096))
            connection.sendall(codec.frame(pickle.dumps(("#RETURN", reply))))

    server = impostor(talk)
    with rpcctl.connect(server.address) as connection:
        assert connection.anything() == "found"
    assert server.seen == 2


class Evil:
    """Makes a directory, if a pickle's word is Python's command."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_nothing_that_a_server_sends_is_run(impostor, tmp_path):
    path = str(tmp_path / "made")
    replies = [codec.frame(pickle.dumps((kind, Evil(path)), 4)) for kind in ("#RETURN", "#ERROR", "#TRACEBACK")]
    with rpcctl.connect(impostor(serving(*replies)).address) as connection:
        assert connection.anything() == {"class": "posix.mkdir", "args": [path]}
        for _ in range(2):
            with pytest.raises(RemoteError):
                connection.anything()
    assert not os.path.exists(path)


@pytest.mark.parametrize(
    "reply",
    [
        codec.frame(b"garbage"),
        codec.frame(pickle.dumps(3)),
        codec.frame(pickle.dumps(("#PROXY", 3))),
        b"\x7f\xff\xff\xff",
        b"\x80\0\0\0",
        b"\xff" * 12,
    ],
)
def test_replies_that_are_none(impostor, reply):
    with rpcctl.connect(impostor(serving(reply)).address) as connection, pytest.raises(RemoteProtocolError):
        connection.anything()
