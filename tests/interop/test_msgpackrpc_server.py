"""Our server of MessagePack-RPC and hand-made clients: what some do, and what none should."""

import queue
import socket
import threading
import time

import msgpack
import pytest

from tests import sample
from tests.behaviour.test_oneway import wait_until
from tests.interop.stream_peers import RawPeer
from tests.process import serving

AT = "msgpackrpc+tcp://127.0.0.1:0"


@pytest.fixture
def log():
    """The lines of the servers' log."""
    return queue.Queue()


@pytest.fixture
def dial(serve, log):
    """A function that connects a hand-made client to one server; its options count the first time."""
    peers: list[RawPeer] = []
    addresses: list[str] = []

    def connect(**options):
        if not addresses:
            addresses.append(serve(at=AT, note=log.put, **options))
        host, port = addresses[0].rpartition("/")[2].split(":")
        peers.append(RawPeer(socket.create_connection((host, int(port)), 10)))
        return peers[-1]

    yield connect
    for each in peers:
        each.close()


@pytest.fixture
def peer(dial):
    """A hand-made client."""
    return dial()


def is_serving(peer: RawPeer) -> bool:
    peer.send([0, 77, "add", [2, 3]])
    return bool(peer.read() == [1, 77, None, 5])


@pytest.mark.parametrize("cut", range(1, 16))
def test_a_request_may_be_split_anywhere(peer, cut):
    data = msgpack.packb([0, 9, "echo", ["héllo"]])
    peer.send_bytes(data[:cut])
    peer.send_bytes(data[cut:])
    assert peer.read() == [1, 9, None, "héllo"]


def test_several_requests_in_one_piece_are_all_answered(peer):
    peer.send(*([0, number, "add", [number, 1]] for number in range(3000)))
    found = [peer.read() for _ in range(3000)]
    assert sorted(found) == [[1, number, None, number + 1] for number in range(3000)]


def test_a_slow_call_does_not_hold_up_the_next(peer):
    sample.released.clear()
    peer.send([0, 1, "slow", [0.3]], [0, 2, "add", [1, 1]])
    assert peer.read() == [1, 2, None, 2]
    assert peer.read()[:2] == [1, 1]


@pytest.mark.parametrize("number", [0, 1, 2**32 - 1])
def test_ids_come_back_as_they_went(peer, number):
    peer.send([0, number, "add", [1, 1]])
    assert peer.read() == [1, number, None, 2]


def test_one_id_may_be_used_twice_at_once(peer):
    peer.send([0, 5, "add", [1, 1]], [0, 5, "add", [1, 1]])
    assert [peer.read(), peer.read()] == [[1, 5, None, 2]] * 2


@pytest.mark.parametrize(
    ("method", "args", "error"),
    [
        ("fail", ["boom"], [0, "ValueError: boom"]),
        ("nope", [], [1, "NameError: nope"]),
        ("_hidden", [], [1, "NameError: _hidden"]),
        ("rpcctl.inspect", [], [1, "NameError: rpcctl.inspect"]),
        ("rpcctl.nope", [], [1, "NameError: rpcctl.nope"]),
        ("add", [1], [1, "TypeError: add() missing 1 required positional argument: 'b'"]),
    ],
)
def test_errors_are_pairs(peer, method, args, error):
    peer.send([0, 1, method, args])
    assert peer.read() == [1, 1, error, None]
    assert is_serving(peer)


def test_a_result_that_cannot_be_sent_is_an_error(dial):
    peer = dial(max_message=1000)
    peer.send([0, 1, "count", [500]])
    _, _, error, result = peer.read()
    assert (error[0], result) == (0, None)
    assert "--max-message" in error[1]
    assert is_serving(peer)


def test_a_stream_is_a_list_up_to_a_limit(dial):
    peer = dial(max_items=5)
    peer.send([0, 1, "count", [5]], [0, 2, "endless", []])
    found = {message[1]: message[2:] for message in (peer.read(), peer.read())}
    assert found[1] == [None, [0, 1, 2, 3, 4]]
    assert "more than 5 items" in found[2][0][1]


