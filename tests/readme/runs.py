"""Commands run one after the other on a terminal each, as the README's pictures show them."""

import os
import pty
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.readme.picture import COLUMNS, TARGET


def play(server: str, commands: Iterable[str]) -> list[tuple[str, str]]:
    """Each command and what its terminal then showed: first the server, stopped when the others are over."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "calc.py").write_text(TARGET)
        with _served(server, folder) as panel:
            _run("rpcctl wait :4242", folder)
            return [(f"{server} &", panel), *((command, _run(command, folder)) for command in commands)]


@contextmanager
def _served(command: str, folder: str) -> Iterator[str]:
    process, leader = _start(command, folder)
    try:
        yield _read_panel(leader)
    finally:
        process.terminate()
        process.wait()
        os.close(leader)


def _run(command: str, folder: str) -> str:
    process, leader = _start(command, folder)
    data = b""
    try:
        while chunk := os.read(leader, 4096):
            data += chunk
    except OSError:
        pass  # The other end is closed: all has been read.
    process.wait()
    os.close(leader)
    return data.decode()


def _start(command: str, folder: str) -> tuple[subprocess.Popen[bytes], int]:
    leader, follower = pty.openpty()
    words = command.replace("rpcctl", f"{sys.executable} -m rpcctl", 1)
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "PYTHONPATH": os.getcwd()}
    process = subprocess.Popen(
        ["bash", "-c", words], cwd=folder, stdin=follower, stdout=follower, stderr=follower, env=environment
    )
    os.close(follower)
    return process, leader


def _read_panel(leader: int) -> str:
    text = ""
    while "╰" not in text or not text.endswith("\n"):
        text += os.read(leader, 4096).decode()
    return text
