"""`rpcctl listen`: follow notifications, one line for each."""

from rpcctl.cli.call import ADDRESS
from rpcctl.cli.command import Command, Values
from rpcctl.cli.notify import PRIORITIES
from rpcctl.cli.options import CONNECT_TIMEOUT, EXPLAIN, ITEM_TIMEOUT, MAX_MESSAGE, MAX_TIME, PASSWORD, PROTO, RESULTS
from rpcctl.cli.session import Session
from rpcctl.errors import UsageError
from rpcctl.interfaces import Option
from rpcctl.messages import Deadline, Notification, Subscription

PRIORITY = Option(
    "priority",
    "how much they matter; info without it, and everything with --tap",
    "PRIORITY",
    "choice",
    choices=PRIORITIES,
    multiple=True,
)
POOL = Option("pool", "share a copy of all notifications with the other listeners of this name", "NAME")
TAP = Option("tap", "see copies of notifications, calls and casts, and take them from nobody", type="switch")
REQUEUE = Option("requeue", "give all back to the queue in the end", type="switch")
COUNT = Option("count", "leave after so many", "N", "integer")

COMMAND = Command(
    "listen",
    "Follow notifications, one line for each",
    "Notifications",
    "rpcctl.cli.listen:run",
    (ADDRESS,),
    (
        *(PRIORITY, POOL, TAP, REQUEUE, COUNT),
        *(PROTO, CONNECT_TIMEOUT, MAX_TIME, ITEM_TIMEOUT, MAX_MESSAGE, PASSWORD, EXPLAIN),
        *RESULTS,
    ),
    roles=("client",),
    details=(
        "Listeners of the same priority share the notifications, those of a pool share a copy. One is done with when "
        "it is printed; what was not is given back. A broker that is lost is looked for again. Ends after --count, "
        "--max-time, or --item-timeout without a notification."
    ),
    examples=(
        "rpcctl listen 'amqp://127.0.0.1//?topic=notifications' --priority warn --priority error",
        "rpcctl listen 'amqp://127.0.0.1//?topic=nova' --tap --count 10",
    ),
)


def run(values: Values, session: Session) -> None:
    """Print each as it comes, until it is enough."""
    subscription = read_subscription(values)
    # The limit in time is for the whole; between two notifications any time may pass.
    values.timeout = None
    with session.open(values) as connection, session.output.writing(values.output):
        for each in connection.listen(subscription):
            session.output.item(to_record(each))
            # It is told as taken when the next one is asked for: not before it is out of our hands.
            session.output.flush()


def read_subscription(values: Values) -> Subscription:
    """What the options ask for."""
    if values.tap and (values.pool or values.requeue):
        raise UsageError("--tap takes nothing from anybody: no --pool and no --requeue", hint="leave out one of them")
    return Subscription(
        tuple(values.priority or (() if values.tap else ("info",))),
        values.pool or "",
        bool(values.tap),
        bool(values.requeue),
        values.count,
        Deadline.after(values.max_time),
        values.item_timeout,
    )


def to_record(found: Notification) -> dict[str, object]:
    """What is printed of a notification."""
    return {
        "priority": found.priority,
        "event": found.event,
        "publisher": found.publisher,
        "payload": found.payload,
        "timestamp": found.timestamp,
        "id": found.id,
        "context": dict(found.context),
    }
