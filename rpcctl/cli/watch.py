"""`rpcctl watch`: the same call again and again, what changes standing out, until something is true."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rpcctl.cli.call import ADDRESS, METHOD, WORD_RULES, WORDS, make_request
from rpcctl.cli.command import Command, Values
from rpcctl.cli.options import ARGUMENTS, CONNECT, ITEM_TIMEOUT, MAX_TIME, RESULTS
from rpcctl.cli.session import Session
from rpcctl.errors import ConnectError, ConnectionLostError, DeadlineError, ResolveError
from rpcctl.interfaces import Option
from rpcctl.messages import Deadline, Failure, Item, Reply, Request, Result

if TYPE_CHECKING:
    from rpcctl.api import Connection

_PANEL = "Watching"
INTERVAL = Option(
    "interval", "from the start of one call to that of the next", "SECONDS", "seconds", 2.0, short="-n", panel=_PANEL
)
UNTIL = Option(
    "until",
    "leave when this JMESPath expression is true of what the method returned, as \"state == 'done'\"",
    "EXPR",
    panel=_PANEL,
)
WATCH_TIME = MAX_TIME._replace(help="longest time for all of it; with --until, exit code 28 when it is over")
SHORTEST = 0.05
"""Seconds between two calls at least."""
MAX_ITEMS = 10_000
"""Of a stream, the items that are shown."""
LOST = (ConnectError, ConnectionLostError, DeadlineError, ResolveError)
"""What a server that comes back may mend."""

COMMAND = Command(
    "watch",
    "Call a method again and again, and show what changes",
    "Calling",
    "rpcctl.cli.watch:run",
    (ADDRESS, METHOD, WORDS),
    (
        *(INTERVAL, UNTIL),
        *ARGUMENTS,
        *(WATCH_TIME if each is MAX_TIME else each for each in CONNECT),
        ITEM_TIMEOUT,
        *RESULTS,
    ),
    roles=("client",),
    details=(
        "A terminal shows the last value in the place of the one before, a pipe gets a line for each. A server that is "
        "lost is dialled again, with a note; what the method itself raises ends the watch. " + WORD_RULES
    ),
    examples=(
        "rpcctl watch -n 2 :4242 get hits",
        "rpcctl watch http://127.0.0.1:8080/ job 7 --until \"state == 'done'\"",
    ),
)


def run(values: Values, session: Session) -> None:
    """Show each value; DeadlineError when the time is over before the expression was true."""
    is_over = _make_condition(values.until)
    whole = Deadline.after(values.max_time)
    title = f"every {values.interval:g} s: {' '.join([values.method, *values.arguments])}"
    with session.output.writing(values.output):
        for value in _follow(values, session, whole):
            session.output.refresh(f"{time.strftime('%H:%M:%S')}  {title}", value)
            if is_over(value):
                return
    if values.until:
        raise DeadlineError(
            f"{values.until!r} was not true within {values.max_time:g} s", hint="a longer --max-time, or off"
        )


def _make_condition(expression: str | None) -> Any:
    if expression is None:
        return lambda value: False
    from rpcctl.cli.select import compile_expression, is_true

    choose = compile_expression(expression, UNTIL.name)
    return lambda value: is_true(choose(value))


def _follow(values: Values, session: Session, whole: Deadline) -> Iterator[Any]:
    """Each value, from whichever connection; ends with the whole time. Raises what no new connection can mend."""
    request: Request | None = None
    answered = lost = False
    while not whole.expired():
        try:
            with session.open(values) as connection:
                # The words are read once: they may stand for standard input.
                request = request or make_request(values, session, connection)
                session.reach(connection, values)
                for value in _poll(connection, request, values.interval, whole):
                    if lost:
                        session.output.note(f"{session.address} answers again")
                    answered, lost = True, False
                    yield value
        except LOST as exc:
            if not answered:
                raise
            if not lost and not whole.expired():
                session.output.note(f"{exc.message}; trying again every {values.interval:g} s")
            lost = True
            _pause(values.interval, whole)


def _poll(connection: "Connection", request: Request, interval: float, whole: Deadline) -> Iterator[Any]:
    while not whole.expired():
        due = Deadline.after(max(interval, SHORTEST))
        connection.max_time = whole.remaining()
        again = connection.request(request.method, request.args, request.kwargs)
        yield _read(connection.send(again), str(connection.address), request.method)
        _pause(due.remaining() or 0.0, whole)


def _pause(seconds: float, whole: Deadline) -> None:
    time.sleep(Deadline.after(seconds).sooner(whole).remaining() or 0.0)


def _read(replies: Iterator[Reply], address: str, method: str) -> Any:
    """What the call returned, of a stream the list of its items; raises what a Failure tells."""
    items: list[Any] = []
    for reply in replies:
        if isinstance(reply, Result):
            return reply.value
        if isinstance(reply, Failure):
            from rpcctl.replies import to_error

            raise to_error(reply, address, method)
        if isinstance(reply, Item):
            items.append(reply.value)
        if len(items) == MAX_ITEMS:
            break
    return items
