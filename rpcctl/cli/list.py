"""`rpcctl list`: the names of what can be called."""

from fnmatch import fnmatchcase

from rpcctl.cli.call import ADDRESS
from rpcctl.cli.command import Command, Positional, Values
from rpcctl.cli.options import CONNECT, RESULTS
from rpcctl.cli.session import Session
from rpcctl.errors import MethodNotFoundError

COMMAND = Command(
    "list",
    "List the methods of a server, one name a line",
    "Finding out",
    "rpcctl.cli.list:run",
    (ADDRESS, Positional("glob", "only the names that match, as 'get_*'", required=False)),
    (*CONNECT, *RESULTS),
    roles=("client",),
    details="On a terminal each name comes with its signature and the first lines of its documentation.",
    examples=("rpcctl list tcp://127.0.0.1:4242", "rpcctl ls py:time 'str*'"),
    aliases=("ls",),
)


def run(values: Values, session: Session) -> None:
    """Print the names that match; MethodNotFoundError when a pattern was given and none does."""
    with session.connect(values) as connection, session.output.writing(values.output):
        methods = connection.describe().methods
        found = [each for each in methods if values.glob is None or fnmatchcase(each.name, values.glob)]
        if values.glob and not found:
            raise MethodNotFoundError(f"no method matches {values.glob!r}", hint=f"rpcctl list {values.address}")
        rows = [(each.name, each.signature(), each.summary()) for each in found]
        session.output.listing(rows, ("METHOD", "SIGNATURE", "DOCUMENTATION"))
