"""Serves HTTP for a protocol: an `App` is handed the bodies that were POSTed and answers with bytes.

Two servers of one process that are bound to the same host and port share the listener; the path, and where that is the
same, what the app claims, decides between them. Knows no protocol.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from rpcctl.address import Address
from rpcctl.errors import ConnectError, UsageError
from rpcctl.interfaces import Settings
from rpcctl.sockets.listening import Place, place_of

from . import HTTP_OPTIONS_SERVER
from .auth import Doorkeeper, read_auth_file
from .gate import Policy
from .host import Host
from .tls import server_context

Done = Callable[[int, bytes, str], None]
"""Takes status, body and content type of an answer, once, from any thread."""


class Post(NamedTuple):
    """A request for an app."""

    body: bytes
    """Unpacked."""
    content_type: str
    path: str
    peer: str
    """`host:port`, or `local`."""
    headers: Mapping[str, str]
    """Names in small letters."""


class App(Protocol):
    """Answers requests; all of it is called on the event loop's thread and must not block."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it answers."""

    def answer(self, post: Post, done: Done) -> None:
        """Answer a POST, now or later."""

    def page(self, post: Post, done: Done) -> None:
        """Answer a GET, which has no body: what there is, for people."""

    def refused(self, what: str, peer: str, why: str) -> None:
        """Tell the log of a request that was refused before it came here."""

    def claims(self, post: Post) -> bool:
        """Whether this is for it, where another app has the same path."""


_DEFAULTS = {option.name: option.default for option in HTTP_OPTIONS_SERVER}


class HttpServer:
    """Serves one app at one address; the listener may have others."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Read certificates and the file of who is let in; nothing is bound yet."""
        options = {**_DEFAULTS, **settings.options}
        self._address = address
        self._tls = server_context(address, options)
        self._auth_file: str | None = options.get("auth-file") or None
        self._doorkeeper = Doorkeeper(read_auth_file(self._auth_file))
        self._policy = _policy_of(address, options, settings.max_message)
        self._identity = (*(options[name] for name in _DEFAULTS), settings.max_message, address.transport)
        self._host: Host | None = None
        self._app: App | None = None
        self._closed = threading.Event()

    @property
    def address(self) -> Address:
        """Where it is bound, with the real port, without what only the server needs to know."""
        known = tuple(each for each in self._address.options if each[0] not in _DEFAULTS)
        return self._address._replace(options=known)

    def bind(self) -> None:
        """Take the address, or join the server of this process that has it: ConnectError when another process has."""
        at = self._address
        place = place_of(at)
        with _lock:
            shared = _hosts.get(place)
            if shared is None:
                host = Host(at, place, self._policy, self._doorkeeper, self._tls, lambda: _end(host))
                shared = _hosts[host.place] = _Shared(host, self._identity, [])
            elif shared.identity != self._identity:
                raise UsageError(
                    f"{at} is bound twice, with different options", hint="the same options, or another port"
                )
            elif shared.host.draining:
                raise ConnectError(f"{at} is in use", hint="another port, or port 0 for a free one")
            shared.members.append(self)
            self._host = shared.host
        if at.kind == "host":
            # A client cannot connect to *, but to this, and it says the same.
            self._address = at._replace(port=self._host.place[1], host="0.0.0.0" if at.host == "*" else at.host)

    def serve(self, app: App) -> None:
        """Serve on a thread of the host; returns after `close`. Raises what ended the host by itself."""
        with _lock:
            host = self._host
            if host is None:
                return
            self._app = app
            host.desk.add(app)
            _start_when_ready(host)
        self._closed.wait()
        if host.failure is not None:
            raise host.failure

    @property
    def files(self) -> tuple[str, ...]:
        """What `reload` reads."""
        return (self._auth_file,) if self._auth_file else ()

    def reload(self) -> None:
        """Read who is let in anew; InputError or UsageError when the file is of no use, and the old list goes on."""
        self._find_doorkeeper().replace(read_auth_file(self._auth_file))

    def drain(self) -> None:
        """Accept no further calls; those accepted go on."""
        if self._host is not None:
            self._host.drain()

    def close(self) -> None:
        """Flush what was answered, free the address and let `serve` return."""
        with _lock:
            host, self._host = self._host, None
            last = host is not None and self._leave(host)
        if host is not None and last:
            host.close()
        self._closed.set()

    def _find_doorkeeper(self) -> Doorkeeper:
        """The one of the server that bound the listener first, where several share it."""
        return self._host.desk.doorkeeper if self._host is not None else self._doorkeeper

    def _leave(self, host: Host) -> bool:
        """Take the app from the host; whether it was the last one."""
        if self._app is not None:
            host.desk.remove(self._app)
        members = _hosts[host.place].members
        members.remove(self)
        if members:
            _start_when_ready(host)
        else:
            del _hosts[host.place]
        return not members


class _Shared(NamedTuple):
    """A host and the servers that share it."""

    host: Host
    identity: tuple[object, ...]
    """The options that must be the same."""
    members: list[HttpServer]


_hosts: dict[Place, _Shared] = {}
_lock = threading.Lock()


def _start_when_ready(host: Host) -> None:
    """Accept connections as soon as all that are bound can answer; the lock is held."""
    if not host.started and all(each._app is not None for each in _hosts[host.place].members):
        host.start()


def _end(host: Host) -> None:
    """The host's thread has ended: nobody waits any longer."""
    with _lock:
        shared = _hosts.get(host.place)
        members = list(shared.members) if shared is not None and shared.host is host else []
    for each in members:
        each._closed.set()


def _policy_of(at: Address, options: Mapping[str, Any], max_body: int) -> Policy:
    allowed = options["allow-host"] or ()
    hosts = frozenset(name.lower() for name in (*allowed, at.host, f"[{at.host}]", "localhost", "[::1]"))
    checked = at.kind == "host" and (at.is_loopback() or bool(allowed))
    return Policy(
        hosts=hosts if checked else None,
        origins=frozenset(options["cors"] or ()),
        scheme="https" if at.transport == "https" else "http",
        max_body=max_body,
        max_header=options["max-header"],
        header_timeout=options["header-timeout"],
        body_timeout=options["body-timeout"],
        keep_alive=options["keep-alive"],
        max_connections=options["max-connections"],
    )
