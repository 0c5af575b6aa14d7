"""The host of streams: what a protocol's server may rely on, whatever its peers do."""

import os
import socket
import stat
import struct
import threading

import pytest

from rpcctl.errors import AddressError, ConnectError, ResolveError
from rpcctl.sockets.host import Host
from rpcctl.sockets.session import Policy
from tests.sockets.conftest import Script, parse, read_all


def test_bytes_go_in_and_out(serve):
    client = serve().connect()
    client.sendall(b"echo")
    assert client.recv(100) == b"echo"


@pytest.mark.parametrize(
    ("at", "shown"), [("tcp://*:0", "0.0.0.0"), ("tcp://[::1]:0", "::1"), ("tcp://localhost:0", "localhost")]
)
def test_the_address_has_the_real_port_and_can_be_called(serve, at, shown):
    served = serve(at)
    assert served.host.address.host == shown
    assert served.host.address.port > 0
    served.connect().sendall(b"e")
    assert served.sessions.get(timeout=5).link.peer.rpartition(":")[0] in ("127.0.0.1", "[::1]")


def test_a_unix_socket_is_its_owners_and_leaves_no_file(serve, tmp_path):
    path = tmp_path / "s.sock"
    served = serve(f"unix://{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    client = served.connect()
    client.sendall(b"e")
    assert client.recv(1) == b"e"
    assert served.sessions.get(timeout=5).link.peer == "local"
    served.close()
    assert not path.exists()


def test_a_stale_socket_is_taken_over_and_a_living_one_is_not(serve, tmp_path):
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    serve(f"unix://{path}")
    with pytest.raises(ConnectError, match="in use"):
        Host(parse(f"unix://{path}"), Policy(), Script, note=print).bind()


@pytest.mark.parametrize(
    ("at", "error"),
    [
        ("tcp://192.0.2.1:0", AddressError),
        ("tcp://no.such.host.invalid:0", ResolveError),
        ("unix:///no/such/folder/s", ConnectError),
    ],
)
def test_what_cannot_be_bound_is_refused(at, error):
    with pytest.raises(error):
        Host(parse(at), Policy(), Script, note=print).bind()


@pytest.mark.parametrize("at_once", [False, True])
def test_answers_come_from_any_thread(serve, at_once):
    served = serve()
    client = served.connect()
    client.sendall(b"b")
    session = served.sessions.get(timeout=5)
    while not session.held:
        pass
    session.answer(b"late", at_once=at_once)
    assert client.recv(100) == b"late"


def test_many_threads_lose_and_mix_no_bytes(serve):
    served = serve()
    client = served.connect()
    client.sendall(b"-")
    link = served.sessions.get(timeout=5).link

    def write(sign: bytes) -> None:
        for n in range(500):
            link.write(sign * 100, at_once=bool(n % 2))

    threads = [threading.Thread(target=write, args=(bytes([sign]),)) for sign in b"abcd"]
    for thread in threads:
        thread.start()
    found = b""
    while len(found) < 200_000:
        found += client.recv(65536)
    assert {found[n : n + 100] for n in range(0, 200_000, 100)} == {bytes([sign]) * 100 for sign in b"abcd"}


def test_a_slow_reader_holds_up_nobody(serve):
    served = serve()
    slow, quick = served.connect(), served.connect()
    large = b"e" * 3_000_000
    threading.Thread(target=slow.sendall, args=(large,), daemon=True).start()
    for _ in range(20):
        quick.sendall(b"echo")
        assert quick.recv(10) == b"echo"
    found = 0
    while found < len(large):
        found += len(slow.recv(1 << 20))


def test_a_peer_that_takes_nothing_is_closed_when_too_much_waits(serve):
    served = serve(max_unsent=4_000_000)
    served.connect().sendall(b"-")
    session = served.sessions.get(timeout=5)
    session.link.write(bytes(20_000_000))
    assert session.ended.wait(5)
    assert "wait for it" in served.log.get(timeout=5)


def test_a_peer_that_takes_nothing_for_too_long_is_closed(serve):
    served = serve(stall=0.2)
    served.connect().sendall(b"-")
    session = served.sessions.get(timeout=5)
    session.link.write(bytes(20_000_000))
    assert session.ended.wait(5)
    assert "takes no answers" in served.log.get(timeout=5)


def test_a_peer_that_stops_in_a_message_is_closed(serve):
    served = serve(stall=0.2)
    client = served.connect()
    client.sendall(b"part")
    assert read_all(client) == b""
    assert "in the middle of a message" in served.log.get(timeout=5)


def test_an_idle_connection_is_closed_and_a_busy_one_is_not(serve):
    served = serve(idle=0.2)
    idle, busy = served.connect(), served.connect()
    busy.sendall(b"b")
    assert read_all(idle) == b""
    sessions = [served.sessions.get(timeout=5) for _ in range(2)]
    held = next(each for each in sessions if each.held)
    held.answer(b"done")
    assert read_all(busy) == b"done"


def test_what_is_no_protocol_is_answered_told_and_closed(serve):
    served = serve()
    client = served.connect()
    client.sendall(b"x" + bytes(500_000))
    assert read_all(client) == b"what?"
    peer = "{}:{}".format(*client.getsockname())
    assert served.log.get(timeout=5) == f"{peer}: this is no protocol"


def test_a_bug_of_a_session_costs_its_connection_alone(serve):
    served = serve()
    broken, other = served.connect(), served.connect()
    broken.sendall(b"!")
    assert read_all(broken) == b""
    assert "ValueError: a bug" in served.log.get(timeout=5)
    other.sendall(b"e")
    assert other.recv(1) == b"e"


def test_who_says_no_more_still_gets_the_answer(serve):
    served = serve()
    client = served.connect()
    client.sendall(b"b")
    client.shutdown(socket.SHUT_WR)
    session = served.sessions.get(timeout=5)
    while not session.held:
        pass
    session.answer(b"late")
    assert read_all(client) == b"late"
    assert session.ended.wait(5)


def test_a_reset_ends_the_session(serve):
    served = serve()
    client = served.connect()
    client.sendall(b"b")
    session = served.sessions.get(timeout=5)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert session.ended.wait(5)


def test_connections_beyond_the_limit_wait(serve):
    served = serve(max_connections=2)
    clients = [served.connect() for _ in range(3)]
    for client in clients:
        client.sendall(b"e")
    assert [client.recv(1) for client in clients[:2]] == [b"e", b"e"]
    clients[2].settimeout(0.1)
    with pytest.raises(TimeoutError):
        clients[2].recv(1)
    clients[0].close()
    clients[2].settimeout(10)
    assert clients[2].recv(1) == b"e"


def test_connections_that_are_dropped_leave_nothing(serve):
    served = serve()
    files = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    for _ in range(500):
        with socket.create_connection(("127.0.0.1", served.host.address.port)):
            pass
    for _ in range(500):
        assert served.sessions.get(timeout=5).ended.wait(5)
    if files:
        assert len(os.listdir("/proc/self/fd")) <= files + 3


def test_drain_accepts_nobody_and_close_flushes(serve):
    served = serve()
    client = served.connect()
    client.sendall(b"b")
    session = served.sessions.get(timeout=5)
    while not session.held:
        pass
    served.host.drain()
    drained = threading.Event()
    served.host.post(drained.set)
    assert drained.wait(5)
    with pytest.raises(ConnectionRefusedError):
        served.connect()
    session.answer(bytes(2_000_000))
    closing = threading.Thread(target=served.host.close)
    closing.start()
    assert len(read_all(client)) == 2_000_000
    closing.join(5)
    assert session.ended.is_set()


def test_work_posted_from_elsewhere_is_done_by_the_host(serve):
    served = serve()
    served.connect().sendall(b"-")
    session = served.sessions.get(timeout=5)
    done: list[str] = []
    seen = threading.Event()

    def work() -> None:
        done.append(threading.current_thread().name)
        seen.set()

    session.link.post(lambda: 1 / 0)
    session.link.post(work)
    assert seen.wait(5)
    assert done == [served.thread.name]
    assert "ZeroDivisionError" in served.log.get(timeout=5)


def test_reading_can_be_paused(serve):
    served = serve()
    client = served.connect()
    client.sendall(b"e")
    assert client.recv(1) == b"e"
    session = served.sessions.get(timeout=5)
    session.link.post(session.link.pause)
    session.link.post(session.link.settle)
    ready = threading.Event()
    session.link.post(ready.set)
    assert ready.wait(5)
    client.sendall(b"echo")
    client.settimeout(0.1)
    with pytest.raises(TimeoutError):
        client.recv(1)
    session.link.post(session.link.resume)
    client.settimeout(5)
    assert client.recv(10) == b"echo"
