"""Write the tables into the README, and the pictures beside it."""

from tests.readme import picture, shell_picture
from tests.readme.tables import README, replace

README.write_text(replace(README.read_text()))
picture.PICTURE.write_text(picture.draw())
shell_picture.PICTURE.write_text(shell_picture.draw())
