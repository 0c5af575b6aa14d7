"""A loop that goes on while its thread is lent."""

import threading
import time

import pytest

from rpcctl.sockets import relay
from rpcctl.sockets.relay import Relay

PATIENCE = 10.0


class Guest:
    """Whose work is what the test says; it counts what was handed over."""

    def __init__(self, work=lambda: None):
        self.work = work
        self.handed_over = 0

    def gather(self):
        """Not asked for here."""

    def has_work(self):
        """Not asked for here."""

    def hand_over(self):
        """Count it."""
        self.handed_over += 1


def test_who_comes_back_in_time_goes_on():
    guest, threads = Guest(), []
    running = Relay(guest)

    def loop():
        for _ in range(1000):
            threads.append(threading.get_ident())
            assert running.lend()

    running.run(loop)
    assert len(threads) == 1000
    assert len(set(threads)) == 1
    assert guest.handed_over == 0


def test_who_does_not_come_back_is_replaced_and_touches_nothing():
    gate, second = threading.Event(), threading.Event()
    returned = threading.Event()
    found: list[threading.Thread] = []

    def work():
        assert gate.wait(PATIENCE)

    guest = Guest(work)
    running = Relay(guest)

    def loop():
        if not found:
            found.append(threading.current_thread())
            assert not running.lend()
            returned.set()
            return
        found.append(threading.current_thread())
        second.set()

    running.run(loop)
    assert second.is_set()
    assert not returned.is_set()
    assert found[0] is not found[1]
    assert guest.handed_over == 1
    gate.set()
    assert returned.wait(PATIENCE)


def test_one_after_the_other_can_be_replaced():
    gate = threading.Event()
    threads = []
    running = Relay(Guest(lambda: gate.wait(PATIENCE)))

    def loop():
        threads.append(threading.current_thread())
        if len(threads) < 5:
            assert not running.lend()

    running.run(loop)
    assert len(set(threads)) == 5
    gate.set()
    for thread in threads:
        thread.join(PATIENCE)


def test_a_deputy_that_sleeps_is_woken(monkeypatch):
    monkeypatch.setattr(relay, "_QUIET", 1)
    gate, slept = threading.Event(), threading.Event()
    threads = []
    running = Relay(Guest(lambda: slept.is_set() and gate.wait(PATIENCE)))

    def loop():
        threads.append(threading.current_thread())
        if len(threads) == 2:
            return
        assert running.lend()
        until = time.monotonic() + PATIENCE
        while not running._dozing and time.monotonic() < until:
            time.sleep(0.001)
        slept.set()
        assert not running.lend()

    running.run(loop)
    assert len(set(threads)) == 2
    gate.set()


def test_what_the_loop_raises_is_raised():
    def loop():
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        Relay(Guest()).run(loop)


def test_without_a_thread_for_the_deputy_nobody_is_lent(monkeypatch):
    worked = []
    guest = Guest(lambda: worked.append(1))
    running = Relay(guest)

    def no_threads(run):
        raise RuntimeError("can't start new thread")

    def loop():
        monkeypatch.setattr(running, "_start", no_threads)
        assert running.lend()

    running.run(loop)
    assert not worked
    assert guest.handed_over == 1


def test_no_thread_is_left_when_the_loop_is_over():
    before = set(threading.enumerate())
    running = Relay(Guest())

    def loop():
        assert running.lend()

    running.run(loop)
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
        assert not thread.is_alive()
