"""The HTTP servers under wrk beside jsonrpclib-pelix's and the standard library's, a cold call, idle connections.

wrk, from Debian's package of that name, loads both ends of a comparison in the same way and costs less than either.
"""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from typing import NamedTuple

from tests.benchmarks.measure import (
    PEERS,
    Row,
    in_turns,
    installed_command,
    resident_kib,
    running,
    serving,
    time_process,
)

SECONDS = "1s"
IDLE = 10_000
MOST_MIB = 100
"""Of resident memory, with all those connections open: 7 KiB for each."""


class Contest(NamedTuple):
    """Two servers of one protocol."""

    protocol: str
    bind: str
    peer: str
    beside: str
    least: float
    """Ratio at 64 connections."""


CONTESTS = (
    Contest("jsonrpc", "http://127.0.0.1:0/", "pelix_server.py", "jsonrpclib-pelix's pooled server", 5.0),
    Contest("xmlrpc", "xmlrpc+http://127.0.0.1:0/RPC2", "stdlib_server.py", "SimpleXMLRPCServer with threads", 4.0),
)


def rows() -> Iterator[Row]:
    """Throughput, a cold call, and memory."""
    for contest in CONTESTS:
        for connections, least in ((64, contest.least), (1, 1.0)):
            for executor in ("inline", "threads"):
                yield _throughput(contest, connections, executor, least)
    yield _cold_call()
    yield _idle_connections()


def _throughput(contest: Contest, connections: int, executor: str, least: float) -> Row:
    peer = (sys.executable, str(PEERS / contest.peer))
    with serving("--executor", executor, bind=contest.bind) as (ours, _), running(*peer) as (theirs, _):
        mine, other = in_turns(
            lambda: _load(contest.protocol, ours.removeprefix("xmlrpc+"), connections),
            lambda: _load(contest.protocol, theirs, connections),
            rounds=5,
        )
    plural = "s" if connections > 1 else ""
    return Row(
        f"{contest.protocol} server, {connections} connection{plural}, {executor}",
        f"{mine:,.0f} calls/s",
        f"{other:,.0f} calls/s",
        contest.beside,
        mine / other,
        f"at least {least:g}",
        mine / other >= least,
    )


def _load(protocol: str, url: str, connections: int) -> float:
    """Calls a second; an answer that is not 3 ends the benchmark."""
    words = ("wrk", "-t1", f"-c{connections}", f"-d{SECONDS}", "-s", str(PEERS / "load.lua"), url, "--", protocol)
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    if "Non-2xx" in done.stdout or "wrong: 0\n" not in done.stdout:
        raise SystemExit(f"{url} answered wrongly:\n{done.stdout}")
    found = re.search(r"Requests/sec: +([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def _cold_call() -> Row:
    with serving(bind="http://127.0.0.1:0/") as (at, _):
        call, script = in_turns(
            lambda: time_process([installed_command(), "call", at, "add", "2", "3"]),
            lambda: time_process([sys.executable, str(PEERS / "bare_http_call.py"), at, "add", "2", "3"]),
            rounds=21,
        )
    return Row(
        "cold `rpcctl call` over HTTP, whole process",
        f"{call * 1000:.0f} ms",
        f"{script * 1000:.0f} ms",
        "a script with http.client",
        call / script,
        "at most 1.4",
        call / script <= 1.4,
    )


def _idle_connections() -> Row:
    _, most = getrlimit(RLIMIT_NOFILE)
    setrlimit(RLIMIT_NOFILE, (most, most))
    with ExitStack() as stack:
        at, process = stack.enter_context(serving(bind="http://127.0.0.1:0/"))
        port = int(at.rpartition(":")[2].strip("/"))
        before = resident_kib(process.pid)
        for _ in range(IDLE):
            _keep(stack.enter_context(socket.create_connection(("127.0.0.1", port))))
        after = resident_kib(process.pid)
    return Row(
        f"resident memory with {IDLE:,} idle HTTP connections",
        f"{after / 1024:.0f} MB",
        f"{before / 1024:.0f} MB",
        "itself with none",
        after / before,
        f"at most {MOST_MIB} MB",
        after / 1024 <= MOST_MIB,
    )


def _keep(connection: socket.socket) -> None:
    """Make one call, so that the connection is one that is kept."""
    body = b'{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}'
    connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert connection.recv(4096).startswith(b"HTTP/1.1 200")
