"""The README's picture of a measurement, and of a verdict on one."""

from tests.readme.picture import FOLDER, draw
from tests.readme.runs import play

PICTURE = FOLDER / "bench.svg"
SERVER = "rpcctl serve ./calc.py --access-log off"
COMMANDS = (
    "rpcctl bench :4242 add 2 3 -n 4000 -c 4",
    "rpcctl bench :4242 divide 1 0 -n 100 --fail-if 'errors>1%' -o report; echo $?",
)


def make() -> str:
    """The picture, of what is measured now."""
    return draw("bench", play(SERVER, COMMANDS)[1:])
