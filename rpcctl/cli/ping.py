"""`rpcctl ping`: whether the server is there and how long a round trip takes."""

from time import perf_counter

from rpcctl.cli.call import ADDRESS
from rpcctl.cli.command import Command, Values
from rpcctl.cli.options import CONNECT, RESULTS
from rpcctl.cli.session import Session

COMMAND = Command(
    "ping",
    "See whether a server is there, and how fast it answers",
    "Finding out",
    "rpcctl.cli.ping:run",
    (ADDRESS,),
    (*CONNECT, *RESULTS),
    roles=("client",),
    details="Connects and makes one round trip. Exit code 0 when the server answered, else the code that says why not.",
    examples=("rpcctl ping tcp://127.0.0.1:4242",),
)


def run(values: Values, session: Session) -> None:
    """Print the name and the times in milliseconds."""
    with session.open(values) as connection, session.output.writing(values.output):
        began = perf_counter()
        session.reach(connection, values)
        connected = perf_counter()
        name, notes = found = connection.presence()
        answered = perf_counter()
        connect, reply = (connected - began) * 1000, (answered - connected) * 1000
        if session.output.is_json():
            shown = {
                "address": session.address,
                "name": name,
                "connect_ms": round(connect, 3),
                "reply_ms": round(reply, 3),
                **notes,
            }
            session.output.value(shown)
        else:
            times = f"connected in {connect:.1f} ms, reply in {reply:.1f} ms"
            more = f"; {found.describe()}" if notes else ""
            session.output.text(f"{session.address}: {name or 'a server'} answers: {times}{more}")
