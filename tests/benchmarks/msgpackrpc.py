"""The MessagePack-RPC server beside a bare socket loop."""

import sys
from collections.abc import Iterator

from tests.benchmarks.measure import PEERS, Row, in_turns, read_seconds, running

CALLS = 20_000
IN_FLIGHT = "64"
LEAST = 0.7
SERVE = (sys.executable, "-m", "rpcctl", "serve", "tests.benchmarks.target", "--access-log", "off", "--quiet")


def rows() -> Iterator[Row]:
    """Calls with 64 in flight on one connection."""
    yield _calls("inline", "--executor", "inline")
    yield _calls("threads")


def _calls(executor: str, *options: str) -> Row:
    ours = running(*SERVE, "--bind", "msgpackrpc+tcp://127.0.0.1:0", *options)
    with ours as (mine, _), running(sys.executable, str(PEERS / "msgpackrpc_server.py")) as (theirs, _):
        own, other = in_turns(
            lambda: read_seconds("msgpackrpc_load.py", mine, str(CALLS), IN_FLIGHT),
            lambda: read_seconds("msgpackrpc_load.py", theirs, str(CALLS), IN_FLIGHT),
        )
    ratio = other / own
    return Row(
        f"msgpackrpc server, 64 calls in flight, {executor}",
        f"{CALLS / own:,.0f} calls/s",
        f"{CALLS / other:,.0f} calls/s",
        "a bare socket loop",
        ratio,
        f"at least {LEAST:g}",
        ratio >= LEAST,
    )
