"""RPC through RabbitMQ beside oslo.messaging and beside a bare loop over kombu, all at one broker of our own."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.benchmarks.measure import PEERS, Row, in_turns, read_seconds, running, time_process
from tests.rabbitmq import Broker

CALLS = 1000
Load = Callable[[int], float]
"""Makes so many calls; the seconds it took."""


def rows() -> Iterator[Row]:
    """A cold call; calls one after the other, by one client and by four at once."""
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder))
        try:
            broker.start()
            yield from _rows(broker)
        finally:
            broker.close()


def _rows(broker: Broker) -> Iterator[Row]:
    at = broker.url("ours")
    bare = broker.url()
    inline = broker.url("inline")
    serve = (sys.executable, "-m", "rpcctl", "serve", "tests.benchmarks.target", "--access-log", "off", "--bind")
    with (
        running(*serve, at),
        running(*serve, inline, "--executor", "inline"),
        running(sys.executable, str(PEERS / "oslo_server.py"), bare, "stock"),
        running(sys.executable, str(PEERS / "kombu_server.py"), bare, "bare"),
    ):
        yield _cold(at, bare)
        ours: Load = lambda calls: read_seconds("rpcctl_load.py", at, str(calls))  # noqa: E731
        stock: Load = lambda calls: read_seconds("oslo_load.py", bare, "stock", str(calls))  # noqa: E731
        loop: Load = lambda calls: read_seconds("kombu_load.py", bare, "bare", str(calls))  # noqa: E731
        yield _calls("amqp call, one client", 1, ours, stock, "oslo.messaging 18.3's both", 2.0)
        yield _calls("amqp call, four clients", 4, ours, stock, "oslo.messaging 18.3's both", 2.0)
        ours = lambda calls: read_seconds("rpcctl_load.py", inline, str(calls))  # noqa: E731
        yield _calls("amqp call, one client, inline", 1, ours, loop, "a bare kombu loop at both ends", 0.8)


def _cold(at: str, bare: str) -> Row:
    ours = [sys.executable, "-m", "rpcctl", "call", at, "add", "a=1", "b=2"]
    call, script = in_turns(
        lambda: time_process(ours),
        lambda: time_process([sys.executable, str(PEERS / "kombu_call.py"), bare, "ours"]),
        rounds=15,
    )
    ratio = call / script
    return Row(
        "cold `rpcctl call` over amqp, whole process",
        f"{call * 1000:.0f} ms",
        f"{script * 1000:.0f} ms",
        "a script with kombu",
        ratio,
        "at most 1.3",
        ratio <= 1.3,
    )


def _calls(work: str, clients: int, ours: Load, peer: Load, beside: str, least: float) -> Row:
    mine, other = in_turns(lambda: _together(clients, ours), lambda: _together(clients, peer), rounds=5)
    ratio = mine / other
    return Row(
        work, f"{mine:,.0f} calls/s", f"{other:,.0f} calls/s", beside, ratio, f"at least {least:g}", ratio >= least
    )


def _together(clients: int, load: Load) -> float:
    """Calls a second of so many clients at once."""
    with ThreadPoolExecutor(clients) as pool:
        return clients * CALLS / max(pool.map(load, [CALLS] * clients))
