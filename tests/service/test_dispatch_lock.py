"""Service.dispatch with the lock: no two steps at once, and nobody keeps it."""

import asyncio
import threading
import time

import pytest

from rpcctl.messages import End, Item, Request, Result
from rpcctl.service.loop import event_loop
from tests.service.calls import add, add_later, count, count_later, serve

PATIENCE = 10.0


class Overlap:
    """Notes whether two steps were ever inside at once."""

    def __init__(self):
        self.inside = 0
        self.most = 0

    def __enter__(self):
        self.inside += 1
        self.most = max(self.most, self.inside)

    def __exit__(self, *exc_info):
        self.inside -= 1


def _overlapping(overlap):
    def step():
        with overlap:
            time.sleep(0.001)

    async def step_later():
        with overlap:
            await asyncio.sleep(0.001)

    def stream():
        for _ in range(3):
            step()
            yield

    async def stream_later():
        for _ in range(3):
            await step_later()
            yield

    return step, step_later, stream, stream_later


def _run_all_at_once(service, names):
    def run(name):
        for _ in range(3):
            list(service.dispatch(Request(name)))

    threads = [threading.Thread(target=run, args=(name,)) for name in names for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_with_the_lock_no_two_steps_run_at_once():
    overlap = Overlap()
    functions = _overlapping(overlap)
    _run_all_at_once(serve(*functions, lock=True), [each.__name__ for each in functions])
    assert overlap.most == 1


def test_without_the_lock_steps_overlap():
    barrier = threading.Barrier(2, timeout=PATIENCE)

    def meet():
        barrier.wait()

    service = serve(meet)
    _run = [threading.Thread(target=lambda: list(service.dispatch(Request("meet")))) for _ in range(2)]
    for thread in _run:
        thread.start()
    for thread in _run:
        thread.join(PATIENCE)
    assert not barrier.broken


@pytest.mark.parametrize("stream", [count, count_later], ids=["sync", "async"])
@pytest.mark.parametrize("other", [add, add_later], ids=["sync", "async"])
def test_a_stream_that_pauses_does_not_hold_the_lock(stream, other):
    service = serve(stream, other, lock=True)
    paused = service.dispatch(Request(stream.__name__, (3,)))
    assert next(paused) == Item(0)
    assert list(service.dispatch(Request(other.__name__, (1,)))) == [Result(3)]
    assert list(paused) == [Item(1), Item(2), End()]


def test_a_cancelled_wait_for_the_lock_does_not_keep_it():
    entered, leave = threading.Event(), threading.Event()

    def hold():
        entered.set()
        assert leave.wait(PATIENCE)

    service = serve(hold, add, add_later, lock=True)
    holder = threading.Thread(target=lambda: list(service.dispatch(Request("hold"))))
    holder.start()
    assert entered.wait(PATIENCE)

    async def give_up():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(service.dispatch(Request("add_later", (1,))).__anext__(), 0.01)

    asyncio.run_coroutine_threadsafe(give_up(), event_loop()).result(PATIENCE)
    leave.set()
    holder.join(PATIENCE)
    assert list(service.dispatch(Request("add", (1,)))) == [Result(3)]
