"""`rpcctl cast`: a one-way call."""

from rpcctl.cli.call import ADDRESS, METHOD, WORD_RULES, WORDS, make_request, print_replies
from rpcctl.cli.command import Command, Values
from rpcctl.cli.options import ARGUMENTS, CONNECT, MESSAGES, PREVIEWS
from rpcctl.cli.session import Session
from rpcctl.interfaces import Option

FANOUT = Option("fanout", "to every server, not to one of them", type="switch")

COMMAND = Command(
    "cast",
    "Send a one-way call: no reply, no error from the method",
    "Calling",
    "rpcctl.cli.cast:run",
    (ADDRESS, METHOD, WORDS),
    (FANOUT, *ARGUMENTS, *CONNECT, *PREVIEWS, *MESSAGES),
    roles=("client",),
    details="Returns when the message is handed over to the server or broker. " + WORD_RULES,
    examples=("rpcctl cast tcp://127.0.0.1:4242 refresh",),
)


def run(values: Values, session: Session) -> None:
    """Hand the message over; TransportError or DeadlineError when that fails."""
    with session.open(values) as connection:
        request = make_request(values, session, connection, oneway=True, fanout=bool(values.fanout))
        if values.dry_run or values.as_:
            from rpcctl.cli.dry_run import show

            show(request, values.as_, connection, session)
            return
        session.reach(connection, values)
        print_replies(connection.send(request), session)
