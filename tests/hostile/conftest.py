"""A server of ours for each wire, with its log, and what it must never have done."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from rpcctl.hosting import Server
from rpcctl.sockets import notes
from tests.hostile.peers import connect
from tests.hostile.wires import WIRES, Wire

_BUG = re.compile(r"Traceback|^[^ ]+: (?!ProtocolError)\w+(Error|Exception|Exit): |\n")
"""A line of the log that tells of a mistake of ours, or is more than one."""


class Served:
    """A server, and what it wrote to its log."""

    def __init__(self, wire: Wire, server: Server, log: list[str]) -> None:
        self.wire = wire
        self.address = server.addresses[0]
        self.log = log

    def is_serving(self) -> bool:
        """Whether it answers somebody who keeps to the rules."""
        peer = connect(self.address)
        try:
            return bool(self.wire.ask(peer) == 5)
        finally:
            peer.close()

    def mistakes(self) -> list[str]:
        """The lines of the log that should not be there."""
        return [line for line in self.log if _BUG.search(line)]


@pytest.fixture(scope="module", params=WIRES, ids=lambda wire: wire.name)
def wire(request: pytest.FixtureRequest) -> Wire:
    """Each of the wires."""
    found: Wire = request.param
    return found


@pytest.fixture(scope="module")
def served(wire: Wire) -> Iterator[Served]:
    """Our server of the wire."""
    log: list[str] = []
    with Server("tests.sample", wire.bind, note=log.append, max_message=1 << 20) as server:
        yield Served(wire, server, log)


@pytest.fixture(autouse=True, scope="package")
def _every_line() -> Iterator[None]:
    """Nothing of a log is left out here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notes, "MOST", 1 << 30)
        yield


@pytest.fixture(autouse=True)
def _no_mistakes(request: pytest.FixtureRequest) -> Iterator[Any]:
    yield
    if "served" in request.fixturenames:
        found: Served = request.getfixturevalue("served")
        assert found.mistakes() == []
