"""rpcctl as a process of its own, for what only a process shows: signals, pipes, a server that is killed."""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

COMMAND = (sys.executable, "-m", "rpcctl")
PATIENCE = 20.0
"""Seconds after which a test gives up; nothing is expected to take as long."""


class Process:
    """A running rpcctl: its addresses, its standard error line by line, its end."""

    def __init__(self, *words: str, env: dict[str, str] | None = None, **more: Any) -> None:
        self.popen = subprocess.Popen(
            (*COMMAND, *words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
            **more,
        )
        self.seen: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def read_address(self) -> str:
        """The next line of standard output."""
        assert self.popen.stdout is not None
        line: str = self.popen.stdout.readline().strip()
        assert line, "\n".join(self.seen) + self.rest()
        return line

    def wait_for(self, text: str) -> str:
        """The first line of standard error, from here on, that holds the text."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                line = self._lines.get(timeout=0.1)
            except queue.Empty:
                assert self.popen.poll() is None or not self._lines.empty(), f"ended without {text!r}: {self.seen}"
                continue
            if text in line:
                return line
        raise AssertionError(f"{text!r} did not come: {self.seen}")

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal."""
        self.popen.send_signal(number)

    def wait(self) -> int:
        """Its exit code, when it has ended."""
        return self.popen.wait(PATIENCE)

    def rest(self) -> str:
        """What standard error has said so far."""
        return "\n".join(self.seen)

    def _read(self) -> None:
        assert self.popen.stderr is not None
        for line in self.popen.stderr:
            self.seen.append(line.rstrip("\n"))
            self._lines.put(line.rstrip("\n"))


@contextmanager
def running(*words: str, **more: Any) -> Iterator[Process]:
    """A process that is killed when the block ends, if it has not ended by itself."""
    process = Process(*words, **more)
    try:
        yield process
    finally:
        if process.popen.poll() is None:
            process.popen.kill()
        process.popen.wait()
        for stream in (process.popen.stdout, process.popen.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def serving(*words: str, target: str = "tests.sample", **more: Any) -> Iterator[tuple[Process, str]]:
    """`rpcctl serve TARGET` on a free port; the process and its address."""
    bind = () if "--bind" in words else ("--bind", "tcp://127.0.0.1:0")
    with running("serve", target, *bind, *words, **more) as process:
        yield process, process.read_address()


def run(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    """One command line to its end."""
    return subprocess.run((*COMMAND, *words), capture_output=True, text=True, timeout=PATIENCE, **more)
