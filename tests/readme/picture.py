"""The README's picture: real commands on a real terminal of 88 columns, drawn as SVG by rich."""

import io
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parent / "terminal.svg"
COLUMNS = 88
TARGET = '''"""A calculator."""

from collections.abc import Iterator


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def divide(a: int, b: int) -> float:
    """Divide a by b."""
    return a / b


def count(n: int) -> Iterator[int]:
    """Count to n, one item at a time."""
    yield from range(1, n + 1)
'''
SCENE = (
    "rpcctl serve ./calc.py &",
    "rpcctl wait :4242",
    "rpcctl call :4242 add 2 3",
    "rpcctl call :4242 count 3",
    "rpcctl call :4242 divide 1 0",
    "rpcctl list :4242",
)
HIDDEN = ("rpcctl wait :4242",)


def draw() -> str:
    """The picture, from commands that are run now."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "calc.py").write_text(TARGET)
        for command, output in play(folder):
            if command not in HIDDEN:
                console.print(Text("$ ", style="bold green") + Text(command, style="bold"))
                console.print(Text.from_ansi(output.replace("\r\n", "\n").rstrip()) if output.strip() else Text(""))
    return console.export_svg(title="rpcctl")


def play(folder: str) -> list[tuple[str, str]]:
    """Each command and what the terminal then showed."""
    played, servers = [], []
    for command in SCENE:
        leader, follower = pty.openpty()
        words = command.removesuffix(" &").replace("rpcctl", f"exec {sys.executable} -m rpcctl", 1)
        process = subprocess.Popen(
            words, shell=True, cwd=folder, stdin=follower, stdout=follower, stderr=follower, env=_environment()
        )
        os.close(follower)
        if command.endswith("&"):
            servers.append((process, leader))
            played.append((command, _read_panel(leader)))
        else:
            played.append((command, _read_all(leader)))
            process.wait()
    for process, leader in servers:
        process.terminate()
        process.wait()
        os.close(leader)
    return played


def _environment() -> dict[str, str]:
    return {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color", "PYTHONPATH": os.getcwd()}


def _read_panel(leader: int) -> str:
    text = ""
    while "╰" not in text or not text.endswith("\n"):
        text += os.read(leader, 4096).decode()
    return text


def _read_all(leader: int) -> str:
    data = b""
    try:
        while chunk := os.read(leader, 4096):
            data += chunk
    except OSError:
        pass  # The other end is closed: all has been read.
    return data.decode()
