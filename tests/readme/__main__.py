"""Write the tables into the README, the pictures beside it, and the manual page."""

from rpcctl.cli.manual import write_manual
from tests.readme import picture, shell_picture
from tests.readme.tables import README, replace

(README.parent / "man" / "rpcctl.1").write_text(write_manual())
README.write_text(replace(README.read_text()))
picture.PICTURE.write_text(picture.draw())
shell_picture.PICTURE.write_text(shell_picture.draw())
