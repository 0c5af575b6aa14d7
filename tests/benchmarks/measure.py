"""Measuring in turns: a, b, a, b, … in one run, so that a machine that changes its mind harms both alike."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

PEERS = Path(__file__).parent / "peers"
ROOT = Path(__file__).parent.parent.parent
# An installed package has its bytecode: a setting that keeps Python from writing it would measure the compiler.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Row(NamedTuple):
    """One line of the table."""

    work: str
    ours: str
    peer: str
    beside: str
    ratio: float
    """Ours against the peer's, in the sense of the budget."""
    budget: str
    met: bool


def in_turns(ours: Callable[[], float], peer: Callable[[], float], rounds: int = 7) -> tuple[float, float]:
    """Medians of both after one warm-up each."""
    ours(), peer()
    pairs = [(ours(), peer()) for _ in range(rounds)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def time_process(words: Sequence[str]) -> float:
    """Wall seconds of a whole process, which must succeed."""
    began = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - began


def installed_command() -> str:
    """The command as a user starts it."""
    beside = Path(sys.executable).with_name("rpcctl")
    return str(beside) if beside.exists() else shutil.which("rpcctl") or "rpcctl"


def read_seconds(script: str, *words: str) -> float:
    """What a peer's script printed as its own time."""
    command = [sys.executable, str(PEERS / script), *words]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=ENVIRONMENT)
    return float(done.stdout)


@contextmanager
def running(*words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server as a process; gives the endpoint that it prints first, and the process."""
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT, env=ENVIRONMENT
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def serving(
    *options: str, target: str = "tests.benchmarks.target", bind: str = "tcp://127.0.0.1:0"
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`rpcctl serve` of the benchmark's target on a free port, without its access log: the peers have none."""
    words = ("serve", target, "--bind", bind, "--access-log", "off", *options)
    with running(sys.executable, "-m", "rpcctl", *words) as found:
        yield found


def resident_kib(pid: int) -> int:
    """Resident memory of a process, as ps tells it."""
    done = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout)
