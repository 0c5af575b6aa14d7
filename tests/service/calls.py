"""Short ways to all replies of one call, and functions of every kind to call."""

import asyncio

from rpcctl.messages import Request
from rpcctl.service.dispatch import Service
from rpcctl.service.methods import Method


def serve(*functions, **options):
    return Service({each.__name__: Method(each.__name__, each) for each in functions}, **options)


def call(function, *args, **kwargs):
    """All replies of one call of the function."""
    return list(serve(function).dispatch(Request(function.__name__, args, kwargs)))


def add(a, b=2):
    """Add two numbers."""
    return a + b


async def add_later(a, b=2):
    await asyncio.sleep(0)
    return a + b


def count(n):
    yield from range(n)


async def count_later(n):
    for number in range(n):
        await asyncio.sleep(0)
        yield number
