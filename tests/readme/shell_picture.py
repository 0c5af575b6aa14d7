"""The README's picture of the shell: real keys typed at a real prompt in tmux, and the screen that they leave."""

import tempfile
from pathlib import Path

from tests.cli.tmux import running
from tests.readme.picture import COLUMNS, FOLDER, TARGET, draw

PICTURE = FOLDER / "shell.svg"
LINES = (("add 2 3", "5"), ("add [1] [2]", "\n]"), ("divide 1 0", "traceback"), (":time", "time is on"))
LAST = "count 3"
HALF = "divide 7 "


def make() -> str:
    """The picture, from keys that are typed now."""
    return draw("shell", [("rpcctl shell py:./calc.py", play())])


def play() -> str:
    """The screen, its colours as a terminal is told them."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "calc.py"
        target.write_text(TARGET)
        with running(Path(folder), "shell", f"py:{target}", columns=COLUMNS, TERM="tmux-256color") as window:
            window.wait_for("calc>")
            for line, answer in LINES:
                window.type(line)
                window.wait_for(line)
                window.type("Enter")
                window.wait_for(answer)
            window.type(LAST, "Enter")
            window.wait_for(" ms")
            window.type(HALF)
            window.wait_for("Divide a by b.")
            return window.screen("-e")
