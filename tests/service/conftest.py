"""A folder to serve from, whose modules are forgotten afterwards; executors and worker processes, ended afterwards."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import pytest

from rpcctl.service.executor import make_executor
from tests.service.executors import PATIENCE
from tests.service.processes import Served


class Folder:
    """The current directory of a test."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, source: str) -> Path:
        """Write a source file, its folders included."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source), encoding="utf-8")
        return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """An empty current directory; the module path and what was imported from it are put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield Folder(tmp_path)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def start():
    """A function that makes an executor, closed when the test ends."""
    made = []

    def make(text="threads:4", *, call_timeout=None, max_concurrent=10_000, max_wait=PATIENCE, on_done=None):
        made.append(
            make_executor(
                text, call_timeout=call_timeout, max_concurrent=max_concurrent, max_wait=max_wait, on_done=on_done
            )
        )
        return made[-1]

    yield make
    for executor in made:
        executor.close()


@pytest.fixture
def serve(tmp_path):
    """A function that starts worker processes, ended when the test ends."""
    made = []

    def make(count=1, **options):
        made.append(Served(tmp_path, count, **options))
        made[-1].processes.start()
        return made[-1]

    yield make
    for each in made:
        each.processes.close()


@pytest.fixture
def threads():
    """Threads to make calls from."""
    pool = ThreadPoolExecutor(8)
    yield pool
    pool.shutdown(wait=False)  # A call that hangs after a failed test ends with its process.
