"""`rpcctl proxy`: one server's methods over another protocol, until a signal."""

from typing import TYPE_CHECKING

from rpcctl.cli.call import ADDRESS
from rpcctl.cli.command import Command, Values
from rpcctl.cli.options import CONNECT, ITEM_TIMEOUT, MESSAGES
from rpcctl.cli.serving import RUNNING, SERVING, announce, run_server
from rpcctl.cli.session import Session, read_address, typed_options
from rpcctl.errors import UsageError
from rpcctl.interfaces import Option

if TYPE_CHECKING:
    from rpcctl.messages import Description
    from rpcctl.proxy import Proxy
    from rpcctl.service.outcome import OnDone

CONNECTIONS = Option(
    "connections",
    "most connections to the server, each for one call at a time",
    "N",
    "integer",
    32,
    short="-c",
    panel="Connection",
)

COMMAND = Command(
    "proxy",
    "Serve one server's methods over another protocol",
    "Serving",
    "rpcctl.cli.proxy:run",
    (ADDRESS,),
    (
        *(*CONNECT, ITEM_TIMEOUT, CONNECTIONS),
        *SERVING,
        *RUNNING,
        *MESSAGES,
    ),
    roles=("server",),
    details=(
        "ADDRESS is called, --bind is served; any protocol to any other, several at once. What a protocol has for its "
        "clients goes into ADDRESS, as tcp://host:4242?heartbeat=2; what it has for its servers are options here. A "
        "server that is lost gives the callers an error, and is dialled again for the next call."
    ),
    examples=(
        "rpcctl proxy tcp://legacy:4242 --bind http://127.0.0.1:8080/",
        "rpcctl proxy http://host/rpc --bind tcp://127.0.0.1:4242 --bind xmlrpc+http://127.0.0.1:8088/RPC2",
    ),
)


def run(values: Values, session: Session) -> None:
    """Serve until a signal; TransportError when the server is not there at the beginning."""
    if not values.bind:
        raise UsageError("a proxy needs an address of its own", hint="--bind http://127.0.0.1:8080/")
    known: list[Description | None] = []

    def make(on_done: "OnDone | None") -> "Proxy":
        proxy = make_proxy(values, session, on_done)
        session.protocol, session.address = proxy.upstream.protocol, str(proxy.upstream)
        known.append(proxy.describe(retry=values.retry, retry_delay=values.retry_delay))
        return proxy

    run_server(
        values,
        session,
        make,
        lambda proxy: announce(proxy.addresses, f"proxy of {proxy.upstream}", known[0], session),
    )


def make_proxy(values: Values, session: Session, on_done: "OnDone | None") -> "Proxy":
    """The proxy that the options describe; nothing is bound or reached."""
    from rpcctl.proxy import Proxy

    return Proxy(
        read_address(values),
        *values.bind,
        proto=values.proto,
        connections=values.connections,
        executor=values.executor,
        max_concurrent=values.max_concurrent,
        max_wait=values.max_wait,
        max_message=values.max_message,
        max_items=values.max_items,
        allow_remote=bool(values.allow_remote),
        options=typed_options(values),
        upstream_options=values.saved.read_own() if values.saved else None,
        trace=session.output.trace if values.verbose > 1 else None,
        on_done=on_done,
        note=session.output.note,
        timeout=values.timeout,
        connect_timeout=values.connect_timeout,
        max_time=values.max_time,
        item_timeout=values.item_timeout,
    )
