"""The shared dictionary: its operations, their atomicity, and what its file survives."""

import os
import signal
import stat
import subprocess
import sys
import threading
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rpcctl.errors import TargetError
from rpcctl.service import journal
from rpcctl.service.coerce import converter
from rpcctl.service.kv import KV
from rpcctl.service.plain import DEPTH, NotPlainError

OPERATIONS = {"append", "cas", "clear", "delete", "get", "incr", "keys", "pop", "set", "snapshot", "update"}
START = {"n": 1, "list": [1], "text": "a", "none": None}


def start() -> KV:
    kv = KV()
    kv.update(START)
    return kv


@pytest.mark.parametrize(
    ("operation", "args", "result", "after"),
    [
        ("get", ("n",), 1, {}),
        ("get", ("absent",), None, {}),
        ("get", ("absent", 3), 3, {}),
        ("get", ("none", 3), None, {}),
        ("set", ("n", {"a": (1,)}), None, {"n": {"a": [1]}}),
        ("set", ("new", None), None, {"new": None}),
        ("incr", ("n",), 2, {"n": 2}),
        ("incr", ("n", 2.5), 3.5, {"n": 3.5}),
        ("incr", ("new", -1), -1, {"new": -1}),
        ("append", ("list", {2}), 2, {"list": [1, [2]]}),
        ("append", ("new", 1), 1, {"new": [1]}),
        ("update", ({"n": 5, "new": 6},), None, {"n": 5, "new": 6}),
        ("update", ({},), None, {}),
        ("delete", ("n",), True, {"n": ...}),
        ("delete", ("absent",), False, {}),
        ("pop", ("n",), 1, {"n": ...}),
        ("pop", ("absent",), None, {}),
        ("pop", ("absent", 3), 3, {}),
        ("cas", ("n", 1, 2), True, {"n": 2}),
        ("cas", ("n", 2, 3), False, {}),
        ("cas", ("list", (1,), 3), True, {"list": 3}),
        ("cas", ("absent", None, 3), True, {"absent": 3}),
        ("cas", ("absent", 1, 3), False, {}),
        ("keys", (), ["n", "list", "text", "none"], {}),
        ("snapshot", (), START, {}),
        ("clear", (), None, dict.fromkeys(START, ...)),
        ("set", (2024, 1), None, {"2024": 1}),
        ("incr", (1.5,), 1, {"1.5": 1}),
        ("update", ({1: {2: 3}},), None, {"1": {2: 3}}),
    ],
)
def test_operations(operation: str, args: tuple[Any, ...], result: Any, after: dict[str, Any]) -> None:
    kv = start()
    made = getattr(kv, operation)(*args)
    assert (made, type(made)) == (result, type(result))
    assert kv.snapshot() == {key: value for key, value in {**START, **after}.items() if value is not ...}


