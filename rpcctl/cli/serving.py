"""What `serve` and `proxy` share: the options of a running server, its log, status and metrics, and how it is run."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from rpcctl import registry
from rpcctl.cli import garbage
from rpcctl.cli.access import ACCESS_LOG, OneCall, make_access_log, tell_all
from rpcctl.cli.command import Values
from rpcctl.cli.session import Session
from rpcctl.interfaces import Option

if TYPE_CHECKING:
    from rpcctl.address import Address
    from rpcctl.cli.traffic import Traffic
    from rpcctl.hosting import Server
    from rpcctl.messages import Description
    from rpcctl.metrics import Metrics
    from rpcctl.proxy import Proxy
    from rpcctl.service.outcome import OnDone

Running = TypeVar("Running", "Server", "Proxy")

BIND = Option(
    "bind", "address to serve at; port 0 takes a free one", "ADDRESS", multiple=True, short="-b", panel="Serving"
)
METRICS = Option("metrics", "show numbers to Prometheus there; without a host on loopback", "ADDRESS", panel="Serving")
GRACE = Option("grace", "time for running calls to finish when stopped", "SECONDS", "seconds", 10.0, panel="Serving")
ONCE = Option("once", "leave after one call", type="switch", panel="Serving")
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
SERVING = (BIND, ACCESS_LOG, METRICS, GRACE, ONCE, ALLOW_REMOTE)
RUNNING = (EXECUTOR, MAX_CONCURRENT, MAX_WAIT, MAX_ITEMS)


def run_server(
    values: Values,
    session: Session,
    make: "Callable[[OnDone | None], Running]",
    ready: "Callable[[Running], None]",
) -> None:
    """Make the server, which is given who wants to know of each call, and run it until a signal.

    `ready` is called with it when it is bound. What a target prints goes to stderr.
    """
    from rpcctl.cli.above import printing_above
    from rpcctl.service.stdio import guarded_streams

    garbage.restore()
    ours = session.environment.stdout
    is_real = ours is sys.stdout
    with (
        printing_above(session.output),
        guarded_streams() as stdout,
        session.output.redirected(stdout if is_real else ours),
        watching(values, session) as watchers,
    ):
        server = make(watchers.on_done)
        try:
            _run(server, lambda: ready(server), watchers, values, session)
        finally:
            session.output.status()


def _run(server: Running, ready: Callable[[], None], watchers: "Watchers", values: Values, session: Session) -> None:
    from rpcctl.signals import run_until_signal

    once, traffic, metrics = watchers.once, watchers.traffic, watchers.metrics
    if metrics is not None:
        metrics.in_flight = lambda: server.executor.running

    def tell_ready() -> None:
        ready()
        if watchers.place:
            session.output.note(f"metrics at {watchers.place}")

    run_until_signal(
        server,
        ready=tell_ready,
        grace=values.grace,
        once=once.is_over if once else None,
        watch=bool(getattr(values, "reload", None)),
        files=server.files,
        note=session.output.note,
        tick=(lambda: traffic.show(server.executor.running)) if traffic else lambda: None,
    )


class Watchers(NamedTuple):
    """Who wants to know of each call; None for those that nobody asked for."""

    once: OneCall | None
    traffic: "Traffic | None"
    metrics: "Metrics | None"
    place: str
    """Where the metrics are shown."""
    on_done: "OnDone | None"
    """Tells them all, and the log."""


@contextmanager
def watching(values: Values, session: Session) -> Iterator[Watchers]:
    """The log, status and numbers that the options ask for, and the numbers shown to Prometheus inside the block."""
    from rpcctl.cli.traffic import Traffic

    log = make_access_log(session.output, values.access_log, arguments=values.verbose > 0)
    once = OneCall() if values.once else None
    traffic = Traffic(session.output) if session.output.is_live() else None
    if values.metrics is None:
        yield Watchers(once, traffic, None, "", tell_all(log, once, traffic))
        return
    from rpcctl.metrics import Metrics, MetricsServer

    metrics = Metrics()
    with MetricsServer(metrics, registry.parse_address(values.metrics)) as shown:
        yield Watchers(once, traffic, metrics, shown.address, tell_all(log, once, traffic, metrics))


def announce(addresses: "Sequence[Address]", what: str, description: "Description | None", session: Session) -> None:
    """The addresses on stdout, one a line; what is served there and its methods on stderr."""
    methods = description.methods if description else ()
    for address in addresses:
        session.output.text(str(address))
    session.output.flush()
    count = f", {len(methods)} {'method' if len(methods) == 1 else 'methods'}" if description else ""
    session.output.panel(f"{what}{count}", [each.name for each in methods], [str(each) for each in addresses])
