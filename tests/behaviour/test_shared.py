"""State that many clients change at once: `@kv`, whose operations are atomic; `--lock` for classes without locks."""

import inspect
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any

import pytest

from rpcctl.errors import RemoteError
from rpcctl.service.kv import KV
from tests.conftest import served_with

CLIENTS = 4
CALLS = 2000
SERVED = served_with()
"""Protocols between processes: of a `py:` target each client has its own."""


class Counter:
    """A count that loses what is added while it adds."""

    def __init__(self):
        self._n = 0

    def incr(self, key: str, by: int = 1) -> int:
        """Read, let others do the same, and write."""
        n = self._n
        time.sleep(0.0002)
        self._n = n + by
        return self._n

    def get(self, key: str) -> int:
        """The count."""
        return self._n


INCREMENTS = """
import sys, rpcctl
with rpcctl.connect(sys.argv[1], timeout=20) as shared:
    args, kwargs = (("hits",), {}) if "args" in shared.info.features else ((), {"key": "hits"})
    shared.get(*args, **kwargs)
    print("ready", flush=True)
    sys.stdin.read()
    for _ in range(int(sys.argv[2])):
        shared.incr(*args, **kwargs)
"""
"""A process that calls when its standard input ends."""


def ask(kv, operation, *args):
    """Call an operation, its arguments named where the wire has only named ones."""
    if "args" in kv.info.features:
        return kv.call(operation, *args)
    names = [*inspect.signature(getattr(KV, operation)).parameters][1:]
    return kv.call(operation, **dict(zip(names, args, strict=False)))


def increment_together(at: str, calls: int) -> None:
    """Have processes of their own call so many times each, all of them at once."""
    command = [sys.executable, "-c", INCREMENTS, at, str(calls)]
    with ExitStack() as stack:
        clients = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            for _ in range(CLIENTS)
        ]
        assert [client.stdout.readline() for client in clients if client.stdout] == [b"ready\n"] * CLIENTS
        for client in clients:
            assert client.stdin
            client.stdin.close()
        assert [client.wait(60) for client in clients] == [0] * CLIENTS


@pytest.mark.parametrize("protocol", SERVED)
def test_no_increment_of_kv_is_lost_between_processes(address, connect, protocol):
    at = address("@kv")
    increment_together(at, CALLS)
    assert ask(connect(at), "get", "hits") == CLIENTS * CALLS


@pytest.mark.parametrize("protocol", SERVED)
def test_a_lock_keeps_the_calls_of_a_class_apart(address, connect, protocol):
    at = address("tests.behaviour.test_shared:Counter", lock=True)
    increment_together(at, 50)
    assert ask(connect(at), "get", "hits") == CLIENTS * 50


OPERATIONS: list[tuple[str, tuple[Any, ...], Any]] = [
    ("get", ("absent",), None),
    ("get", ("absent", 3), 3),
    ("set", ("a", {"b": [1, None, "é", 2.5, True]}), None),
    ("get", ("a",), {"b": [1, None, "é", 2.5, True]}),
    ("set", ("1", ""), None),
    ("get", ("1",), ""),
    ("incr", ("n",), 1),
    ("incr", ("n", 41), 42),
    ("incr", ("n", -0.5), 41.5),
    ("append", ("list", 1), 1),
    ("append", ("list", {"x": []}), 2),
    ("cas", ("list", [1, {"x": []}], [2]), True),
    ("cas", ("list", [1], [3]), False),
    ("cas", ("new", None, "made"), True),
    ("update", ({"n": 5, "m": 6},), None),
    ("keys", (), ["a", "1", "n", "list", "new", "m"]),
    ("delete", ("m",), True),
    ("delete", ("m",), False),
    ("pop", ("n",), 5),
    ("pop", ("n", "none"), "none"),
    ("snapshot", (), {"a": {"b": [1, None, "é", 2.5, True]}, "1": "", "list": [2], "new": "made"}),
    ("clear", (), None),
    ("snapshot", (), {}),
]
"""One after the other on one dictionary."""
REFUSED = [("incr", ("text",)), ("append", ("text", 1)), ("incr", ("n", "1 more")), ("update", ([1],)), ("get", ([],))]


def typed(value):
    """The value with the types of what is in it: 1 is neither True nor 1.0."""
    if isinstance(value, list):
        return [typed(each) for each in value]
    if isinstance(value, dict):
        return {key: typed(each) for key, each in value.items()}
    return type(value), value


@pytest.mark.parametrize("protocol", SERVED)
def test_every_operation_of_kv_gives_the_same_on_every_wire(address, connect, protocol):
    kv = connect(address("@kv"))
    found = [(operation, args, typed(ask(kv, operation, *args))) for operation, args, _ in OPERATIONS]
    assert found == [(operation, args, typed(result)) for operation, args, result in OPERATIONS]


@pytest.mark.parametrize("protocol", SERVED)
def test_what_kv_refuses_changes_nothing_on_any_wire(address, connect, protocol):
    kv = connect(address("@kv"))
    ask(kv, "set", "text", "a")
    for operation, args in REFUSED:
        with pytest.raises(RemoteError):
            ask(kv, operation, *args)
    assert kv.snapshot() == {"text": "a"}
