"""Our client of MessagePack-RPC and servers that do what none should, and what some do."""

import queue
import threading

import msgpack
import pytest

from rpcctl.api import Connection
from rpcctl.errors import (
    ArgumentError,
    ConnectError,
    ConnectionLostError,
    DeadlineError,
    RemoteError,
    RemoteProtocolError,
    ResolveError,
)
from rpcctl.messages import Deadline, Result
from tests.interop.stream_peers import ScriptedServer
from tests.shell import rpcctl


@pytest.fixture
def scripted():
    """A function that runs a server by scripts, one for each connection."""
    made: list[ScriptedServer] = []

    def start(*scripts):
        made.append(ScriptedServer(*scripts))
        return made[-1].address

    yield start
    for each in made:
        each.close()


def answer(result):
    """A script that answers one call."""

    def script(peer):
        _, number, _, _ = peer.read()
        peer.send([1, number, None, result])
        peer.is_over()

    return script


@pytest.mark.parametrize("cut", range(1, 11))
def test_an_answer_may_be_split_anywhere(scripted, connect, cut):
    def script(peer):
        _, number, _, _ = peer.read()
        data = msgpack.packb([1, number, None, "héllo"])
        peer.send_bytes(data[:cut])
        peer.send_bytes(data[cut:])
        peer.is_over()

    assert connect(scripted(script)).call("x") == "héllo"


def test_what_comes_before_the_answer_in_one_piece_is_seen_to(scripted, connect):
    asked: queue.Queue[list[object]] = queue.Queue()

    def script(peer):
        _, number, _, _ = peer.read()
        peer.send([2, "event", [1]], [1, 999, None, "not yours"], [0, 7, "add", [1]], [1, number, None, "yours"])
        asked.put(peer.read())
        peer.is_over()

    connection = connect(scripted(script))
    assert connection.call("x") == "yours"
    connection.close()
    assert asked.get(timeout=10) == [1, 7, [1, "NameError: rpcctl: no such method: add"], None]


def test_requests_of_the_server_are_answered_while_we_wait(scripted, connect):
    def script(peer):
        _, number, _, _ = peer.read()
        for mine in range(3):
            peer.send([0, mine, "what", []])
            assert peer.read()[:2] == [1, mine]
        peer.send([1, number, None, "now"])
        peer.is_over()

    assert connect(scripted(script)).call("x") == "now"


def test_answers_of_a_batch_may_come_in_any_order(scripted, connect):
    def script(peer):
        requests = [peer.read() for _ in range(5)]
        peer.send(*([1, number, None, args[0]] for _, number, _, args in reversed(requests)))
        peer.is_over()

    batch = connect(scripted(script)).batch()
    for number in range(5):
        batch.call("echo", number)
    assert batch.send() == [0, 1, 2, 3, 4]


def test_started_calls_are_answered_in_any_order_and_those_that_are_not_are_lost(scripted, connect):
    def script(peer):
        requests = [peer.read() for _ in range(3)]
        peer.send(*([1, number, None, args[0]] for _, number, _, args in reversed(requests[1:])))

    connection = connect(scripted(script))
    calls = connection.pipeline()
    for key in range(3):
        calls.start(key, connection.request("echo", (key,)))
    found = {}
    while len(calls):
        found.update(calls.collect(Deadline.after(10)))
    assert (found[1], found[2]) == (Result(1), Result(2))
    assert found[0].kind == "lost"


def test_an_answer_that_comes_after_a_started_calls_time_limit_is_dropped(scripted, connect):
    late = threading.Event()

    def script(peer):
        _, first, _, _ = peer.read()
        late.wait(10)
        _, second, _, _ = peer.read()
        peer.send([1, first, None, "first"], [1, second, None, "second"])
        peer.is_over()

    connection = connect(scripted(script), timeout=0.2)
    calls = connection.pipeline()
    calls.start("x", connection.request("x"))
    ((key, reply),) = calls.collect(Deadline.after(10))
    assert (key, reply.kind) == ("x", "timeout")
    late.set()
    connection.timeout = 10
    calls.start("y", connection.request("y"))
    assert calls.collect(Deadline.after(10)) == [("y", Result("second"))]


def test_a_late_answer_is_not_taken_for_another_call(scripted, connect):
    late = threading.Event()

    def script(peer):
        _, first, _, _ = peer.read()
        late.wait(10)
        _, second, _, _ = peer.read()
        peer.send([1, first, None, "first"], [1, second, None, "second"])
        peer.is_over()

    connection = connect(scripted(script), timeout=0.2)
    with pytest.raises(DeadlineError, match="--timeout"):
        connection.call("x")
    late.set()
    connection.timeout = 10
    assert connection.call("y") == "second"


def test_a_server_that_hangs_up_between_calls_is_connected_again(scripted, connect):
    hung_up = threading.Event()

    def script(peer):
        _, number, _, _ = peer.read()
        peer.send([1, number, None, 1])
        peer.close()
        hung_up.set()

    connection = connect(scripted(script, answer(2)))
    assert connection.call("x") == 1
    assert hung_up.wait(5)
    assert connection.call("x") == 2


def test_a_server_that_hangs_up_before_the_answer_is_lost(scripted, connect):
    def script(peer):
        _, number, _, _ = peer.read()
        peer.send([1, number, None, 1])
        peer.read()

    connection = connect(scripted(script))
    connection.call("x")
    with pytest.raises(ConnectionLostError, match="may have run"):
        connection.call("y")


def test_one_that_never_answered_may_speak_something_else(scripted, connect):
    with pytest.raises(ConnectionLostError) as caught:
        connect(scripted(lambda peer: peer.read())).call("x")
    assert "does it speak MessagePack-RPC" in caught.value.hint


