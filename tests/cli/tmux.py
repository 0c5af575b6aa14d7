"""A screen that a program draws on, as a terminal of a certain size shows it: tmux, driven and looked at."""

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.cli.terminal import install

PATIENCE = 30.0
LINES = 40
CONFIG = "set -g status off\nset -g default-terminal screen-256color\n"
ENDED = "ended: "
# The screen stays when the command has ended, also by Ctrl-C, which reaches all in the foreground.
RUN = "trap : INT; env {} {}; code=$?; echo; echo {}$code; exec sleep 1000"


class Tmux:
    """One command on a screen of so many columns; its environment is that of `install`, and what `env` adds."""

    def __init__(self, folder: Path, command: str, columns: int, env: Mapping[str, str] | None = None) -> None:
        """Start it; AssertionError when tmux is not installed."""
        assert shutil.which("tmux"), "tmux is needed to see what a terminal shows"
        (folder / "tmux.conf").write_text(CONFIG)
        self._folder = folder
        self._env = {name: value for name, value in install(folder).items() if name not in ("TERM", "COLUMNS")}
        words = " ".join(f"{name}={shlex.quote(value)}" for name, value in (env or {}).items())
        size = ("-x", str(columns), "-y", str(LINES))
        self._tmux("-f", str(folder / "tmux.conf"), "new-session", "-d", *size, RUN.format(words, command, ENDED))

    def close(self) -> None:
        """End the command and the screen."""
        self._tmux("kill-server")

    def keys(self, *keys: str) -> None:
        """Press keys, named as tmux names them."""
        self._tmux("send-keys", *keys)

    def resize(self, columns: int) -> None:
        """Make the screen so wide."""
        self._tmux("resize-window", "-x", str(columns))

    def screen(self) -> list[str]:
        """The lines that are shown, without those that are empty."""
        return [line.rstrip() for line in self._tmux("capture-pane", "-p").splitlines() if line.strip()]

    def colors(self) -> set[str]:
        """The colours, by their numbers, in which anything is shown."""
        return set(re.findall(r"\x1b\[(?:\d+;)*(3[0-7]|9[0-7])m", self._tmux("capture-pane", "-p", "-e")))

    def wait_until(self, condition: Callable[[list[str]], object]) -> list[str]:
        """The lines that are shown once the condition holds for them."""
        end = time.monotonic() + PATIENCE
        while not condition(lines := self.screen()):
            assert time.monotonic() < end, "\n".join(lines)
            time.sleep(0.05)
        return lines

    def wait_for(self, text: str) -> list[str]:
        """The lines that are shown once the text is among them."""
        return self.wait_until(lambda lines: any(text in line for line in lines))

    def wait_for_end(self) -> tuple[list[str], int]:
        """The lines that are left when the command has ended, and its exit code."""
        *lines, last = self.wait_until(lambda lines: lines and lines[-1].startswith(ENDED))
        return lines, int(last.removeprefix(ENDED))

    def _tmux(self, *words: str) -> str:
        command = ("tmux", "-S", str(self._folder / "tmux"), *words)
        return subprocess.run(command, env=self._env, capture_output=True, text=True, check=True).stdout
