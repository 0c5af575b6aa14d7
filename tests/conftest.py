"""Servers and connections for every protocol, and the rule that in CI nothing may be skipped."""

import inspect
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
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
BROKERS: Mapping[str, type[Broker]] = {"amqp": Broker}
"""What the servers of a protocol are reached through, where they have no port of their own."""
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


class Brokers:
    """What servers without a port of their own are reached through: each started when it is first needed."""

    def __init__(self) -> None:
        self._made: dict[str, Broker] = {}

    def find(self, protocol: str) -> Broker:
        if protocol not in self._made:
            self._made[protocol] = BROKERS[protocol](Path(tempfile.mkdtemp(prefix="rpcctl-broker-")))
            self._made[protocol].start()
        return self._made[protocol]

    def close(self) -> None:
        while self._made:
            _, broker = self._made.popitem()
            broker.close()
            shutil.rmtree(broker.folder, ignore_errors=True)


_brokers = Brokers()


def place(protocol: str) -> Address:
    """Where a test serves the protocol: its default address on a free port, or a topic of its own at a broker."""
    if protocol in BROKERS:
        return registry.parse_address(_brokers.find(protocol).url(f"test-{next(_numbers)}"))
    return registry.default_address(registry.find(protocol)).with_port(0)


def served_with(*features: str) -> list[str]:
    """Those of `protocols_with` that have a server."""
    return [each for each in protocols_with(*features) if registry.find(each).server]


def every_protocol(*features: str) -> pytest.MarkDecorator:
    """Run a test for each protocol that has the features."""
    return pytest.mark.parametrize("protocol", protocols_with(*features))


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A key for the wires that serve nobody without one, and none of the profiles of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RPCCTL_AUTHKEY", "a key of the tests")
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _close_brokers() -> Iterator[None]:
    yield
    _brokers.close()


@pytest.fixture(scope="session")
def rabbitmq() -> Broker:
    """The broker that all tests share: each uses a topic of its own."""
    return _brokers.find("amqp")


@pytest.fixture
def address(protocol: str) -> Iterator[Callable[..., str]]:
    """A function that serves the sample module over the protocol, `address(**options)`, and tells where."""
    servers: list[Server] = []

    def start(target: str = SAMPLE, **options: Any) -> str:
        info = registry.find(protocol)
        if not info.server:
            return f"{info.scheme}:{target}"
        servers.append(Server(target, place(protocol), **options))
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