@pytest.mark.parametrize(
    ("first", "look", "hint"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "an HTTP server", "http://127.0.0.1:"),
        (b"\xff\0\0\0\0\0\0\0\x01\x7f\x03", "ZeroMQ", "tcp://127.0.0.1:"),
        (b"\x15\x03\x01\x00\x02\x02\x0a", "TLS", "rpcctl protocols"),
        (b"AMQP\0\0\x09\x01", "AMQP", "amqp://127.0.0.1:"),
        (b"\0\0\0\x1f#CHALLENGE#{sha256}0123456789", "a multiprocessing manager", "manager+tcp://127.0.0.1:"),
        (b"PYRO\x01\xf6", "Pyro", "pyro+tcp://127.0.0.1:"),
        (b"SSH-2.0-OpenSSH\r\n", "SSH", "rpcctl protocols"),
    ],
)
def test_another_protocol_is_named(scripted, first, look, hint):
    def script(peer):
        peer.send_bytes(first)
        peer.socket.recv(10)

    found = rpcctl("call", scripted(script), "x", "--json")
    assert found.exit_status == 8
    assert f"looks like {look}, and not like MessagePack-RPC" in found.error["message"]
    assert found.error["hint"].startswith(hint)


@pytest.mark.parametrize("data", [b"\xc1", b"\x94\x01\x01\xc0", msgpack.packb({"a": 1}), b"\x94\x01\x01\xc0\xc1"])
def test_garbage_is_a_protocol_error_or_a_loss(scripted, connect, data):
    def script(peer):
        peer.read()
        peer.send_bytes(data)

    with pytest.raises((RemoteProtocolError, ConnectionLostError)):
        connect(scripted(script)).call("x")


def test_an_answer_over_the_limit_is_refused(scripted, connect):
    def script(peer):
        _, number, _, _ = peer.read()
        peer.send([1, number, None, b"x" * 100_000])
        peer.is_over()

    with pytest.raises(RemoteProtocolError, match="--max-message"):
        connect(scripted(script), max_message=50_000).call("x")


def test_a_call_over_the_limit_is_not_sent(scripted, connect):
    connection = connect(scripted(lambda peer: peer.is_over()), max_message=1000)
    with pytest.raises(ArgumentError, match="1000 are allowed"):
        connection.call("x", b"y" * 2000)


def test_a_server_that_takes_nothing_is_a_timeout(scripted, connect):
    done = threading.Event()
    connection = connect(scripted(lambda peer: done.wait(10)), timeout=0.3)
    with pytest.raises(DeadlineError):
        connection.call("x", b"y" * 20_000_000)
    done.set()


def test_a_server_that_writes_before_it_reads_on_does_not_lock_up(scripted, connect):
    def script(peer):
        peer.socket.recv(10)
        peer.send([2, "event", [b"x" * 8_000_000]])
        peer.socket.settimeout(10)
        rest = 0
        while rest < 7_999_000:
            rest += len(peer.socket.recv(1 << 20))
        peer.send([1, 1, None, "done"])
        peer.is_over()

    assert connect(scripted(script)).call("x", b"y" * 8_000_000) == "done"


def test_closing_ends_a_call_that_waits(scripted, connect):
    received = threading.Event()

    def script(peer):
        peer.read()
        received.set()
        peer.is_over()

    connection = connect(scripted(script))
    caught: list[BaseException] = []

    def call():
        try:
            connection.call("x")
        except BaseException as exc:
            caught.append(exc)

    thread = threading.Thread(target=call)
    thread.start()
    assert received.wait(5)
    connection.close()
    thread.join(5)
    assert isinstance(caught[0], ConnectionLostError)
    with pytest.raises(ConnectionLostError, match="is closed"):
        connection.call("x")


def test_named_arguments_are_refused_before_anything_is_sent(scripted, connect):
    with pytest.raises(ArgumentError, match="no named arguments"):
        connect(scripted(lambda peer: peer.is_over())).call("x", name=1)


def test_the_exchange_is_shown(scripted):
    def script(peer):
        _, number, _, _ = peer.read()
        peer.send([2, "event", ["e"]], [1, number, [1, "ValueError: no"], None])
        peer.is_over()

    found = rpcctl("call", "-vv", scripted(script), "x", "5")
    assert found.exit_status == 22
    assert "> x [5] id 1" in found.stderr
    assert "< notification event ['e']" in found.stderr
    assert "< error [1, 'ValueError: no'] to id 1" in found.stderr


@pytest.mark.parametrize(
    ("address", "error", "exit_status"),
    [
        ("msgpackrpc+tcp://127.0.0.1:{port}", ConnectError, 7),
        ("msgpackrpc+unix:///no/such/socket", ConnectError, 7),
        ("msgpackrpc+tcp://no.such.host.invalid:1", ResolveError, 6),
        ("msgpackrpc+tcp://*:1", ConnectError, 7),
    ],
)
def test_what_cannot_be_reached(address, error, exit_status, free_port):
    with pytest.raises(error) as caught:
        Connection(address.format(port=free_port)).connect()
    assert caught.value.exit_code == exit_status


def test_errors_of_other_forms_are_told(scripted, connect):
    def script(peer):
        _, number, _, _ = peer.read()
        peer.send([1, number, {"message": "sold out", "left": 0}, "ignored"])
        peer.is_over()

    with pytest.raises(RemoteError, match="sold out") as caught:
        connect(scripted(script)).call("x")
    assert caught.value.data == {"message": "sold out", "left": 0}
