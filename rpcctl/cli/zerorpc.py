"""zerorpc's own command: its options, its words, what it printed. Reached when rpcctl is started by the name zerorpc.

The reference is the command of zerorpc 0.6.3 (zerorpc/cli.py): the same words are taken, and the same lines printed on
stdout. Errors are told as rpcctl tells them, in place of its tracebacks, and end with its exit code, 1.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from rpcctl.cli.command import Environment
from rpcctl.cli.sinks import Sink
from rpcctl.cli.terminal import escape, examine
from rpcctl.cli.traces import mask
from rpcctl.errors import RpcctlError, UsageError
from rpcctl.messages import REQUIRED, Deadline, Description, MethodDescription

if TYPE_CHECKING:
    from rpcctl.api import Connection
    from rpcctl.service.target import Target

PROTOCOL = "zerorpc"
FAILED = 1
NOTHING_TO_DO = 255
"""zerorpc's exit code when it shows its help for want of words."""
RETRY_DELAY = 0.1
"""Seconds between two tries to connect: ZeroMQ waits for a server that is not there yet, and so does zerorpc."""
_DIRECTIONS = {">": "-->", "<": "<--"}
_UNDOCUMENTED = "<undocumented>"


def main(argv: Sequence[str], environment: Environment | None = None) -> int:
    """Run one command line of zerorpc's; its exit code. Raises KeyboardInterrupt and BrokenPipeError only."""
    environment = environment or Environment(sys.stdin, sys.stdout, sys.stderr, os.environ)
    try:
        return _run(_make_parser(), argv, _Screen(environment))
    except SystemExit as exc:
        return int(exc.code or 0)
    except RpcctlError as exc:
        return _report(exc, environment)
    except BrokenPipeError:
        raise
    except Exception as exc:
        return _report(RpcctlError(f"a bug in rpcctl: {type(exc).__name__}: {exc}"), environment)


def _report(exc: RpcctlError, environment: Environment) -> int:
    from rpcctl.cli.reports import describe

    lines = describe(exc, examine(environment.stderr, "auto", environment.environ), verbose=True)
    print("\n".join(lines), file=environment.stderr)
    return FAILED


class _Screen:
    """Results on stdout, all else on stderr."""

    def __init__(self, environment: Environment) -> None:
        self._results = Sink(environment.stdout, "the output")
        self._stderr = environment.stderr
        self._layout = examine(environment.stdout, "auto", environment.environ).layout

    def write(self, text: str) -> None:
        """Write a result at once; a terminal is not sent what it would obey."""
        self._results.write(escape(text, keep="\n\t") if self._layout else text)
        self._results.flush()

    def tell(self, line: str) -> None:
        """A line on stderr."""
        print(escape(line), file=self._stderr, flush=True)

    def trace(self, direction: str, summary: str, data: bytes | None) -> None:
        """A message of the wire."""
        self.tell(f"{_DIRECTIONS.get(direction, '---')} {mask(summary)}")


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROTOCOL, description="Make a zerorpc call to a remote service.")
    role = parser.add_mutually_exclusive_group()
    role.add_argument("--client", action="store_true", default=True, help="call a method (default)")
    role.add_argument("--server", action="store_false", dest="client", help="serve a Python module or class")
    add = parser.add_argument
    add("--connect", action="append", metavar="address", help="address to connect to; may be repeated")
    add("--bind", action="append", metavar="address", help="address to listen at; may be repeated")
    add("--timeout", default=30, type=int, metavar="seconds", help="longest wait for a reply (default 30)")
    add("--heartbeat", default=5, type=int, metavar="seconds", help="heartbeat period of both ends (default 5)")
    add("--pool-size", default=None, type=int, metavar="count", help="most calls at once, of a server")
    add("-j", "--json", action="store_true", help="read each parameter as JSON")
    add("-pj", "--print-json", action="store_true", help="print the result as JSON")
    add("-?", "--inspect", action="store_true", help="show signatures, or all that is known of one method")
    add("--active-hb", action="store_true", help="accepted: heartbeats are answered from the start anyway")
    add("-d", "--debug", action="store_true", help="show the messages on stderr")
    add("address", nargs="?", help="address to connect to; not together with --connect or --bind")
    add("command", nargs="?", help="method to call, or with --server what to serve; without it methods are listed")
    add("params", nargs="*", help="parameters of the call")
    return parser


def _run(parser: argparse.ArgumentParser, argv: Sequence[str], screen: _Screen) -> int:
    args = parser.parse_args(argv)
    if args.bind or args.connect:
        # Where the address is an option, the words begin with the command.
        args.params = [args.command, *args.params] if args.command else args.params
        args.command, args.address = args.address, None
    if not (args.bind or args.connect or args.address) or not (args.client or args.command):
        parser.print_help()
        return NOTHING_TO_DO
    (_call if args.client else _serve)(args, screen)
    return 0


# A client


