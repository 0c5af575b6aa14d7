"""`rpcctl batch`: many calls over one connection, a JSON line in for each and a JSON line out."""

import os
import stat
from contextlib import closing
from typing import IO, Any

from rpcctl.cli.call import ADDRESS
from rpcctl.cli.command import Command, Positional, Values
from rpcctl.cli.options import CONNECT, ITEM_TIMEOUT, MESSAGES, OUTPUT, SELECT
from rpcctl.cli.session import Session
from rpcctl.cli.terminal import is_tty
from rpcctl.errors import InputError, UsageError
from rpcctl.interfaces import Option

PARALLEL = Option("parallel", "most calls under way at once", "N", "integer", 16, short="-P", panel="Batch")
ORDERED = Option("ordered", "answer in the order of the lines", type="switch", panel="Batch")
KEEP_GOING = Option("keep-going", "go on after a call that failed", type="switch", panel="Batch")

COMMAND = Command(
    "batch",
    "Make many calls over one connection, from lines of JSON",
    "Calling",
    "rpcctl.cli.batch:run",
    (ADDRESS, Positional("file", "lines of JSON; - or none for standard input", required=False, complete="file")),
    (PARALLEL, ORDERED, KEEP_GOING, *CONNECT, ITEM_TIMEOUT, SELECT, OUTPUT, *MESSAGES),
    roles=("client",),
    details=(
        'A line is {"method": "add", "params": [2, 3], "id": 1}: params may be an object where the protocol has named '
        "arguments, and without an id the line's number is taken. Its answer is a line with the same id and a result "
        "or an error, written as soon as it is there. Up to -P calls run at once and in any order; -P 1 makes them one "
        "by one. After a call that failed no further one is sent, unless --keep-going; exit code 123 when any did. "
        "When interrupted or cut off it tells which lines are done, which failed and of which nobody knows."
    ),
    examples=(
        "rpcctl batch :4242 calls.ndjson > replies.ndjson",
        'echo \'{"method": "add", "params": [2, 3]}\' | rpcctl batch :4242 -',
        "rpcctl batch :4242 calls.ndjson -P 64 --ordered --keep-going",
        "rpcctl batch :4242 calls.ndjson --select 'items[].name'",
    ),
)


def run(values: Values, session: Session) -> None:
    """Answer every line; PartialError when calls failed, and the error that ended the batch before its time."""
    from rpcctl.cli.batch_run import BatchRun
    from rpcctl.cli.lines import Lines
    from rpcctl.cli.progress import Progress

    if not values.parallel:
        raise UsageError("--parallel 0 leaves no call to be made", hint="-P 1 makes one after the other")
    stream = open_input(values.file, session.environment.stdin)
    size = _size(stream)
    lines = Lines(stream, values.max_message)
    with (
        session.connect(values) as connection,
        session.output.writing(values.output),
        closing(Progress(*session.output.watched(), size)) as progress,
    ):
        BatchRun(connection, lines, session.output, values).run(progress)


def open_input(path: str | None, stdin: IO[Any] | None) -> IO[Any]:
    """The file, or standard input for `-` and none; UsageError rather than wait for a person to type JSON."""
    if path not in (None, "-"):
        try:
            return open(path, "rb")
        except (OSError, ValueError) as exc:
            reason = getattr(exc, "strerror", None) or exc
            raise InputError(f"cannot read {path}: {reason}", hint="- is standard input") from exc
    if stdin is None:
        raise InputError("cannot read standard input: it is closed")
    if path is None and is_tty(stdin):
        raise UsageError("no FILE, and standard input is a terminal", hint="- to type the lines all the same")
    return _duplicate(stdin)


def _duplicate(stream: IO[Any]) -> IO[Any]:
    """The stream under a descriptor of our own: a target in this process may read or close the other one."""
    try:
        return os.fdopen(os.dup(stream.fileno()), "rb", buffering=0)
    except (OSError, ValueError):
        found: IO[Any] = getattr(stream, "buffer", stream)
        return found


def _size(stream: IO[Any]) -> int | None:
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
