"""Our servers and clients that break the rules: whatever they say, others are served, and the log has a line of it."""

import pickle
import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpcctl.hosting import Server
from tests.hostile.conftest import Served
from tests.hostile.lies import GARBAGE, lies_of
from tests.hostile.peers import CutError, Damage, Peer, change_at, connect, cut_at
from tests.hostile.wires import LEVELS, MANAGER, PYRO, Evil, framed, nested_call, pyro_message


def count_said(served: Served) -> int:
    """How many bytes a client says in a valid exchange."""
    peer = connect(served.address)
    assert served.wire.ask(peer) == 5
    peer.close()
    return peer.said


def ask_badly(served: Served, damage: Damage) -> Peer:
    """A client's part as far as it goes."""
    peer = connect(served.address, damage)
    try:
        served.wire.ask(peer)
    except CutError:
        return peer  # The rest is left open.
    except Exception:
        pass  # What it makes of the answer to its damaged words is its own matter.
    finish(peer)
    return peer


def finish(peer: Peer) -> bytes:
    """Say that nothing follows, and take in what is said to it."""
    try:
        peer.sock.shutdown(socket.SHUT_WR)
    except OSError:
        return b""
    return peer.hear_all()


def say_anyway(peer: Peer, data: bytes) -> None:
    """Send it, unless the other end has hung up in the middle of it, as it may."""
    try:
        peer.sock.sendall(data)
    except ConnectionError:
        pass


@pytest.mark.parametrize("end", [Peer.close, Peer.reset])
def test_an_exchange_cut_at_every_byte(served, end):
    for place in range(count_said(served)):
        end(ask_badly(served, cut_at(place)))
    assert served.is_serving()


@pytest.mark.parametrize("mask", [0x80, 0xFF, 1])
def test_an_exchange_with_any_byte_changed(served, mask):
    for place in range(count_said(served)):
        ask_badly(served, change_at(place, mask)).close()
    assert served.is_serving()


@pytest.mark.parametrize("early", [True, False], ids=["at first", "later"])
def test_what_breaks_the_rules_ends_its_connection_with_a_line_in_the_log(served, early):
    for lie in lies_of(served.wire):
        peer = connect(served.address)
        if not early:
            served.wire.enter(peer)
        before = len(served.log)
        say_anyway(peer, lie.data)
        assert peer.is_hung_up_on(), lie.name
        peer.close()
        assert served.is_serving()
        assert len(served.log) == before + 1, lie.name


@pytest.mark.parametrize("early", [True, False], ids=["at first", "later"])
def test_garbage_costs_a_line_at_most(served, early):
    for data in GARBAGE:
        peer = connect(served.address)
        if not early:
            served.wire.enter(peer)
        before = len(served.log)
        say_anyway(peer, data)
        finish(peer)
        peer.close()
        assert served.is_serving()
        assert len(served.log) <= before + 1, data
        assert all(len(line) < 600 and line.isprintable() for line in served.log[before:])


@pytest.mark.parametrize("levels", LEVELS)
def test_nesting_is_answered_or_refused(wire, levels):
    log: list[str] = []
    with Server("tests.sample", wire.bind, note=log.append, trace=lambda *shown: None) as server:
        served = Served(wire, server, log)
        peer = connect(served.address)
        wire.enter(peer)
        peer.sock.sendall(nested_call(wire, levels))
        assert finish(peer)
        peer.close()
        assert served.is_serving()
    assert served.mistakes() == []


def test_nothing_of_a_pickle_is_run(served, tmp_path):
    evil = Evil(str(tmp_path / "made"))
    for protocol in range(6):
        for data in words_with(served, evil, protocol):
            for early in (True, False):
                peer = connect(served.address)
                if not early:
                    served.wire.enter(peer)
                say_anyway(peer, data)
                finish(peer)
                peer.close()
    assert list(tmp_path.iterdir()) == []
    assert served.is_serving()


def words_with(served: Served, evil: Evil, protocol: int) -> list[bytes]:
    """Its pickle in every place where a server may look for values."""
    data = pickle.dumps(evil, protocol)
    if served.wire is PYRO:
        return [data, *(pyro_message(kind, data, number) for kind in (1, 4) for number in range(6))]
    if served.wire is MANAGER:
        values: tuple[Any, ...] = (evil, ("rpcctl", "echo", (evil,), {}), (evil,) * 4)
        return [data, *(framed(each, protocol) for each in values)]
    return [data, b"\x94\x00\x01\xa4echo\x91\xc5" + len(data).to_bytes(2, "big") + data]


@settings(max_examples=150, deadline=None)
@given(
    edits=st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from(["put", "drop", "repeat"]), st.binary(max_size=12)),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_is_done_to_an_exchange(served, edits: list[tuple[int, str, bytes]]) -> None:
    def damage(at: int, data: bytes) -> bytes:
        whole = data
        for place, edit, text in edits:
            index = place - at
            if 0 <= index < len(whole):
                put = {"put": text, "drop": b"", "repeat": whole[index : index + 8] * 2}[edit]
                whole = whole[:index] + put + whole[index + len(text) :]
        return whole.ljust(len(data), b"\0")

    ask_badly(served, damage).close()
    assert served.is_serving()
