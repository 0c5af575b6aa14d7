"""Processes of foreign peers, hand-made peers, and our own ends without a command line around them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from rpcctl.hosting import Server
from tests.interop.raw import BEAT, Raw

PEERS = Path(__file__).parent


class Peer:
    """A peer's process; a line of JSON in, a line out."""

    def __init__(self, script: str, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PEERS / script), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the peer has ended"
        return json.loads(line)

    def tell(self, *words: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        self.tell(method, args, options)
        return self.read()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    """A function that starts a peer, `peer(script, *words)`; killed when the test ends."""
    peers: list[Peer] = []

    def start(script: str, *words: Any) -> Peer:
        peers.append(Peer(script, *map(str, words)))
        return peers[-1]

    yield start
    for each in peers:
        each.kill()


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """A function that serves a target, `serve(target, at, **options)`, and tells where; stopped when the test ends."""
    servers: list[Server] = []

    def start(target: Any = "tests.sample", at: str = "tcp://127.0.0.1:0", **options: Any) -> str:
        servers.append(Server(target, at, **options))
        servers[-1].start()
        return str(servers[-1].addresses[0])

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def raw() -> Iterator[Callable[..., Raw]]:
    peers: list[Raw] = []

    def make(endpoint: str, kind: int = zmq.DEALER) -> Raw:
        peers.append(Raw(endpoint, kind))
        return peers[-1]

    yield make
    for each in peers:
        each.close()


@pytest.fixture
def client(serve, raw):
    """A hand-made client of a server with a short period."""
    return raw(serve(options={"heartbeat": BEAT}))


@pytest.fixture
def topic() -> str:
    """A name of this test's own, at a broker that others share."""
    return f"t{os.urandom(6).hex()}"


@pytest.fixture
def cli():
    """`rpcctl` in this process."""
    from tests.shell import rpcctl

    return rpcctl
