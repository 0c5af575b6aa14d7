"""Write the tables into the README, the pictures beside it, and the manual page."""

from rpcctl.cli.manual import write_manual
from tests.readme import bench_picture, call_picture, shell_picture
from tests.readme.tables import README, replace

(README.parent / "man" / "rpcctl.1").write_text(write_manual())
README.write_text(replace(README.read_text()))
for picture in (call_picture, bench_picture, shell_picture):
    picture.PICTURE.write_text(picture.make())
