"""An interactive shell on a terminal of its own, with `rpcctl` on its path: type a line, complete it, see its words."""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 30.0
"""Seconds that a shell may take for one line on a busy machine."""
ALL = "\x18a"
"""The keys that insert every candidate: bound by the start files below."""
DONE = "That was all."

LAUNCHER = """\
#!{python}
import sys

sys.path[:0] = [{root!r}]
from rpcctl.cli.app import run

run()
"""
# Begins a session of its own, so that the terminal becomes its controlling one.
LEADER = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
WORDS = f"words() {{ printf 'WORD<%s>\\n' \"$@\"; echo '{DONE[:4]}''{DONE[4:]}'; }}\n"


BASH = f"""
{WORDS}
PS1='$ '
bind '"\\C-xa": insert-completions'
"""
ZSH = f"""
{WORDS}
PS1='$ '
bindkey -e
autoload -Uz compinit
compinit -D -u
zle -C all-matches complete-word _generic
bindkey '^Xa' all-matches
zstyle ':completion:all-matches:*' completer _all_matches _complete
zstyle ':completion:all-matches:*' insert true
"""


def install(folder: Path) -> dict[str, str]:
    """Put a `rpcctl` for this interpreter into the folder; the environment of a shell that finds it there."""
    program = folder / "bin" / "rpcctl"
    program.parent.mkdir()
    program.write_text(LAUNCHER.format(python=sys.executable, root=str(ROOT)))
    program.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RPCCTL_")}
    home = {"HOME": str(folder), "ZDOTDIR": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    path = f"{program.parent}:{os.environ['PATH']}"
    # A machine that is busy with tests may need longer than a user would wait.
    return {**kept, **home, "PATH": path, "TERM": "xterm", "LC_ALL": "C.UTF-8", "RPCCTL_COMPLETION_TIMEOUT": "20"}


class Terminal:
    """A running shell. Its start file defines the function `words` and binds ALL."""

    def __init__(self, argv: list[str], env: Mapping[str, str], folder: Path) -> None:
        """Start it in the folder; AssertionError when the shell is not installed."""
        assert shutil.which(argv[0]), f"{argv[0]} is needed to test its completions"
        self._terminal, shell_end = pty.openpty()
        fcntl.ioctl(shell_end, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 2000, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", LEADER, *argv],
            stdin=shell_end,
            stdout=shell_end,
            stderr=shell_end,
            env=dict(env),
            cwd=folder,
            start_new_session=True,
        )
        os.close(shell_end)

    def close(self) -> None:
        """Hang up."""
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    def complete(self, line: str, keys: str = ALL, end: str = "") -> list[str]:
        """The words of the line once the keys completed it and `end` was typed, as a command would be given them."""
        self._write(f"{line}{keys}{end}\x01words \r")
        text = self._read_until(DONE)
        return re.findall(r"WORD<(.*)>\r?\n", text)

    def show(self, line: str, keys: str, until: str) -> str:
        """What the screen shows when the keys are typed after the line, as far as `until`; then the line is dropped."""
        self._write(line + keys)
        text = self._read_until(until)
        self._write("\x15")
        return text

    def _write(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def _read_until(self, mark: str) -> str:
        data, deadline = b"", monotonic() + PATIENCE
        while mark.encode() not in data:
            ready, _, _ = select.select([self._terminal], [], [], max(0.0, deadline - monotonic()))
            assert ready, f"no {mark!r} in {data[-2000:]!r}"
            data += os.read(self._terminal, 65536)
        return data.decode()
