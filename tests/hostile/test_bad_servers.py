"""Our clients and servers that break the rules: every call ends, with a result or with one of our errors."""

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rpcctl
from rpcctl.errors import (
    AuthError,
    ConnectError,
    ConnectionLostError,
    DeadlineError,
    RemoteError,
    RemoteProtocolError,
    RpcctlError,
)
from tests.hostile.lies import GARBAGE, lies_of
from tests.hostile.peers import Peer, change_at, cut_at, scripted
from tests.hostile.wires import LEVELS, MANAGER, PYRO, Evil, framed, nested, pyro_message
from tests.shell import rpcctl as shell

BROKEN = (ConnectionLostError, ConnectError, RemoteProtocolError)


@pytest.fixture(scope="module")
def server(wire):
    """A server that keeps to the rules, until it is told otherwise."""
    with scripted(wire.answer) as made:
        yield made


@pytest.fixture(autouse=True)
def _well(request):
    yield
    if "server" in request.fixturenames:
        server, wire = request.getfixturevalue("server"), request.getfixturevalue("wire")
        server.script, server.damage = wire.answer, None


def call(server, wire, timeout=5.0):
    """Our client's `add(2, 3)`."""
    with rpcctl.connect(wire.place.format(server.port), timeout=timeout, max_message=1 << 20) as connection:
        return connection.call("add", 2, 3)


def exit_code_of(server, wire) -> int:
    """How the command would end."""
    try:
        call(server, wire)
    except RpcctlError as exc:
        return exc.exit_code
    return 0


def count_said(server, wire) -> int:
    """How many bytes a server says in a valid exchange."""
    said = []

    def answer(peer: Peer) -> None:
        try:
            wire.answer(peer)
        finally:
            said.append(peer.said)

    with scripted(answer) as counted:
        assert call(counted, wire) == 5
    return said[-1]


@pytest.mark.parametrize("end", [Peer.close, Peer.reset])
def test_an_exchange_cut_at_every_byte_is_lost(wire, server, end):
    def answer(peer: Peer) -> None:
        try:
            wire.answer(peer)
        finally:
            end(peer)

    size = count_said(server, wire)
    server.script = answer
    for place in range(size):
        server.damage = cut_at(place)
        with pytest.raises(BROKEN):
            call(server, wire)
    server.damage = cut_at(size)
    assert call(server, wire) == 5


@pytest.mark.parametrize("mask", [0x80, 0xFF, 1])
def test_an_exchange_with_any_byte_changed_comes_to_an_end(wire, server, mask):
    for place in range(count_said(server, wire)):
        server.damage = change_at(place, mask)
        assert exit_code_of(server, wire) in (0, 7, 8, 22, 56, 67, 78)


@pytest.mark.parametrize("early", [True, False], ids=["at first", "later"])
def test_what_breaks_the_rules_is_told(wire, server, early):
    for lie in lies_of(wire):

        def answer(peer: Peer, data: bytes = lie.data) -> None:
            if not early:
                wire.admit(peer)
            if wire is not MANAGER or not early:
                wire.hear_call(peer)
            peer.sock.sendall(data)
            peer.hear_all()

        server.script = answer
        with pytest.raises(RemoteProtocolError) as caught:
            call(server, wire, timeout=2.0)
        assert caught.value.exit_code == 8, lie.name


@pytest.mark.parametrize("early", [True, False], ids=["at first", "later"])
def test_garbage_is_no_answer(wire, server, early):
    for data in GARBAGE:

        def answer(peer: Peer, data: bytes = data) -> None:
            if not early:
                wire.admit(peer)
                wire.hear_call(peer)
            peer.sock.sendall(data)

        server.script = answer
        with pytest.raises((*BROKEN, AuthError)):
            call(server, wire)


@pytest.mark.parametrize("levels", LEVELS)
@pytest.mark.parametrize("words", [("-v",), ("--json",)], ids=" ".join)
def test_nesting_is_printed_or_refused(wire, server, levels, words):
    for result in nested(wire, levels):
        server.script = wire._replace(result=result).answer
        found = shell("call", *words, wire.place.format(server.port), "add", "2", "3")
        assert found.exit_status in (0, 8, 22, 23), found.stderr[-300:]


def test_nothing_of_a_pickle_is_run(wire, server, tmp_path):
    evil = Evil(str(tmp_path / "made"))
    for protocol in range(6):
        for data in words_with(wire, evil, protocol):
            server.script = wire._replace(result=data).answer
            try:
                call(server, wire, timeout=0.2)
            except RpcctlError:
                pass  # What it is taken for differs.
    assert list(tmp_path.iterdir()) == []


def words_with(wire, evil: Evil, protocol: int) -> list[bytes]:
    """Its pickle in every place where a client may look for values."""
    data = pickle.dumps(evil, protocol)
    if wire is PYRO:
        return [pyro_message(5, data, number, 2, flags) for number in range(6) for flags in (0, 1)]
    if wire is MANAGER:
        kinds = ("#RETURN", "#ERROR", "#TRACEBACK", "#UNSERIALIZABLE", "#PROXY")
        return [framed(evil, protocol), *(framed((kind, evil), protocol) for kind in kinds)]
    return [b"\x94\x01\x01\xc0\xc5" + len(data).to_bytes(2, "big") + data]


def test_one_that_stops_in_the_middle_is_a_timeout(wire, server):
    def answer(peer: Peer) -> None:
        wire.admit(peer)
        wire.hear_call(peer)
        peer.sock.sendall(wire.result[:-1])
        peer.hear_all()

    server.script = answer
    with pytest.raises(DeadlineError) as caught:
        call(server, wire, timeout=0.2)
    assert caught.value.exit_code == 28


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200))
def test_any_answer_comes_to_an_end(wire, server, data: bytes) -> None:
    def answer(peer: Peer) -> None:
        wire.admit(peer)
        wire.hear_call(peer)
        peer.sock.sendall(data)

    server.script = answer
    try:
        call(server, wire)
    except (*BROKEN, RemoteError):
        pass
