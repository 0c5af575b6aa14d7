"""Cold processes: a call, and the interpreter alone."""

import sys
from collections.abc import Iterator

from tests.benchmarks.measure import PEERS, Row, in_turns, installed_command, serving, time_process


def rows() -> Iterator[Row]:
    """A cold call over zmq beside a script that does the same by hand, as the command's user would start it."""
    with serving() as (endpoint, _):
        call, script = in_turns(
            lambda: time_process([installed_command(), "call", endpoint, "add", "2", "3"]),
            lambda: time_process([sys.executable, str(PEERS / "bare_call.py"), endpoint, "add", "2", "3"]),
            rounds=21,
        )
    ratio = call / script
    yield Row(
        "cold `rpcctl call` over zmq, whole process",
        f"{call * 1000:.0f} ms",
        f"{script * 1000:.0f} ms",
        "a script with zmq and msgpack",
        ratio,
        "at most 1.3",
        ratio <= 1.3,
    )
