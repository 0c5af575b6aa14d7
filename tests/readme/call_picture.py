"""The README's first picture: a file is served and called."""

from tests.readme.picture import FOLDER, draw
from tests.readme.runs import play

PICTURE = FOLDER / "terminal.svg"
SERVER = "rpcctl serve ./calc.py"
COMMANDS = (
    "rpcctl call :4242 add 2 3",
    "rpcctl call :4242 count 3",
    "rpcctl call :4242 divide 1 0",
    "rpcctl list :4242",
)


def make() -> str:
    """The picture, from commands that are run now."""
    return draw("terminal", play(SERVER, COMMANDS))