def _call(args: argparse.Namespace, screen: _Screen) -> None:
    if args.bind and (args.connect or len(args.bind) > 1):
        raise UsageError("a client binds one address, or connects", hint="one --bind, and no --connect beside it")
    with closing(_connect(args, screen)) as connection:
        if args.command and not args.inspect:
            _print_result(connection.call(args.command, *_read_params(args)), args, screen)
            return
        _print_description(connection.describe(), args, screen)


def _connect(args: argparse.Namespace, screen: _Screen) -> "Connection":
    from rpcctl.api import Connection

    places = [*([args.address] if args.address else []), *(args.connect or ())]
    for place in places:
        screen.tell(f'connecting to "{place}"')
    for place in args.bind or ():
        screen.tell(f'binding to "{place}"')
    connection = Connection(
        (args.bind or places)[0],
        proto=PROTOCOL,
        timeout=args.timeout,
        connect_timeout=None,
        options={"heartbeat": args.heartbeat or "off", "alternative": places[1:], "bind": bool(args.bind)},
        trace=screen.trace if args.debug else None,
    )
    # An address that is taken stays so.
    tries = 0 if args.bind else int(args.timeout / RETRY_DELAY)
    connection.connect(retry=tries, retry_delay=RETRY_DELAY, deadline=Deadline.after(args.timeout))
    return connection


def _read_params(args: argparse.Namespace) -> list[Any]:
    if not args.json:
        return list(args.params)
    import json

    try:
        return [json.loads(each) for each in args.params]
    except ValueError as exc:
        raise UsageError(f"a parameter is not JSON: {exc}", hint="""a text is '"text"' there""") from None


def _print_result(result: Any, args: argparse.Namespace, screen: _Screen) -> None:
    write = _to_json if args.print_json else _to_python
    if not isinstance(result, Iterator):
        screen.write(write(result))
        return
    before, after = ("[", "]") if args.print_json else ("", "")
    for item in result:
        screen.write(before + write(item))
        before = "," if args.print_json else ""
    screen.write("[]" if before == "[" else after)


def _to_python(value: Any) -> str:
    from pprint import pformat

    return f"{pformat(value)}\n"


def _to_json(value: Any) -> str:
    """As zerorpc prints it: no newline at the end, and no bytes."""
    import json

    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError) as exc:
        raise UsageError(f"the result has no JSON form: {exc}", hint="leave out --print-json") from None


# What a server says of itself


def _print_description(description: Description, args: argparse.Namespace, screen: _Screen) -> None:
    if args.command:
        screen.write(_describe_one(description, args.command))
    else:
        screen.write(_describe_all(description, signatures=args.inspect))


def _describe_one(description: Description, name: str) -> str:
    found = description.find(name)
    if found is None:
        return f'[{description.name}]\nNo documentation for "{name}".\n'
    return f"[{description.name}]\n{_signature(found)}\n\n{found.doc or _UNDOCUMENTED}\n\n"


def _describe_all(description: Description, *, signatures: bool) -> str:
    title = f"[{description.name or 'N/A'}]\n"
    if signatures:
        return title + "".join(f"{_signature(each)}\n" for each in description.methods)
    width = max((len(each.name) for each in description.methods), default=0)
    return title + "".join(f"{each.name.ljust(width)} {_first_line(each)}\n" for each in description.methods)


def _first_line(method: MethodDescription) -> str:
    return (method.doc.splitlines() or [_UNDOCUMENTED])[0]


def _signature(method: MethodDescription) -> str:
    """`name(a, b=2)`; the wire tells of no other kinds of arguments, and zerorpc of no default that is None."""
    shown = [
        each.name if each.default is REQUIRED or each.default is None else f"{each.name}={each.default}"
        for each in method.parameters or ()
        if each.kind in ("positional", "either")
    ]
    return f"{method.name}({', '.join(shown) or '??'})"


# A server


def _serve(args: argparse.Namespace, screen: _Screen) -> None:
    from rpcctl.cli import garbage
    from rpcctl.hosting import Server
    from rpcctl.signals import run_until_signal

    garbage.restore()
    dialled = [*([args.address] if args.address else []), *(args.connect or ())]
    server = Server(
        _load(args.command),
        *(args.bind or ()),
        proto=PROTOCOL,
        executor=f"threads:{args.pool_size}" if args.pool_size else "threads",
        options={"heartbeat": args.heartbeat or "off", **({"connect": dialled} if dialled else {})},
        trace=screen.trace if args.debug else None,
    )
    for place in args.bind or ():
        screen.tell(f'binding to "{place}"')
    for place in dialled:
        screen.tell(f'connecting to "{place}"')
    run_until_signal(server, ready=lambda: screen.tell(f'serving "{args.command}"'), note=screen.tell)


def _load(path: str) -> "Target":
    """A module, or an attribute of one: a class or function is called, without arguments, and what it makes served."""
    from rpcctl.service.kinds import is_function
    from rpcctl.service.target import load

    found = load(path)
    return load(f"{path}()") if is_function(found.object) else found
