"""The Pyro server beside Pyro5's daemon."""

import sys
from collections.abc import Iterator

from tests.benchmarks.measure import PEERS, Row, in_turns, read_seconds, running

CALLS = 5_000
LEAST = 1.0
SERVE = (sys.executable, "-m", "rpcctl", "serve", "tests.benchmarks.target", "--access-log", "off", "--quiet")


def rows() -> Iterator[Row]:
    """Calls over one connection and over several, in Pyro's default serializer and in the fastest."""
    for serializer in ("serpent", "msgpack"):
        yield _calls(1, serializer, "inline")
        yield _calls(1, serializer, "threads")
        yield _calls(16, serializer, "threads")


def _calls(connections: int, serializer: str, executor: str) -> Row:
    load = (str(CALLS), str(connections), serializer)
    ours = running(*SERVE, "--bind", "pyro+tcp://127.0.0.1:0", "--executor", executor)
    with ours as (mine, _), running(sys.executable, str(PEERS / "pyro_server.py")) as (theirs, _):
        own, other = in_turns(
            lambda: read_seconds("pyro_load.py", mine, *load), lambda: read_seconds("pyro_load.py", theirs, *load)
        )
    ratio = other / own
    return Row(
        f"pyro server, {serializer}, {connections} {'connection' if connections == 1 else 'connections'}, {executor}",
        f"{CALLS / own:,.0f} calls/s",
        f"{CALLS / other:,.0f} calls/s",
        "Pyro5's daemon",
        ratio,
        f"at least {LEAST:g}",
        ratio >= LEAST,
    )
