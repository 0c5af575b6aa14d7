"""The stock ends of zerorpc as a process: `server HEARTBEAT`, or a client that is told on stdin what to call.

A client takes a line of JSON for each step, [method, args, options], and prints one for its outcome: ["ok", value],
["items", [...]], ["error", class, name, message, whether there is a traceback]. `server` prints its endpoint.
Other roles: `connected-server` serves a client that binds; `bound-client` binds and prints its endpoint first; `pusher`
and `publisher` only send.
"""

import json
import socket
import sys
import warnings

warnings.simplefilter("ignore")

import zerorpc  # noqa: E402  # its imports warn


class Methods:
    """What the server exposes."""

    def add(self, a, b=2):
        """Add two numbers."""
        return a + b

    def echo(self, *values):
        """What was given."""
        return list(values)

    def fail(self, message="boom"):
        """Raise ValueError."""
        raise ValueError(message)

    def type_error(self):
        """Raise TypeError inside the method."""
        return len(1)  # type: ignore[arg-type]

    def unpackable(self):
        """Return what cannot be encoded."""
        return object()

    def sleep(self, seconds):
        """Wait, without blocking the server."""
        zerorpc.gevent.sleep(seconds)
        return seconds

    def sleep_and_write(self, seconds, path):
        """Wait, then leave a mark."""
        zerorpc.gevent.sleep(seconds)
        with open(path, "w"):
            pass

    @zerorpc.stream
    def count(self, n):
        """Yield 0 to n-1."""
        return iter(range(n))

    @zerorpc.stream
    def fail_midway(self, n):
        """Yield n items, then raise."""
        yield from range(n)
        raise ValueError("midway")


def free_endpoint():
    """An endpoint that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def say(value):
    """Print a line of JSON; bytes as their repr."""
    print(json.dumps(value, default=repr), flush=True)


def serve(heartbeat):
    """Serve until killed."""
    server = zerorpc.Server(Methods(), heartbeat=float(heartbeat))
    endpoint = free_endpoint()
    server.bind(endpoint)
    say(endpoint)
    server.run()


def serve_client(endpoint):
    """Serve the client that binds the endpoint, until killed."""
    server = zerorpc.Server(Methods())
    server.connect(endpoint)
    server.run()


def call(client, method, args, options):
    """One call, its outcome as what is to be printed."""
    try:
        result = client(method, *args, **options)
        if hasattr(result, "__next__"):
            return ["items", list(result)]
        return ["ok", result]
    except zerorpc.RemoteError as exc:
        return ["error", "RemoteError", exc.name, exc.msg, bool(exc.traceback)]
    except Exception as exc:
        return ["error", type(exc).__name__, "", str(exc), False]


def drive(client):
    """Do what stdin says."""
    for line in sys.stdin:
        say(call(client, *json.loads(line)))
    client.close()


def main():
    """Play the role that the command line names."""
    role, *rest = sys.argv[1:]
    if role == "server":
        serve(*rest)
    elif role == "connected-server":
        serve_client(*rest)
    elif role == "client":
        endpoint, heartbeat = rest
        drive(zerorpc.Client(endpoint, timeout=20, heartbeat=float(heartbeat)))
    elif role == "bound-client":
        client = zerorpc.Client(timeout=20, heartbeat=float(rest[0]))
        endpoint = free_endpoint()
        client.bind(endpoint)
        say(endpoint)
        drive(client)
    else:
        sender = {"pusher": zerorpc.Pusher, "publisher": zerorpc.Publisher}[role]()
        sender.connect(rest[0])
        for line in sys.stdin:
            method, args, _ = json.loads(line)
            sender(method, *args)
            say("sent")


main()
