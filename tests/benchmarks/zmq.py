"""The zmq server and client beside a bare loop and beside zerorpc."""

import sys
from collections.abc import Iterator

from tests.benchmarks.measure import PEERS, Row, in_turns, read_seconds, running, serving

CALLS = 20_000
ITEMS = 50_000
IN_FLIGHT = "64"


def rows() -> Iterator[Row]:
    """Calls with 64 in flight, and a stream."""
    bare = (sys.executable, str(PEERS / "bare_router.py"))
    zerorpc = (sys.executable, str(PEERS / "zerorpc_server.py"))
    yield _calls("zmq server, 64 calls in flight, inline", ("--executor", "inline"), bare, "a bare ROUTER loop", 0.8)
    yield _calls("zmq server, 64 calls in flight, threads", (), bare, "a bare ROUTER loop", 0.5)
    yield _calls("zmq server, 64 calls in flight, threads", (), zerorpc, "zerorpc 0.6.3's server", 6.0, CALLS // 4)
    yield _stream()


def _calls(
    work: str, options: tuple[str, ...], peer: tuple[str, ...], beside: str, least: float, calls: int = CALLS
) -> Row:
    with serving(*options) as (ours, _), running(*peer) as (theirs, _):
        mine, other = in_turns(
            lambda: read_seconds("load.py", ours, str(calls), IN_FLIGHT),
            lambda: read_seconds("load.py", theirs, str(calls), IN_FLIGHT),
        )
    return _row(work, calls / mine, calls / other, "calls/s", beside, least)


def _stream() -> Row:
    with serving() as (ours, _), running(sys.executable, str(PEERS / "zerorpc_server.py")) as (theirs, _):
        mine, other = in_turns(
            lambda: read_seconds("rpcctl_stream.py", ours, str(ITEMS)),
            lambda: read_seconds("zerorpc_stream.py", theirs, str(ITEMS)),
            rounds=5,
        )
    return _row("zmq stream, server and client", ITEMS / mine, ITEMS / other, "items/s", "zerorpc 0.6.3's both", 5.0)


def _row(work: str, mine: float, other: float, unit: str, beside: str, least: float) -> Row:
    ratio = mine / other
    return Row(
        work, f"{mine:,.0f} {unit}", f"{other:,.0f} {unit}", beside, ratio, f"at least {least:g}", ratio >= least
    )
