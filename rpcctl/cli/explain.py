"""`rpcctl explain`: what an exit code means and what to try."""

from rpcctl.cli.command import Command, Positional, Values
from rpcctl.cli.options import RESULTS
from rpcctl.cli.session import Session
from rpcctl.errors import UsageError
from rpcctl.exits import EXITS, Exit

COMMAND = Command(
    "explain",
    "Say what an exit code means and what to try",
    "About rpcctl",
    "rpcctl.cli.explain:run",
    (
        Positional(
            "code",
            "the number, or its kind as in JSON errors; the whole table otherwise",
            required=False,
            complete="code",
        ),
    ),
    RESULTS,
    examples=("rpcctl explain 56", "rpcctl explain timeout", "rpcctl explain"),
)


def run(values: Values, session: Session) -> None:
    """Print the rows that the code or kind names; UsageError when there is none."""
    found = [row for row in EXITS if values.code in (None, str(row.code), row.kind)]
    if not found:
        known = ", ".join(str(row.code) for row in EXITS)
        raise UsageError(f"{values.code!r} is no exit code of rpcctl", hint=f"one of: {known}")
    with session.output.writing(values.output):
        session.output.records([to_plain(row) for row in found])


def to_plain(row: Exit) -> dict[str, object]:
    """A row as JSON has it."""
    return {"code": row.code, "kind": row.kind, "means": row.means, "try": row.try_next}
