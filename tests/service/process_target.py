"""What worker processes serve in their tests, from a copy in a folder of its own; it leaves traces of what ran."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

folder = Path(__file__).parent


def echo(*args, **kwargs):
    return [list(args), kwargs]


def fail():
    raise ValueError("on purpose")


def pid():
    return os.getpid()


def meet(name, others):
    (folder / f"met-{name}").touch()
    while len(list(folder.glob("met-*"))) < others:
        time.sleep(0.002)
    return os.getpid()


def die():
    os._exit(7)


def die_with_heir():
    if os.fork() == 0:
        (folder / "heir").write_text(f"{os.getpid()}\n")
        time.sleep(60)
    os._exit(7)


def wait_for(name):
    (folder / f"waits-for-{name}").write_text(f"{os.getpid()}\n")
    while not (folder / name).exists():
        time.sleep(0.002)
    return name


def count(n):
    yield from range(n)


def count_then_die():
    yield 1
    os._exit(7)


made = 0


def endless():
    global made
    try:
        while True:
            made += 1
            yield made
    finally:
        (folder / "closed").touch()


def how_many():
    return made


def note(value):
    (folder / "noted").write_text(str(value))


def say(text):
    print(text)
    return sys.stdin.read()


def signals_ignored():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return [signal.getsignal(each) is signal.SIG_IGN for each in numbers]


async def later(value):
    await asyncio.sleep(0.001)
    return value


async def hang():
    (folder / "hangs").touch()
    try:
        await asyncio.sleep(60)
    finally:
        (folder / "woken").touch()


async def count_later(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i
