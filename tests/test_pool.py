"""Connections for many threads: how many, which are used again, which are closed."""

import threading

import pytest

from rpcctl import pool as pools
from rpcctl.errors import ArgumentError, ConnectError, ConnectionLostError, DeadlineError, UsageError
from rpcctl.pool import NoRoomError, Pool


class Line:
    """A connection that notes what is done to it."""

    def __init__(self, *, broken=False):
        self.broken = broken
        self.connected = self.closed = False

    def connect(self, **options):
        if self.broken:
            raise ConnectError("refused")
        self.connected = True

    def close(self):
        self.closed = True


class Exchange:
    """Makes lines, and keeps them."""

    def __init__(self):
        self.lines = []
        self.broken = False

    def __call__(self):
        self.lines.append(Line(broken=self.broken))
        return self.lines[-1]


@pytest.fixture
def exchange():
    return Exchange()


def make_pool(exchange, most=2, max_wait=0.05):
    return Pool(exchange, most, max_wait)


def test_a_connection_is_made_when_it_is_needed_and_used_again(exchange):
    pool = make_pool(exchange)
    assert not exchange.lines
    for _ in range(3):
        with pool.lend() as line:
            assert line.connected
    assert len(exchange.lines) == 1
    assert not exchange.lines[0].closed


def test_each_call_has_one_to_itself(exchange):
    pool = make_pool(exchange)
    with pool.lend() as one, pool.lend() as other:
        assert one is not other


def test_when_all_are_in_use_a_call_waits_and_is_told(exchange):
    pool = make_pool(exchange, 1)
    with pool.lend(), pytest.raises(NoRoomError, match=r"all 1 connections .* for 0\.05 s"), pool.lend():
        raise AssertionError("lent twice")


def test_one_that_becomes_free_is_handed_on(exchange):
    pool = make_pool(exchange, 1, max_wait=10.0)
    got = threading.Event()

    def work():
        with pool.lend():
            got.set()

    with pool.lend():
        thread = threading.Thread(target=work)
        thread.start()
        assert not got.is_set()
    thread.join(10)
    assert got.is_set()
    assert len(exchange.lines) == 1


def test_a_lost_one_is_closed_and_so_are_those_that_lie_idle(exchange):
    pool = make_pool(exchange)
    with pool.lend(), pool.lend():
        pass
    with pytest.raises(ConnectionLostError), pool.lend():
        raise ConnectionLostError("gone")
    assert [line.closed for line in exchange.lines] == [True, True]
    with pool.lend() as line:
        assert line is exchange.lines[2]


def test_one_that_was_too_slow_is_closed_alone(exchange):
    pool = make_pool(exchange)
    with pool.lend() as kept, pool.lend():
        pass
    with pytest.raises(DeadlineError), pool.lend() as slow:
        raise DeadlineError("late")
    assert slow.closed is True
    assert [line.closed for line in exchange.lines].count(True) == 1
    assert kept.closed is (kept is slow)


def test_one_whose_call_was_never_sent_goes_on(exchange):
    pool = make_pool(exchange)
    with pytest.raises(ArgumentError), pool.lend():
        raise ArgumentError("cannot be sent")
    with pool.lend():
        pass
    assert len(exchange.lines) == 1


def test_one_that_cannot_be_made_leaves_its_place(exchange):
    pool = make_pool(exchange, 1)
    exchange.broken = True
    for _ in range(3):
        with pytest.raises(ConnectError), pool.lend():
            raise AssertionError("lent")
    assert all(line.closed for line in exchange.lines)
    exchange.broken = False
    with pool.lend() as line:
        assert line.connected


def test_one_that_lay_idle_for_long_is_made_anew(exchange, monkeypatch):
    pool = make_pool(exchange)
    with pool.lend():
        pass
    monkeypatch.setattr(pools, "IDLE", 0.0)
    with pool.lend() as line:
        assert line is exchange.lines[1]
    assert exchange.lines[0].closed


def test_after_a_renewal_none_is_used_again(exchange):
    pool = make_pool(exchange)
    with pool.lend() as lent:
        pool.renew()
        assert not lent.closed
    assert lent.closed
    with pool.lend() as line:
        assert line is not lent


def test_closing_closes_all_and_lends_no_more(exchange):
    pool = make_pool(exchange, 1, max_wait=10.0)
    refused = []

    def work():
        try:
            with pool.lend():
                pass
        except ConnectionLostError as exc:
            refused.append(exc)

    with pool.lend() as lent:
        thread = threading.Thread(target=work)
        thread.start()
        pool.close()
        thread.join(10)
        assert lent.closed
    assert len(refused) == 1
    pool.close()


@pytest.mark.parametrize("most", [0, -1, 5000])
def test_the_number_is_bounded(exchange, most):
    with pytest.raises(UsageError, match="--connections"):
        make_pool(exchange, most)
