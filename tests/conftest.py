"""Servers and connections for every protocol, and the rule that in CI nothing may be skipped."""

import inspect
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from rpcctl import registry
from rpcctl.address import Address
from rpcctl.api import Connection
from rpcctl.hosting import Server
from rpcctl.messages import Request
from tests import sample
from tests.rabbitmq import Broker

SAMPLE = "tests.sample"
BROKERS = {"amqp": "rabbitmq"}
"""The fixture that starts what a protocol's servers are reached through, where they have no port of their own."""
Serve = Callable[..., Connection]
_numbers = count(1)


class Naming(Connection):
    """A connection that gives each argument its name in the sample module, where the wire has only named ones."""

    def request(
        self, method: str, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None, **more: Any
    ) -> Request:
        if args and "args" not in self.info.features:
            names = [*inspect.signature(getattr(sample, method)).parameters, "one_more", "and_another"]
            args, kwargs = (), {**dict(zip(names, args, strict=False)), **(kwargs or {})}
        return super().request(method, args, kwargs, **more)


def protocols_with(*features: str) -> list[str]:
    """The protocols whose INFO declares all of the features: what a wire lacks is left out of a test, not skipped."""
    return [info.scheme for info in registry.protocols() if set(features) <= info.features]


def every_protocol(*features: str) -> pytest.MarkDecorator:
    """Run a test for each protocol that has the features."""
    return pytest.mark.parametrize("protocol", protocols_with(*features))


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker, started when the first test needs it and shared by all: each uses a topic of its own."""
    broker = Broker(tmp_path_factory.mktemp("rabbitmq"))
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


@pytest.fixture
def place(protocol: str, request: pytest.FixtureRequest) -> Callable[[], Address]:
    """A function that tells where a server of the protocol may be bound: a free port, or a broker's topic."""
    if protocol not in BROKERS:
        return lambda: registry.default_address(registry.find(protocol)).with_port(0)
    broker: Broker = request.getfixturevalue(BROKERS[protocol])
    return lambda: registry.parse_address(broker.url(f"test-{next(_numbers)}"))


@pytest.fixture
def address(protocol: str, place: Callable[[], Address]) -> Iterator[Callable[..., str]]:
    """A function that serves the sample module over the protocol, `address(**options)`, and tells where."""
    servers: list[Server] = []

    def start(target: str = SAMPLE, **options: Any) -> str:
        info = registry.find(protocol)
        if not info.server:
            return f"{info.scheme}:{target}"
        servers.append(Server(target, place(), **options))
        servers[-1].start()
        return str(servers[-1].addresses[0])

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def connect() -> Iterator[Callable[..., Connection]]:
    """A function that connects, `connect(address, **options)`; closed when the test ends."""
    connections: list[Connection] = []

    def open_one(at: str, **options: Any) -> Connection:
        connections.append(Naming(at, **{"timeout": 10.0, **options}))
        connections[-1].connect()
        return connections[-1]

    yield open_one
    for connection in connections:
        connection.close()


@pytest.fixture
def client(address: Callable[..., str], connect: Callable[..., Connection]) -> Connection:
    """A connection to the sample module over the protocol."""
    return connect(address())


@pytest.fixture
def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def at() -> Iterator[str]:
    """Where the sample module is served, over zmq."""
    with Server(SAMPLE, "tcp://127.0.0.1:0") as server:
        yield str(server.addresses[0])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say so when CI skipped something."""
    if os.environ.get("CI") and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("skipped tests are failures in CI", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test fails the run: a peer that is not installed there is a mistake of the set-up."""
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter and reporter.stats.get("skipped") and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