def test_notifications_are_run_and_never_answered(peer):
    sample._memory.clear()
    peer.send([2, "nope", []], [2, "$/cancelRequest", [1]], [2, "fail", ["x"]], [2, "remember", ["noted"]])
    assert is_serving(peer)
    assert wait_until(lambda: sample._memory == ["noted"])


def test_responses_that_nobody_asked_for_are_dropped(peer):
    peer.send([1, 5, None, "what"])
    assert is_serving(peer)


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (msgpack.packb([0, 9, "x", "no"]), 9),
        (msgpack.packb([5, 1, "x", []]), 0),
        (msgpack.packb({"a": 1}), 0),
        (b"\xc1", 0),
        (b"\x94\x00\x01\xa1x\xdd\xff\xff\xff\xff", 0),
        (b"\x94\x00\x01\xa1x" + b"\x91" * 3000, 0),
    ],
)
def test_what_breaks_the_rules_is_answered_and_hung_up_on(dial, log, data, number):
    peer = dial()
    peer.send_bytes(data)
    kind, found, error, _ = peer.read()
    assert (kind, found, error[0]) == (1, number, 1)
    assert error[1].startswith("ProtocolError: ")
    assert peer.is_over()
    assert log.get(timeout=5).startswith("127.0.0.1:")
    assert is_serving(dial())


@pytest.mark.parametrize(
    ("data", "look"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "an HTTP client"),
        (b"POST /RPC2 HTTP/1.1\r\n\r\n", "an HTTP client"),
        (b"\xff\0\0\0\0\0\0\0\x01\x7f\x03", "ZeroMQ"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "TLS"),
        (b"AMQP\0\0\x09\x01", "AMQP"),
        (b"SSH-2.0-x\r\n", "SSH"),
    ],
)
def test_another_protocol_is_named_in_the_log(dial, log, data, look):
    peer = dial()
    peer.send_bytes(data)
    assert f"looks like {look}, and not like MessagePack-RPC" in log.get(timeout=5)


def test_a_message_over_the_limit_ends_its_connection_alone(dial, log):
    other = dial(max_message=100_000)
    peer = dial()
    threading.Thread(target=_send_anyway, args=(peer, b"\xc6\x7f\xff\xff\xff" + bytes(2_000_000)), daemon=True).start()
    assert "ProtocolError" in peer.read()[2][1]
    assert "over 100000 bytes" in log.get(timeout=5)
    assert is_serving(other)


def _send_anyway(peer: RawPeer, data: bytes) -> None:
    try:
        peer.send_bytes(data)
    except OSError:
        pass  # It hung up, as it should.


def test_one_that_stops_in_mid_message_is_hung_up_on(dial, log):
    peer = dial(options={"stall-timeout": 0.2})
    peer.send_bytes(b"\x94\x00")
    assert peer.is_over()
    assert "in the middle of a message" in log.get(timeout=5)


def test_an_idle_one_is_hung_up_on(dial):
    began = time.monotonic()
    peer = dial(options={"idle-timeout": 0.2})
    assert is_serving(peer)
    assert peer.is_over()
    assert time.monotonic() - began < 5


def test_one_that_reads_nothing_holds_up_nobody(dial):
    slow = dial()
    slow.send(*([0, number, "echo", [b"x" * 100_000]] for number in range(20)))
    quick = dial()
    for _ in range(50):
        assert is_serving(quick)
    assert sorted(slow.read()[1] for _ in range(20)) == list(range(20))


def test_thousands_of_calls_at_once_from_one_that_reads_late(peer):
    calls = 20_000
    sending = threading.Thread(
        target=peer.send, args=tuple([0, number, "add", [1, 1]] for number in range(calls)), daemon=True
    )
    sending.start()
    assert sorted(peer.read()[1] for _ in range(calls)) == list(range(calls))


def test_the_process_logs_and_serves_on():
    with serving("--bind", AT) as (process, address):
        host, port = address.rpartition("/")[2].split(":")
        with socket.create_connection((host, int(port)), 10) as peer:
            peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert "looks like an HTTP client" in process.wait_for("MessagePack-RPC")
        process.signal()
        assert process.wait() == 0
