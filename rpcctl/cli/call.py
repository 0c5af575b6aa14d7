"""`rpcctl call`: one call, its result on stdout; a stream prints one line for each item as it arrives."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rpcctl.cli.command import Command, Positional, Values
from rpcctl.cli.options import ARGUMENTS, CONNECT, ITEM_TIMEOUT, PREVIEWS, RESULTS
from rpcctl.cli.session import Session
from rpcctl.errors import UsageError
from rpcctl.messages import Failure, Item, Parameter, Reply, Request, Result

if TYPE_CHECKING:
    from rpcctl.api import Connection

ADDRESS = Positional("address", "where the server is, as tcp://127.0.0.1:4242, :4242 or py:math", complete="address")
METHOD = Positional("method", "name of the method", complete="method")
WORDS = Positional(
    "arguments",
    "3, true, null, text, '[1, 2]', @FILE; name=3 for a named one",
    required=False,
    multiple=True,
    complete="argument",
)
WORD_RULES = (
    "A word that is JSON is that value, any other is text: 3 is a number, 007 and 2024-01-02 are text, "
    "'\"3\"' is the text 3. name=VALUE makes a named argument, :=VALUE insists on JSON, ==VALUE on text, "
    "%=VALUE is base64 for bytes; @FILE is the file's text and @- standard input. Negative numbers need nothing "
    "special; -- ends the options."
)

COMMAND = Command(
    "call",
    "Call a method and print what it returns",
    "Calling",
    "rpcctl.cli.call:run",
    (ADDRESS, METHOD, WORDS),
    (*ARGUMENTS, *CONNECT, ITEM_TIMEOUT, *PREVIEWS, *RESULTS),
    roles=("client",),
    details=WORD_RULES,
    examples=(
        "rpcctl call tcp://127.0.0.1:4242 strftime %Y/%m/%d",
        "rpcctl call :4242 add 2 3",
        "rpcctl call py:math sqrt 2",
        "rpcctl call http://127.0.0.1:8080/ add 2 3 --as curl",
    ),
)


def run(values: Values, session: Session) -> None:
    """Send the call and print its replies; what the method raised becomes a CallError."""
    with session.open(values) as connection, session.output.writing(values.output):
        request = make_request(values, session, connection)
        if values.dry_run or values.as_:
            from rpcctl.cli.dry_run import show

            show(request, values.as_, connection, session)
            return
        session.reach(connection, values)
        print_replies(connection.send(request), session)


def make_request(values: Values, session: Session, connection: "Connection", **more: Any) -> Request:
    """The request that the words mean; made before the server is reached, unless --typed has to ask it first."""
    parameters: tuple[Parameter, ...] = ()
    if values.typed:
        if getattr(values, "dry_run", None) or getattr(values, "as_", None):
            raise UsageError("--typed asks the server, --dry-run and --as ask nobody", hint="leave out --typed")
        session.reach(connection, values)
        parameters = find_parameters(values.method, connection)
    arguments = session.read_arguments(values, parameters, exact=connection.info.encoding.exact)
    return connection.request(values.method, arguments.args, arguments.kwargs, **more)


def find_parameters(method: str, connection: "Connection") -> tuple[Parameter, ...]:
    """What the server says of the method's parameters, for `--typed`; none when it does not know."""
    found = connection.describe().find(method)
    return (found.parameters or ()) if found else ()


def print_replies(replies: Iterator[Reply], session: Session) -> None:
    """Results and items to the output as they come; a Failure is raised as what it stands for."""
    for reply in replies:
        if isinstance(reply, Result):
            session.output.value(reply.value)
        elif isinstance(reply, Item):
            session.output.item(reply.value)
        elif isinstance(reply, Failure):
            from rpcctl import registry
            from rpcctl.replies import to_error

            oneway = session.command.name == "cast"
            raise to_error(reply, session.address, session.method, oneway=oneway, info=registry.find(session.protocol))
