"""How deep, long and costly a plain value may be, and that nothing of the given one is shared."""

import collections
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import pytest

from rpcctl.service.plain import DEPTH, NotPlainError, plain
from tests.service.values import ENCODINGS, JSON, ZMQ, Row


class Endless(Sequence[int]):
    def __getitem__(self, index: Any) -> Any:
        return index

    def __len__(self) -> int:
        return 3


class TestLimits:
    def test_depth(self) -> None:
        def nest(levels: int) -> Any:
            value: Any = 1
            for level in range(levels):
                value = [value] if level % 2 else {"a": value}
            return value

        assert plain(nest(DEPTH), ZMQ) == nest(DEPTH)
        with pytest.raises(NotPlainError, match="more than 64 levels"):
            plain(nest(DEPTH + 1), ZMQ)

    def test_cycles(self) -> None:
        items: list[Any] = []
        items.append(items)
        pairs: dict[Any, Any] = {}
        pairs[1] = {"é": pairs}
        row = Row(None)
        row.tags = (row,)
        error = ValueError(items)
        for cycle in (items, pairs, row):
            with pytest.raises(NotPlainError, match="a cycle"):
                plain(cycle, ZMQ)
        assert plain(error, ZMQ) == {"type": "ValueError", "message": "[[...]]"}

    def test_an_object_that_stands_for_another_without_end(self) -> None:
        class Again:
            def model_dump(self) -> Any:
                return Twin()

        class Twin(Again):
            def model_dump(self) -> Any:
                return Again()

        with pytest.raises(NotPlainError, match="more than 64 levels"):
            plain(Again(), ZMQ)

    @pytest.mark.parametrize("value", [range(10**12), Endless(), Endless, iter(int, 1)], ids=str)
    def test_what_has_no_end(self, value: Any) -> None:
        with pytest.raises(NotPlainError, match="more than 20 items"):
            plain(value() if value is Endless else value, ZMQ, max_items=20)

    def test_as_many_items_as_allowed(self) -> None:
        assert plain(iter(range(20)), ZMQ, max_items=20) == list(range(20))
        assert plain(range(10_000)) == list(range(10_000))

    @pytest.mark.parametrize(
        "make", [list, tuple, set, collections.deque, dict.fromkeys, collections.OrderedDict.fromkeys]
    )
    def test_containers_in_memory_are_taken_whole(self, make: Any) -> None:
        assert len(plain(make(range(30)), ZMQ, max_items=20)) == 30

    def test_an_endless_items_method(self) -> None:
        class Lying(dict[Any, Any]):
            def items(self) -> Any:
                return ((n, n) for n in iter(lambda: len(self), None))

        with pytest.raises(NotPlainError, match="more than 20 items"):
            plain(Lying(), ZMQ, max_items=20)

    def test_many_dictionaries_within_each_other_cost_no_more_than_once_each(self) -> None:
        value: Any = 1
        for _ in range(DEPTH):
            value = {"a": value, "é": 1, 1: 2}
        for encoding in ENCODINGS:
            started = time.monotonic()
            plain(value, encoding)
            assert time.monotonic() - started < 1


class TestSharing:
    def test_no_container_is_shared(self) -> None:
        inner: list[Any] = [{"a": 1}]
        value = {"x": inner}
        made = plain(value, ZMQ)
        inner[0]["a"] = 2
        inner.append(1)
        value["y"] = []
        assert made == {"x": [{"a": 1}]}

    def test_the_value_given_is_not_changed(self) -> None:
        value = [(1,), {"a": {1}, "b": b"x"}]
        plain(value, JSON)
        assert value == [(1,), {"a": {1}, "b": b"x"}]

    def test_a_dictionary_that_is_changed_meanwhile(self) -> None:
        class Meddler:
            def model_dump(self) -> int:
                value.clear()
                return 1

        value: dict[Any, Any] = {"a": Meddler(), "b": Meddler(), 3: Meddler()}
        assert plain(value, ZMQ) == {"a": 1, "b": 1, 3: 1}


def test_speed_beside_a_recursive_copy() -> None:
    def copy(value: Any) -> Any:
        kind = type(value)
        if kind is list:
            return [copy(each) for each in value]
        return {key: copy(each) for key, each in value.items()} if kind is dict else value

    def measure(function: Any, value: Any) -> float:
        times = []
        for _ in range(5):
            started = time.perf_counter()
            function(value)
            times.append(time.perf_counter() - started)
        return min(times)

    numbers = list(range(50_000))
    rows = [{"id": n, "name": f"n{n}", "score": n / 2} for n in range(10_000)]
    for value in (numbers, rows):
        # Twice as long here; the rest is room for a busy machine.
        assert measure(lambda each: plain(each, ZMQ), value) < 6 * measure(copy, value)


def test_nothing_is_imported_for_types_that_are_not_there() -> None:
    code = (
        "import sys; from rpcctl.service.plain import plain;"
        "plain([1, {'a': (b'x', 1.5)}, {2}, object], use_repr=True);"
        "print(*{'decimal', 'uuid', 'fractions', 'pathlib', 'dataclasses', 'inspect', 'datetime'} & set(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
