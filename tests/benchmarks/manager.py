"""Managers beside the stock one of `multiprocessing`: its server under load, its client's way to the first result."""

import sys
from collections.abc import Iterator

from tests.benchmarks.measure import ENVIRONMENT, Row, in_turns, read_seconds, running

CALLS = 10_000
SESSIONS = "8"
SERVE = (sys.executable, "-m", "rpcctl", "serve", "tests.benchmarks.target", "--access-log", "off", "--quiet")
STOCK = (sys.executable, "-m", "tests.benchmarks.peers.manager_server")


def rows() -> Iterator[Row]:
    """Calls on eight sessions, and the first call over TCP from either end."""
    ENVIRONMENT["RPCCTL_AUTHKEY"] = "a key of the benchmarks"
    yield _calls()
    with running(*STOCK) as (place, _):
        yield _first_calls("rpcctl_first_call.py", f"{place}/target", place, "the stock client, to a stock server", 50)
    ours = running(*SERVE, "--bind", "manager+tcp://127.0.0.1:0")
    with ours as (own, _), running(*STOCK) as (place, _):
        yield _first_calls("manager_first_call.py", own, place, "a stock server, with a stock client each", 5)


def _calls() -> Row:
    ours = running(*SERVE, "--bind", "manager+tcp://127.0.0.1:0", "--executor", "inline")
    with ours as (mine, _), running(*STOCK) as (theirs, _):
        own, other = in_turns(
            lambda: read_seconds("manager_load.py", mine, str(CALLS), SESSIONS),
            lambda: read_seconds("manager_load.py", theirs, str(CALLS), SESSIONS),
        )
    ratio = other / own
    return Row(
        f"manager server, {SESSIONS} sessions, inline",
        f"{CALLS / own:,.0f} calls/s",
        f"{CALLS / other:,.0f} calls/s",
        "the stock manager",
        ratio,
        "at least 1",
        ratio >= 1,
    )


def _first_calls(script: str, at: str, stock: str, beside: str, least: int) -> Row:
    own, other = in_turns(
        lambda: read_seconds(script, at),
        lambda: read_seconds("manager_first_call.py", stock),
    )
    who = "client" if script.startswith("rpcctl") else "server"
    return Row(
        f"manager {who}, first call over TCP",
        f"{own * 1000:.1f} ms",
        f"{other * 1000:.1f} ms",
        beside,
        other / own,
        f"at least {least}",
        other / own >= least,
    )
