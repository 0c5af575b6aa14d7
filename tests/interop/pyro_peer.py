"""Pyro5's own daemon or name server as a process; prints where it is, as one line of JSON.

Words: `daemon` and any of `unix:PATH`, `compress`, `token:TEXT`, `tls:CERT:KEY`, `no-msgpack`, `several`, `ipv6`,
`ns:PORT`; or `names`.
"""

import json
import sys

words = dict(word.partition(":")[::2] for word in sys.argv[2:])
if "no-msgpack" in words:
    sys.modules["msgpack"] = None  # type: ignore[assignment]

from pathlib import Path  # noqa: E402  # what Pyro5 finds when it is imported has been decided above

import Pyro5.api  # noqa: E402
import Pyro5.nameserver  # noqa: E402


class Own(Exception):
    """An error that no client knows."""


@Pyro5.api.expose
@Pyro5.api.behavior(instance_mode="single")
class Things:
    """One of each kind of member."""

    def __init__(self):
        self._total = 5
        self.heard = []

    @property
    def total(self):
        return self._total

    @total.setter
    def total(self, value):
        self._total = value

    def add(self, a, b=10, *, c=100):
        return a + b + c

    def echo(self, value):
        return value

    def kinds(self):
        return {"tuple": (1, 2), "big": 2**70, "path": str(Path("/tmp"))}

    def path(self):
        return Path("/tmp/x")

    def unknown(self):
        return Unknown()

    def lock(self):
        return (n for n in [1]), object

    def fail(self, message):
        raise ValueError(message)

    def fail_own(self):
        raise Own("secret", 3)

    def count(self, n):
        yield from range(n)

    def fail_midway(self):
        yield 1
        raise KeyError("midway")

    @Pyro5.api.oneway
    def hear(self, value):
        self.heard.append(value)

    def all_heard(self):
        return self.heard

    def bad_arguments_inside(self):
        return getattr(self, "add")()  # noqa: B009  # wrong on purpose

    def long(self):
        return "long" * 1000

    def leave(self):
        raise SystemExit(3)


class Unknown:
    """What no client has."""

    def __init__(self):
        self.x = 1


@Pyro5.api.expose
class Other:
    """A second object."""

    def hello(self):
        return "hello"


class Guarded(Pyro5.api.Daemon):  # type: ignore[misc]
    """A daemon that wants a token."""

    def validateHandshake(self, conn, data):
        if "token" in words and data != words["token"]:
            raise Pyro5.errors.SecurityError("go away")
        return "welcome"


def serve() -> None:
    """A daemon."""
    Pyro5.config.COMPRESSION = "compress" in words
    if "tls" in words:
        Pyro5.config.SSL = True
        Pyro5.config.SSL_SERVERCERT, _, Pyro5.config.SSL_SERVERKEY = words["tls"].partition(":")
    host = "::1" if "ipv6" in words else "127.0.0.1"
    daemon = Guarded(unixsocket=words["unix"]) if "unix" in words else Guarded(host)
    found = {"things": str(daemon.register(Things, "things"))}
    if "several" in words:
        found["other"] = str(daemon.register(Other, "other"))
    if "ns" in words:
        with Pyro5.api.locate_ns("127.0.0.1", int(words["ns"])) as names:
            names.register("things.one", found["things"], metadata={"blue", "round"})
    print(json.dumps(found), flush=True)
    daemon.requestLoop()


def name() -> None:
    """A name server."""
    uri, daemon, _ = Pyro5.nameserver.start_ns("127.0.0.1", 0, enableBroadcast=False)
    print(json.dumps({"port": uri.port}), flush=True)
    daemon.requestLoop()


if sys.argv[1] == "daemon":
    serve()
else:
    name()
