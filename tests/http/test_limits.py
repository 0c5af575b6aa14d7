"""What slow, greedy and numerous clients get: an answer or a closed connection, in time, with memory flat."""

import gzip
import resource
import socket
import sys
import time

import pytest

from tests.http.conftest import Echo, post

SLOW = [
    ("nothing", b"", None),
    ("a part of the headers", b"POST / HTTP/1.1\r\nHost: loc", 408),
    ("headers without end", b"POST / HTTP/1.1\r\nHost: localhost\r\n", 408),
    ("a part of the body", post(b"", "Content-Length: 10") + b"abc", 408),
    ("no body", post(b"", "Content-Length: 10"), 408),
    ("a part of a chunk", post(b"5\r\nab", "Transfer-Encoding: chunked"), 408),
]


@pytest.mark.parametrize(("sent", "status"), [case[1:] for case in SLOW], ids=[case[0] for case in SLOW])
def test_who_sends_too_slowly_is_closed(serve, raw, sent, status):
    connection = raw(serve(header_timeout=0.2, body_timeout=0.2).address)
    began = time.monotonic()
    connection.send(sent)
    if status is not None:
        assert connection.read_answer()[0] == status
    assert connection.is_closed()
    assert 0.15 <= time.monotonic() - began < 2.0


def test_dripping_bytes_does_not_buy_time(serve, raw):
    connection = raw(serve(header_timeout=0.3).address)
    connection.socket.settimeout(0.02)
    began = time.monotonic()
    connection.send(b"POST / HTTP/1.1\r\nX: ")
    while time.monotonic() - began < 5:
        try:
            connection.send(b"x")
            if connection.socket.recv(100):
                break
        except TimeoutError:
            continue
    assert time.monotonic() - began < 2.0


def test_an_idle_connection_is_closed(serve, raw):
    connection = raw(serve(keep_alive=0.2).address)
    connection.send(post(b"x"))
    assert connection.read_answer()[0] == 200
    assert connection.is_closed()


def test_a_call_may_take_longer_than_all_of_these(serve, raw):
    app = Echo()
    connection = raw(serve(app, header_timeout=0.1, body_timeout=0.1, keep_alive=0.1).address)
    connection.send(post(b"wait"))
    assert not app.go_on.wait(0.4)
    app.go_on.set()
    assert connection.read_answer()[2] == b"waited"


def test_who_does_not_read_its_answers_is_closed(serve, raw):
    connection = raw(serve(max_message=64 << 20, body_timeout=0.3).address)
    connection.send(post(b"x" * (32 << 20)))
    assert connection.socket.recv(10)
    time.sleep(1.0)
    size = 0
    try:
        while data := connection.socket.recv(1 << 20):
            size += len(data)
    except ConnectionResetError:
        pass
    assert size < 32 << 20


def test_connections_beyond_the_limit_are_turned_away(serve, raw):
    address = serve(max_connections=3).address
    held = [raw(address) for _ in range(3)]
    for connection in held:
        connection.send(post(b"x"))
        connection.read_answer()
    status, headers, _ = raw(address).read_answer()
    assert (status, headers["retry-after"]) == (503, "1")
    held[0].socket.close()
    for _ in range(100):
        another = raw(address)
        another.send(post(b"x"))
        if another.read_answer()[0] == 200:
            break
    else:
        raise AssertionError("there is room, and nobody is let in")


def test_ten_thousand_idle_connections_hold_up_nobody(serve, raw):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Both ends are in this process, and the server lets it have as many files as it may.
    count = 10_000 if most == resource.RLIM_INFINITY else min(10_000, (most - 500) // 2)
    address = serve(max_connections=most if most != resource.RLIM_INFINITY else 20_000).address
    idle = []
    try:
        for _ in range(count):
            idle.append(socket.create_connection((address.host, address.port)))
            idle[-1].send(post(b"x"))
        for connection in idle:
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        one = raw(address)
        began = time.monotonic()
        for _ in range(100):
            one.send(post(b"x"))
            assert one.read_answer()[0] == 200
        assert time.monotonic() - began < 2.0
    finally:
        for connection in idle:
            connection.close()


def test_a_body_of_100_mb_is_refused_and_not_kept(serve, raw):
    app = Echo()
    connection = raw(serve(app, max_message=1 << 20).address)
    before = peak()
    connection.send(post(b"", f"Content-Length: {100 << 20}"))
    for _ in range(100):
        connection.send(bytes(1 << 20))
    assert connection.read_answer()[0] == 413
    assert connection.is_closed()
    assert peak() - before < 16 << 20
    assert not app.posts


def test_a_gzip_bomb_is_refused_and_not_unpacked(serve, raw):
    bomb = gzip.compress(gzip.compress(bytes(200 << 20), 6), 6)
    bomb = gzip.decompress(bomb)
    connection = raw(serve(max_message=1 << 20).address)
    before = peak()
    began = time.monotonic()
    connection.send(post(bomb, "Content-Encoding: gzip"))
    assert connection.read_answer()[0] == 413
    assert time.monotonic() - began < 2.0
    assert peak() - before < 16 << 20


def test_a_flood_of_requests_on_one_connection_is_taken_in_turns(serve, raw):
    app = Echo()
    address = serve(app).address
    greedy, modest = raw(address), raw(address)
    greedy.socket.settimeout(0.5)
    greedy.send(post(b"wait"))
    assert app.arrived.wait(5)
    with pytest.raises(TimeoutError):
        greedy.send(post(b"x" * 1000) * 200_000)
    modest.send(post(b"x"))
    assert modest.read_answer()[0] == 200
    app.go_on.set()


def peak() -> int:
    """Most memory that this process ever had, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
