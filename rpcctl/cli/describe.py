"""`rpcctl describe`: signature and documentation, of a server or of one method."""

import shlex
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from rpcctl.cli.call import ADDRESS
from rpcctl.cli.command import Command, Positional, Values
from rpcctl.cli.options import CONNECT, RESULTS
from rpcctl.cli.session import Session
from rpcctl.errors import MethodNotFoundError, suggest
from rpcctl.interfaces import Option, ProtocolInfo
from rpcctl.messages import REQUIRED, Description, MethodDescription, Piece

if TYPE_CHECKING:
    from rpcctl.api import Connection

AS = Option(
    "as",
    "write an OpenRPC document, or a Python module with a typed method for each of the server's",
    "FORM",
    "choice",
    choices=("openrpc", "python"),
    variable=False,
    panel="Output",
)

COMMAND = Command(
    "describe",
    "Show signature, documentation and a call line to paste",
    "Finding out",
    "rpcctl.cli.describe:run",
    (
        ADDRESS,
        Positional(
            "method", "only this one, or those that match, as 'get_*'; else all", required=False, complete="method"
        ),
    ),
    (AS, *CONNECT, *RESULTS),
    roles=("client",),
    details=(
        "What is known of a method is what its server tells: of servers in Python signature, types and documentation. "
        "--as python writes a module that needs rpcctl alone and passes strict type checking."
    ),
    examples=(
        "rpcctl describe py:math sqrt",
        "rpcctl describe tcp://127.0.0.1:4242 --json",
        "rpcctl describe :4242 --as python -o calc_client.py",
    ),
)


def run(values: Values, session: Session) -> None:
    """Describe one method, some or all; MethodNotFoundError suggests the nearest name."""
    with session.connect(values) as connection, session.output.writing(values.output):
        description = connection.describe()
        methods = select(description, values.method, session.address)
        if values.as_:
            write_as(values.as_, description._replace(methods=methods), connection, session)
            return
        is_one = values.method is not None and not is_pattern(values.method, description)
        if session.output.is_json():
            session.output.value(to_plain(description, methods, whole=not is_one))
            return
        texts = [describe_method(each, session.address, connection.info) for each in methods]
        session.output.document("" if is_one else description.name, texts)


def write_as(form: str, description: Description, connection: "Connection", session: Session) -> None:
    """The description for a program to read: a document, or the source of a module."""
    if form == "openrpc":
        from rpcctl.openrpc import to_document

        servers = [{"name": connection.info.scheme, "url": session.address}]
        session.output.value({**to_document(description), "servers": servers})
        return
    from rpcctl.cli.stub import write_module

    session.output.verbatim(write_module(description, connection.info, session.address))


def select(description: Description, name: str | None, address: str) -> tuple[MethodDescription, ...]:
    """The methods meant by the name or the pattern, or all."""
    if name is None:
        return description.methods
    if is_pattern(name, description):
        matching = tuple(each for each in description.methods if fnmatchcase(each.name, name))
        if not matching:
            raise MethodNotFoundError(f"no method matches {name!r}", hint=f"rpcctl list {address}")
        return matching
    found = description.find(name)
    if found is None:
        known = [each.name for each in description.methods]
        raise MethodNotFoundError(
            f"no method {name!r}", hint=suggest(name, known, f"rpcctl list {address} shows what there is")
        )
    return (found,)


def is_pattern(name: str, description: Description) -> bool:
    """Whether it stands for the methods that match it: it is no method's name, and has a sign of patterns."""
    return any(sign in name for sign in "*?[") and description.find(name) is None


def describe_method(method: MethodDescription, address: str, info: ProtocolInfo) -> tuple[list[Piece], str, str]:
    """Its signature in parts, its documentation, and a command line that calls it."""
    signature = [("method", method.name), *method.pieces()]
    if not method.exact and method.parameters is not None:
        signature.append(("", "    (from the docs)"))
    return signature, method.doc, call_line(method, address, info)


def call_line(method: MethodDescription, address: str, info: ProtocolInfo) -> str:
    """A `rpcctl call` with a placeholder for each argument that must be given, quoted for the shell."""
    by_name = "args" not in info.features
    words = [
        f"{each.name}={each.name.upper()}" if by_name or each.kind == "named" else each.name.upper()
        for each in method.parameters or ()
        if each.default is REQUIRED and each.kind not in ("rest", "more")
    ]
    return shlex.join(["rpcctl", "call", address, method.name, *words])


def to_plain(description: Description, methods: tuple[MethodDescription, ...], *, whole: bool) -> object:
    """The description as JSON has it: one object for a method, `{name, doc, methods}` for all."""
    shown = [_method_to_plain(each) for each in methods]
    return {"name": description.name, "doc": description.doc, "methods": shown} if whole else shown[0]


def _method_to_plain(method: MethodDescription) -> dict[str, object]:
    parameters = None
    if method.parameters is not None:
        parameters = [
            {name: value for name, value in each._asdict().items() if value is not REQUIRED and value != ""}
            for each in method.parameters
        ]
    return {
        "name": method.name,
        "signature": method.signature(),
        "parameters": parameters,
        "returns": method.returns,
        "stream": method.stream,
        "doc": method.doc,
    }
