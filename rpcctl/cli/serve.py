"""`rpcctl serve`: a target, or several, at one address or several, until a signal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rpcctl.cli.command import Command, Positional, Values
from rpcctl.cli.options import MAX_MESSAGE, MESSAGES, PROTO, SELECTION
from rpcctl.cli.serving import RUNNING, SERVING, announce, run_server
from rpcctl.cli.session import Session, own_options
from rpcctl.errors import UsageError
from rpcctl.interfaces import Option

if TYPE_CHECKING:
    from rpcctl.hosting import Server
    from rpcctl.service.outcome import OnDone

RELOAD = Option(
    "reload", "load the target anew when one of its files, or the --auth-file, changes", type="switch", panel="Serving"
)
SAVE = Option(
    "save", "keep what @kv holds in this file, and begin with it", "FILE", variable=False, panel="What is exposed"
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
        *(PROTO, *SERVING, RELOAD),
        *(*RUNNING, WORKERS, LOCK, CALL_TIMEOUT),
        *(MAX_MESSAGE, REPR, HIDE_TRACEBACKS),
        SAVE,
        *SELECTION,
        *MESSAGES,
    ),
    roles=("server",),
    details=(
        "Prints the addresses on stdout, one a line, ready for rpcctl call; all else goes to stderr. Every public "
        "function of the target can be called by whoever reaches the address. SIGTERM and Ctrl-C finish the calls "
        "that run, a second one stops at once; SIGHUP loads the target and --auth-file anew."
    ),
    examples=(
        "rpcctl serve time",
        "rpcctl serve ./calc.py --bind tcp://127.0.0.1:0",
        "rpcctl serve 'shop:Cart(currency=\"EUR\")' --only 'get_*'",
    ),
)


def run(values: Values, session: Session) -> None:
    """Serve until a signal; TargetError, UsageError or ConnectError when it cannot begin."""
    run_server(
        values,
        session,
        lambda on_done: make_server(values, session, on_done),
        lambda server: announce_server(server, session),
    )


def make_server(values: Values, session: Session, on_done: "OnDone | None") -> "Server":
    """The server that the options describe, its target loaded and nothing bound."""
    from rpcctl.hosting import Server
    from rpcctl.service.methods import Selection

    return Server(
        keep_saved(values.targets, values.save) if values.save is not None else values.targets,
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
        on_done=on_done,
        note=session.output.note,
    )


def keep_saved(targets: Sequence[str], path: str) -> list[str]:
    """The targets, `@kv` with the file that keeps it; UsageError when it is not among them."""
    if "@kv" not in targets:
        raise UsageError("--save keeps what @kv holds, and it is not served", hint="rpcctl serve @kv --save FILE")
    return [f"@kv({path!r})" if each == "@kv" else each for each in targets]


def announce_server(server: "Server", session: Session) -> None:
    """Where it is and what it offers, and what is dangerous about that."""
    description = server.service.description
    announce(server.addresses, f"serving {description.name}", description, session)
    if server.dangers:
        shown = ", ".join(server.dangers[:5]) + (", …" if len(server.dangers) > 5 else "")
        session.output.note(f"warning: whoever reaches this address can call {shown}; a warning is not a sandbox")
