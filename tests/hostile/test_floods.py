"""Many clients that mean no good, at a server's process: it serves on, and neither it nor its log grows."""

import os
import subprocess
from pathlib import Path

import pytest

from rpcctl.hosting import Server
from rpcctl.registry import parse_address
from tests.behaviour.test_oneway import wait_until
from tests.hostile.conftest import Served
from tests.hostile.lies import lies_of
from tests.hostile.peers import CutError, connect, cut_at
from tests.process import serving

DROPPED, BAD = 10_000, 2_000
MORE = 4096
"""Kilobytes: half of one for each of the connections that are dropped."""
WARM = 2_000
"""What comes before memory is looked at."""
AT_ONCE = 50
"""So many at most that the server has not seen to."""


class Burden:
    """What a process holds."""

    def __init__(self, pid: int) -> None:
        self._pid = str(pid)
        self.kilobytes = self.resident()
        self.files = self.count_files()

    def resident(self) -> int:
        found = subprocess.run(["ps", "-o", "rss=", "-p", self._pid], capture_output=True, check=True)
        return int(found.stdout)

    def count_files(self) -> int:
        place = Path("/proc", self._pid, "fd")
        return len(os.listdir(place)) if place.exists() else 0

    def has_grown(self) -> bool:
        """Whether there are more files, or more memory than a larger crowd at one instant explains."""
        return self.resident() > self.kilobytes + MORE or self.count_files() > self.files + 3


@pytest.fixture
def process(wire):
    """A server's process, and its address."""
    with serving("--bind", wire.bind, "--access-log", "off") as (process, address):
        yield process, parse_address(address)


def test_ten_thousand_connections_opened_and_dropped_leave_nothing(wire, process):
    running, address = process
    for n in range(DROPPED):
        if n % AT_ONCE == 0:
            assert ask(wire, address) == 5
        if n == WARM:
            burden = Burden(running.popen.pid)
        peer = connect(address)
        if n % 3 == 0:
            peer.sock.sendall(wire.call[: n % 40])
        peer.reset()
    assert ask(wire, address) == 5
    assert wait_until(lambda: not burden.has_grown())


def test_thousands_that_break_the_rules_cost_no_memory_and_a_few_lines(wire, process):
    running, address = process
    data = lies_of(wire)[0].data
    for n in range(BAD):
        if n == BAD // 2:
            burden = Burden(running.popen.pid)
        peer = connect(address)
        peer.sock.sendall(data)
        peer.hear_all()
        peer.close()
    assert ask(wire, address) == 5
    assert wait_until(lambda: not burden.has_grown())
    running.signal()
    assert running.wait() == 0
    assert "left out" in running.wait_for("left out")
    assert len(running.seen) < BAD / 4
    assert "Traceback" not in running.rest()


def ask(wire, address) -> object:
    """A valid exchange."""
    peer = connect(address)
    try:
        return wire.ask(peer)
    finally:
        peer.close()


def test_all_that_stop_in_the_middle_are_hung_up_on_while_others_are_served(wire):
    log: list[str] = []
    with Server("tests.sample", wire.bind, note=log.append, options={"stall-timeout": 0.3}) as server:
        served = Served(wire, server, log)
        peers = [stop_at(served, place) for place in places_within(served)]
        assert served.is_serving()
        assert all(peer.is_hung_up_on() for peer in peers)
        for peer in peers:
            peer.close()
        assert served.is_serving()
        assert len(log) == len(peers)
        assert all("stopped in the middle" in line for line in log)


def places_within(served: Served) -> range:
    """Every byte in the last message of a client."""
    peer = connect(served.address)
    assert served.wire.ask(peer) == 5
    peer.close()
    return range(peer.said - len(served.wire.call) + 1, peer.said)


def stop_at(served: Served, place: int):
    """A client that says nothing from there on."""
    peer = connect(served.address, cut_at(place))
    with pytest.raises(CutError):
        served.wire.ask(peer)
    return peer
