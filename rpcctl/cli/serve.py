"""`rpcctl serve`: a target, or several, at one address or several, until a signal."""

import sys
from typing import TYPE_CHECKING

from rpcctl.cli.command import Command, Positional, Values
from rpcctl.cli.options import MAX_MESSAGE, MESSAGES, PROTO, SELECTION
from rpcctl.cli.session import Session, own_options
from rpcctl.interfaces import Option

if TYPE_CHECKING:
    from rpcctl.hosting import Server
    from rpcctl.service.outcome import OnDone

BIND = Option(
    "bind", "address to serve at; port 0 takes a free one", "ADDRESS", multiple=True, short="-b", panel="Serving"
)
ACCESS_LOG = Option(
    "access-log",
    "a line for each call on stderr",
    "FORM",
    "choice",
    "text",
    choices=("text", "json", "off"),
    panel="Serving",
)
GRACE = Option("grace", "time for running calls to finish when stopped", "SECONDS", "seconds", 10.0, panel="Serving")
ONCE = Option("once", "leave after one call", type="switch", panel="Serving")
RELOAD = Option("reload", "load the target anew when one of its files changes", type="switch", panel="Serving")
ALLOW_REMOTE = Option(
    "allow-remote", "let other machines call a dangerous target", type="switch", variable=False, panel="Serving"
)
EXECUTOR = Option(
    "executor",
    "how calls are run: threads:N, or inline for one after the other",
    "KIND",
    default="threads",
    panel="Running calls",
)
WORKERS = Option(
    "workers", "processes for a target that keeps a processor busy; 0: none", "N", "integer", 0, panel="Running calls"
)
LOCK = Option("lock", "run no two calls of the target at once", type="switch", panel="Running calls")
CALL_TIMEOUT = Option(
    "call-timeout",
    "longest time of a call before it is answered with an error",
    "SECONDS",
    "seconds_or_off",
    panel="Running calls",
)
MAX_CONCURRENT = Option(
    "max-concurrent", "most calls under way; further ones wait", "N", "integer", 16384, panel="Running calls"
)
MAX_WAIT = Option(
    "max-wait",
    "longest wait of a further call before it is told busy",
    "SECONDS",
    "seconds",
    10.0,
    panel="Running calls",
)
MAX_ITEMS = Option("max-items", "longest list made of an iterator", "N", "integer", 10_000, panel="Running calls")
REPR = Option("repr", "send what has no plain form as its repr", type="switch", panel="Running calls")
HIDE_TRACEBACKS = Option("hide-tracebacks", "keep tracebacks from callers", type="switch", panel="Running calls")

COMMAND = Command(
    "serve",
    "Serve a Python target until stopped",
    "Serving",
    "rpcctl.cli.serve:run",
    (
        Positional(
            "targets",
            "a module, file, class or object: time, ./calc.py, mod:Class, mod:Class(3), @kv",
            multiple=True,
            complete="target",
        ),
    ),
    (
        *(PROTO, BIND, ACCESS_LOG, GRACE, ONCE, RELOAD, ALLOW_REMOTE),
        *(EXECUTOR, WORKERS, LOCK, CALL_TIMEOUT, MAX_CONCURRENT, MAX_WAIT),
        *(MAX_ITEMS, MAX_MESSAGE, REPR, HIDE_TRACEBACKS),
        *SELECTION,
        *MESSAGES,
    ),
    roles=("server",),
    details=(
        "Prints the addresses on stdout, one a line, ready for rpcctl call; all else goes to stderr. Every public "
        "function of the target can be called by whoever reaches the address. SIGTERM and Ctrl-C finish the calls "
        "that run, a second one stops at once; SIGHUP loads the target anew."
    ),
    examples=(
        "rpcctl serve time",
        "rpcctl serve ./calc.py --bind tcp://127.0.0.1:0",
        "rpcctl serve 'shop:Cart(currency=\"EUR\")' --only 'get_*'",
    ),
)


def run(values: Values, session: Session) -> None:
    """Serve until a signal; TargetError, UsageError or ConnectError when it cannot begin."""
    from rpcctl.cli import garbage
    from rpcctl.cli.access import AccessLog, OneCall, tell_all
    from rpcctl.service.stdio import guarded_streams
    from rpcctl.signals import run_until_signal

    garbage.restore()
    log = (
        None
        if values.access_log == "off"
        else AccessLog(session.output, values.access_log, arguments=values.verbose > 0)
    )
    once = OneCall() if values.once else None
    ours = session.environment.stdout
    is_real = ours is sys.stdout
    with guarded_streams() as stdout, session.output.redirected(stdout if is_real else ours):
        server = make_server(values, session, tell_all(log, once))
        run_until_signal(
            server,
            ready=lambda: announce(server, session),
            grace=values.grace,
            once=once.is_over if once else None,
            watch=bool(values.reload),
            note=session.output.note,
        )


def make_server(values: Values, session: Session, on_done: "OnDone | None") -> "Server":
    """The server that the options describe, its target loaded and nothing bound."""
    from rpcctl.hosting import Server
    from rpcctl.service.methods import Selection

    return Server(
        values.targets,
        *(values.bind or ()),
        proto=values.proto,
        selection=Selection(
            only=values.only or (),
            exclude=values.except_ or (),
            classes=bool(values.classes),
            constants=bool(values.constants),
            writable=bool(values.writable),
            depth=values.depth,
            prefix=values.prefix,
        ),
        app_dir=values.app_dir,
        as_class=bool(values.class_),
        executor=values.executor,
        workers=values.workers,
        lock=bool(values.lock),
        call_timeout=values.call_timeout,
        max_concurrent=values.max_concurrent,
        max_wait=values.max_wait,
        max_message=values.max_message,
        max_items=values.max_items,
        use_repr=bool(values.repr),
        tracebacks=not values.hide_tracebacks,
        allow_remote=bool(values.allow_remote),
        options=own_options(values),
        trace=session.output.trace if values.verbose > 1 else None,
        note=session.output.note,
        on_done=on_done,
    )


def announce(server: "Server", session: Session) -> None:
    """The addresses on stdout; names of the methods, and what is dangerous about them, on stderr."""
    description = server.service.description
    count = len(description.methods)
    for address in server.addresses:
        session.output.text(str(address))
    session.output.flush()
    session.output.panel(
        f"serving {description.name}, {count} {'method' if count == 1 else 'methods'}",
        [each.name for each in description.methods],
    )
    if server.dangers:
        shown = ", ".join(server.dangers[:5]) + (", …" if len(server.dangers) > 5 else "")
        session.output.note(f"warning: whoever reaches this address can call {shown}; a warning is not a sandbox")
