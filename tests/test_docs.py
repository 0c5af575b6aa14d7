"""The README is true: its console blocks are run, its Python runs, its tables are made anew and compared."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from rpcctl import __version__, registry
from rpcctl.cli.app import MODULES, load_commands
from tests.readme import bench_picture, call_picture, shell_picture, tables

README = tables.README.read_text()
ROOT = tables.README.parent
PATIENCE = 15.0
HELP_ONLY = {"color", "quiet", "retry-delay", "traceback"}
"""Options of which the README need not speak."""


def blocks(kind: str) -> list[str]:
    """The fenced blocks of a kind, those of the two set-up commands left out: they make environments."""
    text = re.sub(r"<!-- (main|tests) -->\n```.*?```", "", README, flags=re.DOTALL)
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def examples(block: str) -> list[tuple[str, list[str]]]:
    """Each command of a console block and the lines that it prints."""
    found: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def matches(wanted: str, printed: str) -> bool:
    """Whether a line is as the README has it, an ellipsis standing for anything; JSON may have other blanks."""
    pattern = ".*".join(re.escape(part) for part in wanted.split("…"))
    return bool(re.fullmatch(pattern, printed)) or wanted.replace(" ", "") == printed.replace(" ", "")


class Shell:
    """Runs the commands of the README in one folder, servers in the background until it is closed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers: list[subprocess.Popen[str]] = []
        self.status = 0
        (folder / "rpcctl").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m rpcctl "$@"\n')
        (folder / "rpcctl").chmod(0o755)
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        self.env = {
            **os.environ,
            "PATH": path,
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "100",
            "XDG_CONFIG_HOME": str(folder / "config"),
        }

    def run(self, command: str, wanted: list[str]) -> list[str]:
        """What the command prints; of one in the background, as many lines as are wanted."""
        if command.endswith("&"):
            return self._start(command.removesuffix("&"), len(wanted))
        words = ["bash", "-c", f"(exit {self.status}); {command}"]
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        self.status = done.returncode
        return done.stdout.splitlines()

    def _start(self, command: str, lines: int) -> list[str]:
        server = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.servers.append(server)
        printed: list[str] = []
        threading.Thread(target=lambda: printed.extend(iter(server.stdout.readline, "")), daemon=True).start()  # type: ignore[union-attr]
        end = time.monotonic() + PATIENCE
        while len(printed) < lines and time.monotonic() < end:
            time.sleep(0.02)
        return [line.rstrip("\n") for line in printed[:lines]]

    def close(self) -> None:
        """Stop the servers."""
        for server in self.servers:
            server.terminate()
            server.wait(PATIENCE)
            if server.stdout is not None:
                server.stdout.close()


@pytest.fixture
def folder(tmp_path):
    """A folder with the files that the README shows."""
    for block in blocks("python"):
        name = re.match(r"# (\S+\.py)\n", block)
        if name:
            (tmp_path / name[1]).write_text(block[name.end() :])
    return tmp_path


def test_console_blocks_print_what_they_claim(folder):
    shell = Shell(folder)
    try:
        for block in blocks("console"):
            for command, wanted in examples(block):
                printed = shell.run(command, wanted)
                assert len(printed) == len(wanted), f"$ {command}\n" + "\n".join(printed)
                for line, expected in zip(printed, wanted, strict=True):
                    assert matches(expected, line), f"$ {command}\n{line}\ninstead of\n{expected}"
    finally:
        shell.close()


def test_python_blocks_run(folder):
    shown = [block for block in blocks("python") if not block.startswith("# ")]
    assert shown
    for block in shown:
        done = subprocess.run(
            [sys.executable, "-c", block],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr


def test_tables_are_those_that_the_program_makes():
    assert tables.replace(README) == README, "python -m tests.readme writes them anew"


def test_every_command_option_and_protocol_is_told():
    for name in MODULES:
        assert f"`rpcctl {name}`" in README
    for info in registry.protocols():
        assert f"`{info.scheme}`" in README
    for command in load_commands():
        for option in command.options:
            assert (
                option.name in HELP_ONLY or f"--{option.name}" in README or re.search(rf"`{option.short}[` ]", README)
            ), option.name


def test_changes_end_the_readme_and_begin_with_this_version():
    changes = README.partition("\n## Changes\n")[2]
    assert changes.strip().startswith(f"### {__version__}")
    assert "\n## " not in changes


def test_the_picture_shows_the_commands():
    picture = call_picture.PICTURE.read_text()
    for command in call_picture.COMMANDS:
        assert command.split()[-1] in picture


def test_the_picture_of_the_shell_shows_its_lines():
    picture = shell_picture.PICTURE.read_text()
    for line, _ in shell_picture.LINES:
        assert line.split()[0] in picture


def test_the_picture_of_a_measurement_shows_its_figures():
    picture = bench_picture.PICTURE.read_text()
    for word in ("throughput", "p99.9", "errors&gt;1%"):
        assert word in picture


@pytest.mark.parametrize("module", [call_picture, bench_picture, shell_picture], ids=lambda module: module.__name__)
def test_every_picture_is_in_the_readme(module):
    assert f"]({module.PICTURE.relative_to(ROOT).as_posix()})" in README
