"""Our client where there is no server, another kind of server, or a silent one."""

import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from rpcctl.api import Connection
from rpcctl.errors import AddressError, ConnectError, DeadlineError, RemoteProtocolError, ResolveError


def refused() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


UNREACHABLE = [
    (refused, ConnectError, "refused", 7),
    (lambda: "tcp://no-such-host.invalid:4242", ResolveError, "no-such-host.invalid", 6),
    (lambda: "ipc:///no/such/socket", ConnectError, "no such file", 7),
    (lambda: "tcp://*:4242", AddressError, r"\*", 3),
]


@pytest.mark.parametrize(("at", "error", "message", "code"), UNREACHABLE)
def test_why_there_is_no_connection_is_said_at_once(at, error, message, code):
    began = time.monotonic()
    with pytest.raises(error, match=message) as caught, Connection(at()):
        pass
    assert caught.value.exit_code == code
    assert time.monotonic() - began < 3.0


class Listener:
    """A TCP server that says something to whoever connects, or to whoever has spoken."""

    def __init__(self, says: bytes, first: bool = False, when: bytes = b"") -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.server.getsockname()[1]}"
        self.says, self.first, self.when = says, first, when
        self.open: list[socket.socket] = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            try:
                peer, _ = self.server.accept()
            except OSError:
                return
            self.open.append(peer)
            threading.Thread(target=self.talk, args=(peer,), daemon=True).start()

    def talk(self, peer: socket.socket) -> None:
        try:
            heard = b"" if self.first else peer.recv(1000)
            if self.when in heard:
                peer.sendall(self.says)
                peer.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for peer in self.open:
            peer.close()


@pytest.fixture
def listener() -> Iterator[Callable[..., Listener]]:
    made: list[Listener] = []

    def make(*args: Any, **options: Any) -> Listener:
        made.append(Listener(*args, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


OTHERS = [
    ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), {}, "HTTP"),
    ((b"HTTP/1.0 200 OK\r\n\r\n",), {"when": b"GET /"}, "HTTP"),
    ((b"SSH-2.0-OpenSSH_9\r\n",), {"first": True}, "SSH"),
    ((b"AMQP\0\0\x09\x01",), {}, "AMQP"),
    ((b"-ERR unknown command\r\n",), {}, "-ERR"),
]


@pytest.mark.parametrize(("args", "options", "look"), OTHERS)
def test_another_kind_of_server_is_named(listener, args, options, look):
    with pytest.raises(RemoteProtocolError, match=look) as caught, Connection(listener(*args, **options).endpoint):
        pass
    assert caught.value.exit_code == 8
    assert "--proto" not in caught.value.hint


class OneAtATime(http.server.BaseHTTPRequestHandler):
    """Answers whole requests only, and hears nobody else before."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Keep quiet."""


def test_a_server_of_one_connection_at_a_time_is_named():
    with http.server.HTTPServer(("127.0.0.1", 0), OneAtATime) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with pytest.raises(RemoteProtocolError, match="HTTP"):
            Connection(f"tcp://127.0.0.1:{server.server_port}", timeout=20.0, connect_timeout=10.0).connect()
        server.shutdown()
        thread.join(5)


@pytest.mark.parametrize("seconds", [0.2, 1.0, 1.8])
def test_a_silent_server_is_given_up_after_the_connect_timeout(listener, seconds):
    began = time.monotonic()
    with (
        pytest.raises(ConnectError, match=f"accepted the connection .* ZeroMQ within {seconds:g} s"),
        Connection(listener(b"", when=b"never").endpoint, connect_timeout=seconds),
    ):
        pass
    assert seconds <= time.monotonic() - began < seconds + 0.2


@pytest.fixture
def crowded():
    """A function that makes a port which takes so many connections more, and accepts none."""
    opened: list[socket.socket] = []

    def make(room: int) -> str:
        server = socket.socket()
        opened.append(server)
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        for _ in range(2 - room):
            opened.append(socket.create_connection(server.getsockname()))
        return f"tcp://127.0.0.1:{server.getsockname()[1]}"

    yield make
    for each in opened:
        each.close()


@pytest.mark.parametrize(("room", "message"), [(1, "accepted the connection"), (0, "no connection within 1.2 s")])
def test_the_limit_that_was_asked_for_is_told_of_a_server_that_accepts_nobody(crowded, room, message):
    began = time.monotonic()
    with pytest.raises(ConnectError, match=message), Connection(crowded(room), connect_timeout=1.2):
        pass
    assert 1.2 <= time.monotonic() - began < 1.4


def test_a_silent_server_and_a_time_limit(listener):
    with pytest.raises(DeadlineError), Connection(listener(b"", when=b"never").endpoint, timeout=0.3):
        pass


KINDS = [
    (zmq.PUB, ""),
    (zmq.PULL, "rpcctl cast --push"),
    (zmq.SUB, "rpcctl cast --publish"),
    (zmq.XSUB, "rpcctl cast --publish"),
    (zmq.PAIR, ""),
]


@pytest.mark.parametrize(("kind", "hint"), KINDS)
def test_a_zeromq_socket_of_another_kind_is_named(kind, hint):
    context = zmq.Context()
    other = context.socket(kind)
    port = other.bind_to_random_port("tcp://127.0.0.1")
    try:
        at = f"tcp://127.0.0.1:{port}"
        with pytest.raises(RemoteProtocolError, match="another kind") as caught, Connection(at):
            pass
        assert (caught.value.hint or "") == hint
    finally:
        context.destroy(linger=0)


def test_alternatives_are_tried_in_order(serve):
    with Connection(refused(), options={"alternative": (refused(), serve())}) as client:
        assert client.add(2, 3) == 5
    with pytest.raises(ConnectError), Connection(refused(), options={"alternative": (refused(),)}):
        pass


def test_a_client_that_binds_waits_for_a_server_to_connect(peer):
    at = refused()
    peer("zerorpc_peer.py", "connected-server", at)
    with Connection(at, options={"bind": True}, connect_timeout=10) as client:
        assert [client.add(2, 3), list(client.count(3))] == [5, [0, 1, 2]]


def test_a_client_that_binds_is_told_that_nobody_came():
    at = refused()
    with (
        pytest.raises(ConnectError, match="no server connected") as caught,
        Connection(at, options={"bind": True}, connect_timeout=0.3),
    ):
        pass
    assert caught.value.hint == f"rpcctl serve TARGET --connect {at}"


def test_a_client_does_not_take_an_address_that_is_in_use(serve):
    with pytest.raises(ConnectError, match="in use"), Connection(serve(), options={"bind": True}):
        pass


def test_the_trace_tells_of_each_attempt_to_connect(serve):
    notes: list[str] = []
    gone, there = refused(), serve()
    with Connection(gone, options={"alternative": (there,)}, trace=lambda way, text, data: notes.append(way + text)):
        pass
    assert [note for note in notes if "refused" not in note] == [
        f"*connecting to {gone}",
        f"*connecting to {there}",
        "*connected",
    ]
    assert notes[1].startswith("*given up, on to the next alternative: ")
