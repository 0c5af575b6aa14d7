"""Write the tables into the README, and the picture beside it."""

from tests.readme.picture import PICTURE, draw
from tests.readme.tables import README, replace

README.write_text(replace(README.read_text()))
PICTURE.write_text(draw())
