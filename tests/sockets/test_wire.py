"""A client's wire: every wait ends in time, and what another protocol looks like."""

import socket
import threading
from contextlib import suppress

import pytest

from rpcctl.errors import ConnectError, DeadlineError
from rpcctl.messages import NEVER, Deadline
from rpcctl.sockets.looks import look_of
from rpcctl.sockets.wire import Wire, connect, too_late
from tests.sockets.conftest import parse


@pytest.fixture
def ends():
    """A wire and the socket at its other end."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(5)
    yield Wire(ours), theirs
    ours.close()
    theirs.close()


def test_bytes_go_both_ways(ends):
    wire, other = ends
    wire.deadline = Deadline.after(5)
    wire.send(b"there")
    assert other.recv(10) == b"there"
    other.sendall(b"back")
    assert wire.has_news()
    assert wire.receive() == b"back"
    assert not wire.has_news()
    assert not wire.is_stale()


def test_the_end_is_news_and_nothing_to_read(ends):
    wire, other = ends
    other.close()
    assert wire.has_news()
    assert wire.is_stale()
    assert wire.receive() == b""
    assert wire.ended


def test_every_wait_ends_at_the_deadline(ends):
    wire, _ = ends
    wire.deadline = Deadline.after(0.05)
    with pytest.raises(TimeoutError):
        wire.receive()
    with pytest.raises(TimeoutError):
        wire.send(bytes(20_000_000))
    while wire.send_some(bytes(65536)):
        pass
    wire.deadline = Deadline.after(0.05)
    with pytest.raises(TimeoutError):
        wire.await_either()


def test_who_cannot_write_hears_of_what_can_be_read(ends):
    wire, other = ends
    while wire.send_some(bytes(65536)):
        pass
    other.sendall(b"x")
    wire.deadline = Deadline.after(5)
    assert wire.await_either() is True


def test_shutting_wakes_whoever_waits(ends):
    wire, _ = ends
    wire.deadline = NEVER

    def wait():
        with suppress(OSError):  # When it was shut before the wait began.
            wire.receive()

    thread = threading.Thread(target=wait)
    thread.start()
    wire.shut()
    thread.join(5)
    assert not thread.is_alive()


def test_connecting_ends_in_time_and_says_which_limit_it_was():
    at = parse("tcp://127.0.0.1:1")
    with pytest.raises(DeadlineError):
        connect(at, 5.0, Deadline(0.0))
    with pytest.raises(ConnectError, match="refused"):
        connect(at, 5.0, NEVER)
    assert "within 0.5 s" in too_late("there", 0.5, NEVER).message


def test_a_file_that_is_no_socket_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConnectError, match=r"refused|no socket"):
        connect(parse(f"unix://{tmp_path}/file"), 5.0, NEVER)


@pytest.mark.parametrize("first", [b"", b"\0\0\0", b"HTTP", b"\x92\x00", b"\xff" * 20])
def test_what_looks_like_nothing_known(first):
    assert look_of(first) == ""