@pytest.mark.parametrize(
    ("operation", "args", "error", "message"),
    [
        ("incr", ("text",), TypeError, "'text' holds str, not a number"),
        ("incr", ("none",), TypeError, "'none' holds NoneType, not a number"),
        ("incr", ("n", "1"), TypeError, "a number is wanted, not str"),
        ("incr", ("n", True), TypeError, "a number is wanted, not bool"),
        ("append", ("n", 1), TypeError, "'n' holds int, not a list"),
        ("update", ([1],), TypeError, "a mapping is wanted, not list"),
        ("update", ({1: 1, "1": 2},), NotPlainError, "two keys become '1'"),
        ("set", (None, 1), NotPlainError, "a key of type NoneType does not fit @kv"),
        ("get", ([],), TypeError, "a key is text, not list"),
        ("set", ("n", object()), NotPlainError, "no plain form for type object"),
        ("append", ("list", object()), NotPlainError, "no plain form for type object"),
    ],
)
def test_what_is_refused_changes_nothing(
    operation: str, args: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    kv = start()
    with pytest.raises(error, match=message):
        getattr(kv, operation)(*args)
    assert kv.snapshot() == START


def test_nothing_but_the_operations_is_public() -> None:
    assert {name for name in dir(KV()) if not name.startswith("_")} == OPERATIONS
    assert all(getattr(KV, name).__doc__ for name in OPERATIONS)


def test_amounts_stay_integers_on_their_way_through_the_hints() -> None:
    convert = converter(typing.get_type_hints(KV.incr)["by"])
    assert convert is None or type(convert(1)) is int


def test_values_are_copies() -> None:
    kv = KV()
    given = [[1]]
    kv.set("a", given)
    given[0].append(2)
    kv.get("a")[0].append(3)
    kv.snapshot()["a"].append(4)
    assert kv.get("a") == [[1]]


def nest(levels: int) -> Any:
    return [nest(levels - 1)] if levels else 1


@pytest.mark.parametrize(
    ("store", "levels"),
    [
        (lambda kv, value: kv.set("a", value), DEPTH - 1),
        (lambda kv, value: kv.cas("a", None, value), DEPTH - 1),
        (lambda kv, value: kv.update({"a": value}), DEPTH - 1),
        (lambda kv, value: kv.append("a", value), DEPTH - 2),
    ],
    ids=["set", "cas", "update", "append"],
)
def test_what_can_be_stored_can_be_read(store: Callable[[KV, Any], Any], levels: int) -> None:
    kv = KV()
    with pytest.raises(NotPlainError, match="64 levels"):
        store(kv, nest(levels + 1))
    store(kv, nest(levels))
    assert kv.snapshot() == {"a": nest(DEPTH - 1)}


def run_together(*tasks: Callable[[], None]) -> None:
    barrier = threading.Barrier(len(tasks))
    errors: list[BaseException] = []

    def run(task: Callable[[], None]) -> None:
        try:
            barrier.wait(10)
            task()
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []


@pytest.fixture
def eager_switches() -> typing.Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_switches")
@pytest.mark.parametrize("saved", [False, True])
def test_no_change_is_lost_between_threads(saved: bool, tmp_path: Path) -> None:
    with KV(str(tmp_path / "file") if saved else None) as kv:

        def work() -> None:
            for n in range(200):
                kv.incr("n")
                kv.append("list", n)
                while not kv.cas("cas", before := kv.get("cas"), (before or 0) + 1):
                    pass
                kv.snapshot()

        run_together(*[work] * 4)
        assert (kv.get("n"), len(kv.get("list")), kv.get("cas")) == (800, 800, 800)


@pytest.mark.usefixtures("eager_switches")
def test_an_update_is_seen_as_a_whole() -> None:
    kv = KV()
    kv.update({"a": 0, "b": 0})

    def write() -> None:
        for n in range(2000):
            kv.update({"a": n, "b": n})

    def read() -> None:
        for _ in range(2000):
            seen = kv.snapshot()
            assert seen["a"] == seen["b"]

    run_together(write, read)


class TestFile:
    STRANGE: typing.ClassVar[dict[str, Any]] = {
        "bytes": b"\x00\xff",
        "keys": {1: {None: 1.5}, "$a": {"$bytes": "x"}, b"b": {"$pairs": [1]}},
        "big": 2**70,
        "text": 'é\u2028\n"\x00',
        "infinite": [float("inf")],
        "é": {},
    }

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "kept.kv"

    def read(self, path: Path) -> dict[str, Any]:
        with KV(str(path)) as kv:
            return kv.snapshot()

    def test_everything_is_there_at_the_next_start(self, path: Path) -> None:
        with KV(str(path)) as kv:
            kv.update(self.STRANGE)
            for key, value in self.STRANGE.items():
                kv.append("list", value)
                kv.set(f"set-{key}", value)
            kv.incr("n", 3)
            kv.incr("n")
            kv.set("gone", 1)
            kv.delete("gone")
            kv.pop("bytes")
            assert kv.cas("n", 4, 5.5)
            before = kv.snapshot()
        assert self.read(path) == before
        assert list(self.read(path)) == list(before)

    def test_clearing_is_kept_too(self, path: Path) -> None:
        with KV(str(path)) as kv:
            kv.set("a", 1)
            kv.clear()
            kv.set("b", 1)
        assert self.read(path) == {"b": 1}

    def test_reading_writes_nothing(self, path: Path) -> None:
        with KV(str(path)) as kv:
            kv.set("a", 1)
            size = path.stat().st_size
            for operation in ("get", "delete", "pop"):
                getattr(kv, operation)("absent")
            kv.cas("a", 2, 3)
            kv.keys()
            kv.snapshot()
            assert path.stat().st_size == size

    def test_whatever_part_of_a_file_was_written_is_a_state_that_was(self, path: Path) -> None:
        states: list[dict[str, Any]] = [{}]
        with KV(str(path)) as kv:
            header = path.stat().st_size
            for change in (("incr", "n"), ("set", "é", "é\u2028"), ("append", "list", b"x"), ("incr", "n"), ("clear",)):
                getattr(kv, change[0])(*change[1:])
                states.append(kv.snapshot())
        whole = path.read_bytes()
        for length in range(header, len(whole) + 1):
            path.write_bytes(whole[:length])
            assert self.read(path) == states[whole[:length].count(b"\n") - 1]
            with KV(str(path)) as kv:
                kv.set("after", 1)
            assert self.read(path)["after"] == 1

    @pytest.mark.parametrize("shortest", [journal.SHORTEST, 100])
    def test_a_killed_process_loses_nothing_that_it_answered(self, path: Path, shortest: int) -> None:
        code = (
            "import sys; from rpcctl.service import journal, kv; journal.SHORTEST = int(sys.argv[2])\n"
            "shared = kv.KV(sys.argv[1])\n"
            "while True: print(shared.incr('n'), flush=True)"
        )
        answered = 0
        for goal in (1, 700, 1900):
            command = [sys.executable, "-c", code, str(path), str(shortest)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    answered = int(line)
                    if answered >= goal:
                        process.send_signal(signal.SIGKILL)
            found = self.read(path)["n"]
            assert answered <= found <= answered + 1

    def test_many_changes_wait_for_the_disk_a_few_times(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        waits: list[int] = []
        monkeypatch.setattr(os, "fsync", waits.append)
        monkeypatch.setattr(journal, "SYNC_INTERVAL", 3600)
        with KV(str(path)) as kv:
            waits.clear()
            for _ in range(2000):
                kv.incr("n")
            assert waits == []
            monkeypatch.setattr(journal, "SYNC_INTERVAL", 0)
            kv.incr("n")
            assert len(waits) == 1

    def test_it_does_not_grow_for_ever(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(journal, "SHORTEST", 1000)
        with KV(str(path)) as kv:
            kv.set("text", "x" * 2000)
            sizes = set()
            for _ in range(2000):
                kv.incr("n")
                sizes.add(path.stat().st_size)
            assert 2000 < min(sizes) < max(sizes) < 10_000
        assert self.read(path) == {"text": "x" * 2000, "n": 2000}
        assert os.listdir(path.parent) == [path.name]

    def test_a_rewriting_that_fails_is_put_off(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(journal, "SHORTEST", 100)
        with KV(str(path)) as kv:
            with monkeypatch.context() as patch:
                patch.setattr(os, "replace", refuse)
                for _ in range(100):
                    kv.incr("n")
            assert os.listdir(path.parent) == [path.name]
            for _ in range(100):
                kv.incr("n")
        assert self.read(path) == {"n": 200}

    def test_a_change_that_cannot_be_written_is_not_done(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write = os.write
        with KV(str(path)) as kv:
            kv.incr("n")
            for broken in (refuse, lambda file, data: write(file, data[:5])):
                with monkeypatch.context() as patch:
                    patch.setattr(os, "write", broken)
                    with pytest.raises(OSError, match="No space"):
                        kv.incr("n")
                assert kv.get("n") == 1
            kv.set("after", 1)
            with pytest.raises(ValueError, match="Exceeds the limit"):
                kv.set("long", 10**5000)
        assert self.read(path) == {"n": 1, "after": 1}

    def test_one_server_at_a_time(self, path: Path) -> None:
        with KV(str(path)) as kv:
            kv.set("a", 1)
            with pytest.raises(TargetError, match="cannot be used: another server uses it"):
                KV(str(path))
            kv.set("b", 2)
        assert self.read(path) == {"a": 1, "b": 2}

    @pytest.mark.parametrize(
        "content", [b"hello", b"hello\n", b"\n", b'["kv",2]\n', b'{"a": 1}', b"\xff\n", b"[" * 9999]
    )
    def test_a_file_of_another_sort_is_left_alone(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        for _ in range(2):
            with pytest.raises(TargetError, match="was not written by @kv"):
                KV(str(path))
        assert path.read_bytes() == content

    @pytest.mark.parametrize(
        "line",
        [
            *(b"", b"hello", b"3", b"[]", b'["set"]', b'["eval","1"]', b'[["set"],1]', b'["incr","text",1]'),
            *(
                b'["delete","absent"]',
                b'["append","text",1]',
                b'["set","a",{"$bytes":"?"}]',
                b'["set","a",{"$pairs":[1]}]',
            ),
        ],
    )
    def test_a_damaged_file_is_left_alone(self, path: Path, line: bytes) -> None:
        content = b'["kv",1]\n["set","text","a"]\n' + line + b'\n["set","b",1]\n'
        path.write_bytes(content)
        with pytest.raises(TargetError, match=r"line 3 is damaged|cannot be done"):
            KV(str(path))
        assert path.read_bytes() == content

    def test_places_that_cannot_be_used(self, tmp_path: Path) -> None:
        for place in (tmp_path, tmp_path / "absent" / "file", Path(os.devnull)):
            with pytest.raises(TargetError, match="cannot be used"):
                KV(str(place))
        assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)

    def test_a_file_is_its_owners_and_stays_as_it_was_made(self, path: Path, tmp_path: Path) -> None:
        with KV(str(path)):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o640)
        link = tmp_path / "link"
        link.symlink_to(path)
        with KV(str(link)) as kv:
            kv.set("a", 1)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert link.is_symlink()
        assert self.read(path) == {"a": 1}


def refuse(*args: Any) -> Any:
    raise OSError(28, os.strerror(28))
