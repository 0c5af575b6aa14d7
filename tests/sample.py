"""The module that the tests serve everywhere: one of each kind of method."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

__all__ = [
    "add",
    "count",
    "count_async",
    "default",
    "echo",
    "endless",
    "fail",
    "fail_midway",
    "fail_strangely",
    "leave",
    "nothing",
    "recurse",
    "remember",
    "remembered",
    "slow",
    "slow_async",
    "strange",
]

_memory: list[Any] = []
released = threading.Event()


def add(a: int, b: int) -> int:
    """Add two numbers.

    The sum of both.
    """
    return a + b


def echo(value: Any, *more: Any) -> Any:
    """What was given: the one value, or a list of them."""
    return [value, *more] if more else value


def default(a: Any, b: Any = 2, *, c: Any = 3) -> list[Any]:
    """The arguments as they arrive."""
    return [a, b, c]


def nothing() -> None:
    """Return None."""


def fail(message: str = "on purpose") -> None:
    """Raise ValueError."""
    raise ValueError(message)


def fail_strangely() -> None:
    """Raise an error whose text cannot be had."""

    class Unprintable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    raise Unprintable


def strange() -> object:
    """Return what has no plain form."""
    return object()


def leave() -> None:
    """Raise SystemExit."""
    raise SystemExit(3)


def recurse() -> None:
    """Call itself until Python has enough."""
    recurse()


def slow(seconds: float) -> float:
    """Block the thread for so many seconds."""
    time.sleep(seconds)
    return seconds


async def slow_async(seconds: float) -> float:
    """Wait for so many seconds without blocking a thread."""
    await asyncio.sleep(seconds)
    return seconds


def count(n: int) -> Iterator[int]:
    """Yield 0, 1, … n-1."""
    yield from range(n)


async def count_async(n: int) -> AsyncIterator[int]:
    """The same from a coroutine."""
    for i in range(n):
        await asyncio.sleep(0)
        yield i


def fail_midway(n: int) -> Iterator[int]:
    """Yield n items, then raise."""
    yield from range(n)
    raise ValueError("midway")


def endless() -> Iterator[int]:
    """Yield without end; tells when it is closed."""
    n = 0
    try:
        while True:
            yield n
            n += 1
    finally:
        released.set()


def remember(value: Any) -> None:
    """Keep a value, for one-way calls."""
    _memory.append(value)


def remembered() -> list[Any]:
    """What was kept."""
    return list(_memory)


def _hidden() -> str:
    """Never to be exposed."""
    return "secret"
