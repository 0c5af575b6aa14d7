"""Write the tables into the README, the picture beside it, and the manual page."""

from rpcctl.cli.manual import write_manual
from tests.readme.picture import PICTURE, draw
from tests.readme.tables import README, replace

(README.parent / "man" / "rpcctl.1").write_text(write_manual())
README.write_text(replace(README.read_text()))
PICTURE.write_text(draw())
