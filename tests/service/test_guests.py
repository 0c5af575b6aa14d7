"""A server's thread among the workers: it runs what is short, and nothing waits behind what is not."""

import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from rpcctl.messages import Result
from rpcctl.service import guests
from rpcctl.service.executor import Calls, make_executor
from rpcctl.service.guests import Visitor
from tests.service.executors import PATIENCE, Gate, Sink, await_until, one, submit


@pytest.fixture(autouse=True)
def leisure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job counts as short, however busy the machine is; tests of long ones say otherwise."""
    monkeypatch.setattr(guests, "_SHORT", PATIENCE)
    monkeypatch.setattr(guests, "_SPELL", PATIENCE)


def welcome(executor: Calls) -> Visitor:
    """The guest of an executor that has one."""
    guest = executor.welcome()
    assert isinstance(guest, Visitor)
    return guest


def gathered(executor: Calls, guest: Visitor, *functions: Callable[[], object]) -> list[Sink]:
    """Calls that the guest keeps."""
    guest.gather()
    return [submit(executor, function) for function in functions]


class Visit(threading.Thread):
    """A thread of its own that gathers calls and works."""

    def __init__(self, executor: Calls, guest: Visitor, *functions: Callable[[], object]) -> None:
        super().__init__()
        self._executor, self._guest, self._functions = executor, guest, functions
        self.sinks: list[Sink] = []
        self.start()

    def run(self) -> None:
        """Once."""
        self.sinks += gathered(self._executor, self._guest, *self._functions)
        self._guest.work()


def test_what_the_guest_gathers_it_runs_itself_in_order(start):
    executor = start("threads:2")
    guest = welcome(executor)
    sinks = gathered(executor, guest, one, threading.get_ident, one)
    assert guest.has_work()
    assert executor.running == 3
    guest.work()
    assert not guest.has_work()
    assert executor.running == 0
    assert [sink.replies for sink in sinks] == [[Result(1)], [Result(threading.get_ident())], [Result(1)]]


def test_after_its_work_the_guest_leaves_calls_to_the_workers(start):
    executor = start("threads:2")
    guest = welcome(executor)
    gathered(executor, guest)
    guest.work()
    assert submit(executor, threading.get_ident).wait() != [Result(threading.get_ident())]


def test_another_threads_calls_are_not_gathered(start):
    executor = start("threads:2")
    guest = welcome(executor)
    gathered(executor, guest)
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(submit(executor, one).wait()))
    thread.start()
    thread.join(PATIENCE)
    assert found == [[Result(1)]]


@pytest.mark.parametrize("text", ["inline", "threads:1"])
def test_there_is_no_guest_where_all_calls_are_to_run_on_one_thread(start, text):
    assert start(text).welcome() is None


def test_there_is_no_guest_where_calls_wait_for_another_process(start):
    executor = start("threads:2")
    executor.hosts_guests = False
    assert executor.welcome() is None


def test_a_guest_counts_as_one_of_the_threads(start):
    executor = start("threads:2")
    guest = welcome(executor)
    gate = Gate()
    thread = Visit(executor, guest, gate)
    gate.wait_until_entered()
    sinks = [*thread.sinks, submit(executor, gate), submit(executor, gate)]
    gate.wait_until_entered()
    assert not gate.entered.acquire(timeout=0.05)
    gate.opened.set()
    assert [sink.wait() for sink in sinks] == [[Result("passed")]] * 3
    thread.join(PATIENCE)


@pytest.mark.parametrize("warm", [False, True], ids=["before any worker", "with idle workers"])
def test_what_waits_behind_a_guest_runs_when_it_leaves(start, warm):
    executor = start("threads:2")
    if warm:
        gate = Gate()
        before = [submit(executor, gate) for _ in range(2)]
        gate.wait_until_entered(2)
        gate.opened.set()
        assert all(sink.wait() for sink in before)
    guest = welcome(executor)
    first, second = Gate(), Gate()
    thread = Visit(executor, guest, first)
    first.wait_until_entered()
    beside = submit(executor, second)
    second.wait_until_entered()
    behind = submit(executor, one)
    first.opened.set()
    assert behind.wait() == [Result(1)]
    second.opened.set()
    thread.join(PATIENCE)
    assert [sink.wait() for sink in (*thread.sinks, beside)] == [[Result("passed")]] * 2


def test_with_all_threads_busy_the_workers_get_what_was_gathered(start):
    executor = start("threads:2")
    guest = welcome(executor)
    gate = Gate()
    busy = [submit(executor, gate) for _ in range(2)]
    gate.wait_until_entered(2)
    sinks = gathered(executor, guest, threading.get_ident)
    guest.work()
    assert sinks[0].replies == []
    gate.opened.set()
    assert sinks[0].wait() != [Result(threading.get_ident())]
    assert [sink.wait() for sink in busy] == [[Result("passed")]] * 2


def test_behind_a_long_call_nothing_waits_for_the_guest(start, monkeypatch):
    monkeypatch.setattr(guests, "_SHORT", -1.0)
    executor = start("threads:2")
    guest = welcome(executor)
    sinks = gathered(executor, guest, one, threading.get_ident)
    guest.work()
    assert sinks[0].replies == [Result(1)]
    assert sinks[1].wait() != [Result(threading.get_ident())]


def test_a_long_spell_is_broken_off(start, monkeypatch):
    monkeypatch.setattr(guests, "_SPELL", -1.0)
    executor = start("threads:2")
    guest = welcome(executor)
    sinks = gathered(executor, guest, one, threading.get_ident)
    guest.work()
    assert sinks[1].wait() != [Result(threading.get_ident())]


def test_after_long_calls_everything_is_left_to_the_workers_for_a_while(start, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(guests, "monotonic", lambda: now[0])
    monkeypatch.setattr(guests, "_SHORT", 0.5)
    executor = start("threads:2")
    guest = welcome(executor)

    def wait():
        now[0] += 1.0

    gathered(executor, guest, wait)
    guest.work()
    sink = gathered(executor, guest, threading.get_ident)[0]
    assert not guest.has_work()
    assert sink.wait() != [Result(threading.get_ident())]
    now[0] += 2.0
    gathered(executor, guest, one)
    assert guest.has_work()
    guest.work()


def test_what_is_handed_over_during_a_call_is_run_by_workers(start):
    executor = start("threads:2")
    guest = welcome(executor)
    gate = Gate()
    thread = Visit(executor, guest, gate, one)
    gate.wait_until_entered()
    guest.hand_over()
    assert thread.sinks[1].wait() == [Result(1)]
    gate.opened.set()
    assert thread.sinks[0].wait() == [Result("passed")]
    thread.join(PATIENCE)


def test_a_guest_that_works_while_the_executor_is_closed_keeps_no_worker():
    before = set(threading.enumerate())
    with ExitStack() as stack:
        executor = make_executor("threads:2", call_timeout=None, max_concurrent=10, max_wait=1.0)
        stack.callback(executor.close)
        submit(executor, one).wait()
        guest = welcome(executor)
        gate = Gate()
        thread = Visit(executor, guest, gate)
        gate.wait_until_entered()
        executor.close()
        gate.opened.set()
        thread.join(PATIENCE)
    await_until(lambda: set(threading.enumerate()) <= before)
