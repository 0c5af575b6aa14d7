"""`rpcctl wait`: until the server is there."""

import time

from rpcctl.cli.call import ADDRESS
from rpcctl.cli.command import Command, Values
from rpcctl.cli.options import CONNECT, MESSAGES
from rpcctl.cli.session import Session
from rpcctl.errors import AuthError, DeadlineError, MethodNotFoundError, ProtocolError, TLSError, TransportError
from rpcctl.messages import Deadline

INTERVAL = 0.1
"""Seconds between two tries."""

COMMAND = Command(
    "wait",
    "Wait until a server answers",
    "Finding out",
    "rpcctl.cli.wait:run",
    (ADDRESS,),
    (*CONNECT, *MESSAGES),
    roles=("client",),
    details="For scripts that start a server in the background. Prints nothing; exit code 28 when --timeout is over. "
    "A refused login, a certificate that is not trusted or a mistake on the line ends it at once, with its own code.",
    examples=("rpcctl serve time & rpcctl wait :4242 --timeout 10 && rpcctl call :4242 time",),
)


def run(values: Values, session: Session) -> None:
    """Try until a ping is answered; DeadlineError tells the last reason. What no waiting heals is raised at once."""
    deadline = Deadline.after(values.timeout)
    reason = ""
    while not deadline.expired():
        try:
            with session.open(values) as connection:
                connection.timeout = min(1.0, deadline.remaining() or 1.0)
                connection.connect()
                connection.ping()
                return
        except (TLSError, AuthError):
            raise  # The server is there, and will not change its mind; nor will a certificate that is not trusted.
        except (TransportError, DeadlineError, ProtocolError, MethodNotFoundError) as exc:
            reason = exc.message
        time.sleep(INTERVAL)
    raise DeadlineError(
        f"no server within {values.timeout:g} s: {reason}", hint="a longer --timeout, or look at the server"
    )
