"""A load of `add(1, 2)` calls on sessions of a manager, one call under way on each, at little cost for its machine.

Words: address, calls, sessions. Prints the seconds from the first request to the last reply.
"""

import os
import pickle
import selectors
import sys
import time
from multiprocessing.connection import Client, Connection
from typing import Any

host, port = sys.argv[1].rpartition("/")[2].split(":")
calls, count = int(sys.argv[2]), int(sys.argv[3])
key = os.environ["RPCCTL_AUTHKEY"].encode()


def ask(connection: Connection, *request: Any) -> Any:
    """The result of a request."""
    connection.send(request)
    kind, value = connection.recv()
    if kind != "#RETURN":
        sys.exit(f"{kind}: {value}")
    return value


def dial() -> Connection:
    """A connection after its handshake."""
    return Client((host, int(port)), authkey=key)


with dial() as first:
    ident, _ = ask(first, None, "create", ("target",), {})
request = pickle.dumps((ident, "add", (1, 2), {}))
sessions = [dial() for _ in range(count)]
with selectors.DefaultSelector() as ready:
    for session in sessions:
        ask(session, None, "accept_connection", ("load",), {})
        ready.register(session, selectors.EVENT_READ, session)
    began = time.perf_counter()
    for session in sessions:
        session.send_bytes(request)
    sent, done = count, 0
    while done < calls:
        for found, _ in ready.select(10):
            reply = found.data.recv_bytes()
            done += 1
            if sent < calls:
                found.data.send_bytes(request)
                sent += 1
seconds = time.perf_counter() - began
if pickle.loads(reply) != ("#RETURN", 3):
    sys.exit(f"wrong reply: {reply!r}")
print(seconds)
