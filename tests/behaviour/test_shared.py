"""State that many clients change at once: `@kv`, whose operations are atomic; `--lock` for classes without locks."""

import threading
import time

import pytest

from tests.conftest import served_with

CLIENTS = 4
CALLS = 2000
SERVED = served_with()
"""Protocols between processes: of a `py:` target each client has its own."""


class Counter:
    """A count that loses what is added while it adds."""

    def __init__(self):
        self._n = 0

    def incr(self, key: str) -> int:
        """Read, let others do the same, and write."""
        n = self._n
        time.sleep(0.0002)
        self._n = n + 1
        return self._n

    def get(self, key: str) -> int:
        """The count."""
        return self._n


def ask(client, method, **arguments):
    """Call a method, its arguments by position where the wire has those, else by name."""
    if "args" in client.info.features:
        return client.call(method, *arguments.values())
    return client.call(method, **arguments)


def increment_together(connect, at, calls):
    """The count after each of the clients has incremented it so many times, all of them at once."""
    start, failed = threading.Barrier(CLIENTS), []

    def work(client):
        try:
            start.wait(10)
            for _ in range(calls):
                ask(client, "incr", key="hits")
        except Exception as exc:
            failed.append(exc)

    threads = [threading.Thread(target=work, args=(connect(at),)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    return ask(connect(at), "get", key="hits")


@pytest.mark.parametrize("protocol", SERVED)
def test_no_increment_of_kv_is_lost(address, connect, protocol):
    assert increment_together(connect, address("@kv"), CALLS) == CLIENTS * CALLS


@pytest.mark.parametrize("protocol", SERVED)
def test_a_lock_keeps_the_calls_of_a_class_apart(address, connect, protocol):
    at = address("tests.behaviour.test_shared:Counter", lock=True)
    assert increment_together(connect, at, 50) == CLIENTS * 50


@pytest.mark.parametrize("protocol", SERVED)
def test_kv_keeps_its_values_plain(address, connect, protocol):
    kv = connect(address("@kv"))
    ask(kv, "set", key="a", value={"b": [1, None, "é"]})
    assert ask(kv, "get", key="a") == {"b": [1, None, "é"]}
    assert ask(kv, "append", key="list", value=1) == 1
    assert ask(kv, "cas", key="list", old=[1], new=[2]) is True
    ask(kv, "update", mapping={"n": 1})
    assert sorted(kv.keys()) == ["a", "list", "n"]
    assert ask(kv, "pop", key="n") == 1
    assert ask(kv, "delete", key="absent") is False
    assert kv.snapshot() == {"a": {"b": [1, None, "é"]}, "list": [2]}
    kv.clear()
    assert kv.keys() == []
