"""A host whose sessions are told what to do by their first byte, and its log."""

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rpcctl import address
from rpcctl.address import Address, Scheme, Transport
from rpcctl.errors import AddressError, RemoteProtocolError
from rpcctl.sockets.host import Host
from rpcctl.sockets.link import Link
from rpcctl.sockets.session import BUSY, IDLE, PARTIAL, Policy

_TRANSPORTS = {"tcp": Transport("tcp"), "unix": Transport("unix", kind="path")}


def parse(text: str) -> Address:
    """An address over tcp or unix."""

    def resolve(scheme: str) -> Scheme:
        if scheme not in _TRANSPORTS:
            raise AddressError(scheme)
        return Scheme(scheme, "test", _TRANSPORTS[scheme], 0)

    return address.parse(text, resolve)


class Script:
    """A session: `e` echoes, `b` is busy until the test answers, `p` waits for more, `x` is no protocol, `!` a bug."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.held = 0
        self.partial = False
        self.received = b""
        self.ended = threading.Event()

    def receive(self, data: bytes) -> None:
        """Do as the first byte says."""
        self.received += data
        self.partial = data[:1] == b"p"
        if data[:1] == b"e":
            self.link.write(data)
        elif data[:1] == b"b":
            self.held += 1
        elif data[:1] == b"x":
            self.link.write(b"what?")
            raise RemoteProtocolError("this is no protocol")
        elif data[:1] == b"!":
            raise ValueError("a bug")

    def answer(self, data: bytes, *, at_once: bool = False) -> None:
        """From the test's thread: what it was busy with."""
        self.held -= 1
        self.link.write(data, at_once=at_once)

    def state(self) -> str:
        """As the bytes have said."""
        return BUSY if self.held else PARTIAL if self.partial else IDLE

    def end(self) -> None:
        """Be told that the connection is gone."""
        self.ended.set()


class Served:
    """A host on a thread, with the sessions that it has begun."""

    def __init__(self, at: str, policy: Policy, **more: Any) -> None:
        self.sessions: queue.Queue[Script] = queue.Queue()
        self.log: queue.Queue[str] = queue.Queue()
        self.host = Host(parse(at), policy, self._make, note=self.log.put, **more)
        self.host.bind()
        self.thread = threading.Thread(target=self.host.serve, daemon=True)
        self.thread.start()
        self._clients: list[socket.socket] = []

    def _make(self, link: Link) -> Script:
        session = Script(link)
        self.sessions.put(session)
        return session

    def connect(self) -> socket.socket:
        """A client's socket, whose waits end after a while."""
        at = self.host.address
        if at.kind == "path":
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(10)
            client.connect(at.path)
        else:
            client = socket.create_connection((at.host, at.port), 10)
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Stop, and see that it has stopped."""
        for client in self._clients:
            client.close()
        self.host.close()
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """A function that serves: `serve(at, **policy)`."""
    made: list[Served] = []

    def start(at: str = "tcp://127.0.0.1:0", tls: Any = None, **policy: Any) -> Served:
        made.append(Served(at, Policy(**policy), tls=tls))
        return made[-1]

    yield start
    for each in made:
        each.close()


def read_all(client: socket.socket) -> bytes:
    """Everything until the peer hangs up."""
    found = b""
    while piece := client.recv(65536):
        found += piece
    return found
