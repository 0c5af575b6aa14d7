"""A program on a terminal of a given size, drawn by tmux: type keys, see the screen."""

import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 30.0
"""Seconds that a screen may take on a busy machine."""


class Tmux:
    """One window of a tmux of its own."""

    def __init__(self, command: list[str], columns: int, env: Mapping[str, str], rows: int = 24) -> None:
        """Run the command; `env` is added to the environment."""
        # Each its own: a server that is about to end would take the next window with it. Paths of sockets are short.
        self._folder = tempfile.TemporaryDirectory(prefix="tmux-")
        self._socket = f"{self._folder.name}/socket"
        words = [*(f"{name}={value}" for name, value in env.items()), *command]
        # The shell outlives the program, Ctrl-C too, and tells that it is over.
        line = (
            f"trap : INT; env -u COLUMNS -u LINES -u NO_COLOR -u FORCE_COLOR {shlex.join(words)}; echo ended: $?; cat"
        )
        size = ("-x", str(columns), "-y", str(rows))
        self._run("-f", "/dev/null", "new-session", "-d", *size, line)

    def type(self, *keys: str) -> None:
        """Type texts and keys, as tmux names them: `Enter`, `Tab`, `C-c`."""
        for key in keys:
            self._run("send-keys", key)

    def screen(self, *options: str) -> str:
        """What is to be seen; with `-e` its colours too."""
        return self._run("capture-pane", "-p", *options).rstrip("\n") + "\n"

    def wait_for(self, text: str, *options: str, last: bool = False) -> str:
        """The screen as soon as it shows the text; with `last` as soon as nothing follows it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            screen = self.screen(*options)
            if screen.endswith(text + "\n") if last else text in screen:
                return screen
            time.sleep(0.05)
        raise AssertionError(f"no {text!r} on\n{self.screen()}")

    def lines(self) -> list[str]:
        """The lines to be seen, without those that are empty."""
        return [line.rstrip() for line in self.screen().splitlines() if line.strip()]

    def colors(self) -> set[str]:
        """The colours, by their numbers, in which anything is shown."""
        return set(re.findall(r"\x1b\[(?:\d+;)*(3[0-7]|9[0-7])m", self.screen("-e")))

    def wait_until(self, condition: Callable[[list[str]], object]) -> list[str]:
        """The lines to be seen as soon as the condition holds for them."""
        end = time.monotonic() + PATIENCE
        while not condition(lines := self.lines()):
            assert time.monotonic() < end, "\n".join(lines)
            time.sleep(0.05)
        return lines

    def wait_for_end(self) -> tuple[list[str], int]:
        """The lines that are left when the program has ended, and its exit code."""
        *lines, last = self.wait_until(lambda lines: lines and "ended: " in lines[-1])
        rest, _, code = last.rpartition("ended: ")
        return [*lines, *([rest] if rest else [])], int(code)

    def resize(self, columns: int) -> None:
        """Make the screen so wide."""
        self._run("resize-window", "-x", str(columns))

    def close(self) -> None:
        """End it all."""
        self._run("kill-server")
        self._folder.cleanup()

    def _run(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-S", self._socket, *words], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def running(folder: Path, *words: str, columns: int = 80, rows: int = 24, **env: str) -> Iterator[Tmux]:
    """`rpcctl` with these words on a terminal, in that folder as its home."""
    home = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
    plain = {"PYTHONPATH": str(Path(__file__).parent.parent.parent), "LC_ALL": "C.UTF-8"}
    window = Tmux([sys.executable, "-m", "rpcctl", *words], columns, {**plain, **home, **env}, rows)
    try:
        yield window
    finally:
        window.close()
