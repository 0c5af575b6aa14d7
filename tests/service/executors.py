"""Short ways to a call on an executor, a sink that notes what it is told, and methods to call."""

import asyncio
import threading
import time
from typing import Any

import pytest

from rpcctl.messages import Request
from rpcctl.service.dispatch import Service
from rpcctl.service.methods import Method

PATIENCE = 20.0
SHORT = 0.2
"""Seconds for a time limit that is to be reached, though not before the method has been entered."""
CALL = Request("call")


class Sink:
    """Keeps what it is told; `over` is set by the end, `rests` counts pauses."""

    def __init__(self):
        self.replies = []
        self.ends = 0
        self.over = threading.Event()
        self.rests = threading.Semaphore(0)
        self.threads = set()
        self.run: Any = None

    def deliver(self, reply):
        assert not self.over.is_set(), "a reply after the end"
        self.threads.add(threading.current_thread().name)
        self.replies.append(reply)

    def paused(self):
        assert not self.over.is_set(), "a pause after the end"
        self.rests.release()

    def ended(self):
        self.ends += 1
        self.over.set()

    def wait(self):
        assert self.over.wait(PATIENCE), "the call did not end"
        assert self.ends == 1
        return self.replies

    def wait_for_pause(self):
        assert self.rests.acquire(timeout=PATIENCE), "the stream did not pause"


class Gate:
    """A method that stays inside until it is opened."""

    def __init__(self):
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def __call__(self):
        self.entered.release()
        assert self.opened.wait(PATIENCE)
        return "passed"

    def wait_until_entered(self, times=1):
        for _ in range(times):
            assert self.entered.acquire(timeout=PATIENCE)


def handler_of(function, **options):
    return Service({"call": Method("call", function)}, **options).dispatch


def submit(executor, function, allowance=None, **request):
    sink = Sink()
    sink.run = executor.submit(handler_of(function), Request("call", **request), sink, allowance)
    return sink


def await_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.002)


def one():
    return 1


async def one_later():
    await asyncio.sleep(0)
    return 1


def three():
    yield from range(3)


async def three_later():
    for n in range(3):
        await asyncio.sleep(0)
        yield n


def fail():
    raise ValueError("bad")


def exits():
    raise SystemExit(3)


def recurse():
    return recurse() + 1


EVERYWHERE = pytest.mark.parametrize("text", ["threads:1", "threads:4", "threads", "inline"])
HERE_AND_THERE = pytest.mark.parametrize("text", ["threads:2", "inline"])
