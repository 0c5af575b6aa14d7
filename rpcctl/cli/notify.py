"""`rpcctl notify`: tell whoever listens that something happened."""

from typing import Any

from rpcctl.cli.call import ADDRESS, WORD_RULES
from rpcctl.cli.command import Command, Positional, Values
from rpcctl.cli.options import CONNECT, JSON_ARGS, MESSAGES, PARAMS, RAW_ARGS
from rpcctl.cli.session import Session
from rpcctl.errors import UsageError
from rpcctl.interfaces import Option
from rpcctl.messages import Notification

PRIORITIES = ("audit", "debug", "info", "warn", "error", "critical", "sample")
PRIORITY = Option("priority", "how much it matters", "PRIORITY", "choice", "info", choices=PRIORITIES)
PUBLISHER = Option("publisher", "who says so, as compute.host1; this program and machine without it", "NAME")

COMMAND = Command(
    "notify",
    "Send a notification to whoever listens",
    "Notifications",
    "rpcctl.cli.notify:run",
    (
        ADDRESS,
        Positional("event", "what happened, as compute.instance.create.end"),
        Positional("arguments", "the payload: one value, or name=value for each member", required=False, multiple=True),
    ),
    (PRIORITY, PUBLISHER, JSON_ARGS, RAW_ARGS, PARAMS, *CONNECT, *MESSAGES),
    roles=("client",),
    details="Returns when the broker has it in a queue, where it waits for a listener. " + WORD_RULES,
    examples=(
        "rpcctl notify 'amqp://127.0.0.1//?topic=notifications' compute.instance.create.end id=7 --priority info",
    ),
)


def run(values: Values, session: Session) -> None:
    """Hand it over; TransportError or DeadlineError when that fails."""
    values.typed = None
    with session.open(values) as connection:
        payload = read_payload(values, session)
        session.reach(connection, values)
        connection.notify(Notification(values.event, payload, values.publisher or "", values.priority))


def read_payload(values: Values, session: Session) -> Any:
    """The words after the event: one value, or an object of named ones; an empty object without any."""
    args, kwargs = session.read_arguments(values)
    if len(args) + bool(kwargs) > 1:
        raise UsageError("a payload is one value, or name=value for each member", hint="'[1, 2]' is one value")
    return args[0] if args else dict(kwargs)
