"""A client's socket and its monitor: whether the connection stands, and why not. Knows frames, and no event in them.

libzmq connects in the background, tries for ever and says nothing; what happens is told on the socket's monitor only.
"""

import sys
from collections.abc import Mapping
from math import ceil
from typing import Any

import zmq

from rpcctl.address import Address, Scheme, Transport, parse
from rpcctl.errors import AddressError, AuthError, ConnectError, DeadlineError, RpcctlError, UsageError, suggest
from rpcctl.interfaces import Settings
from rpcctl.messages import Deadline

from .security import Keys, encrypt

NOBLOCK, SNDMORE, POLLIN = int(zmq.NOBLOCK), int(zmq.SNDMORE), int(zmq.POLLIN)
_CONNECTED, _DISCONNECTED = int(zmq.EVENT_CONNECTED), int(zmq.EVENT_DISCONNECTED)
_RETRIED, _WELCOME = int(zmq.EVENT_CONNECT_RETRIED), int(zmq.EVENT_HANDSHAKE_SUCCEEDED)
_NOT_ADMITTED = int(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
_FAILED = int(zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL) | int(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
_WATCHED = _CONNECTED | _DISCONNECTED | _RETRIED | _WELCOME | _NOT_ADMITTED | _FAILED
_SUSPICIOUS = 0.7
"""Seconds of silence on a connection that stands, after which it is looked at whether the other side is ZeroMQ."""
_PARTING = 0.1
"""Seconds in which a connection that is given up is closed."""
_READ_ANYWAY = 64 << 20
"""Bytes over the limit that a reply may have and still be read, so that it can be told why it is refused."""
_SCHEMES = {
    "tcp": Transport("tcp"),
    "ipc": Transport("ipc", kind="path"),
}


def milliseconds(seconds: float | None) -> int:
    """A time limit as poll takes it: rounded up, so that nobody wakes just before it is over; -1 for none."""
    if seconds is None:
        return -1
    return min(ceil(seconds * 1000), 0x7FFFFFFF) if seconds > 0 else 0


def parse_endpoint(text: str) -> Address:
    """An address among the options, as `tcp://host:port`; AddressError when it is none."""

    def resolve(scheme: str) -> Scheme:
        transport = _SCHEMES.get(scheme.rpartition("+")[2] or "tcp")
        if transport is None:
            raise AddressError(f"zmq has no transport {scheme!r}", hint=suggest(scheme, _SCHEMES, "tcp:// or ipc://"))
        return Scheme(scheme or "tcp", "zmq", transport, 0)

    return parse(text, resolve)


def endpoint_of(at: Address) -> str:
    """The address as ZeroMQ spells it."""
    return f"{at.transport}://{at.location()}"


def prepare(socket: "zmq.Socket[bytes]", at: Address, most: int, keys: Keys | None) -> None:
    """The options of a socket that is neither bound nor connected yet.

    A message of over `most` bytes ends the connection before it is read, and nobody is told why.
    """
    socket.linger = 0
    socket.set(zmq.MAXMSGSIZE, most)
    if ":" in at.host:
        socket.set(zmq.IPV6, 1)
    encrypt(socket, keys)


def address_error(at: Address, exc: BaseException) -> RpcctlError:
    """What libzmq says of an address that it does not take."""
    return AddressError(f"{at}: {getattr(exc, 'strerror', None) or exc}", hint="as in tcp://127.0.0.1:4242")


class Link:
    """A socket connected to one server. One thread at a time."""

    def __init__(self, context: "zmq.Context[Any]", kind: int, at: Address, settings: Settings, keys: Keys | None):
        """Begin to connect, in the background; or take the address, when the option `bind` asks for it."""
        self._binds = bool(settings.options.get("bind"))
        if at.host == "*" and not self._binds:
            raise AddressError(f"{at}: * is every address of this machine, to bind and not to connect to")
        self.is_up = False
        """Whether messages reach the server."""
        self._at = at
        self._keys = keys
        self._patience = settings.connect_timeout
        self._trace = settings.trace
        self._accepted = False
        """Whether there was a connection at least, be the other side what it may."""
        self._stepped_aside = False
        self._servers = 0
        """How many connections stand: more than one only at a bound socket."""
        self._opened = True
        self.socket = context.socket(kind)
        self._monitor = context.socket(zmq.PAIR)
        self._begin(settings)

    def _begin(self, settings: Settings) -> None:
        place = f"inproc://rpcctl-monitor-{id(self)}"
        try:
            prepare(self.socket, self._at, 2 * settings.max_message + _READ_ANYWAY, self._keys)
            self.socket.monitor(place, _WATCHED)
            self._monitor.connect(place)
            self._take_place()
        except zmq.ZMQError as exc:
            self.close()
            raise address_error(self._at, exc) from exc
        self._sources = [(self.socket, POLLIN), (self._monitor, POLLIN)]

    def _take_place(self) -> None:
        if not self._binds:
            self.socket.connect(endpoint_of(self._at))
            return
        try:
            self.socket.bind(endpoint_of(self._at))
        except zmq.ZMQError as exc:
            if exc.errno != zmq.EADDRINUSE:
                raise
            self.close()
            raise ConnectError(f"{self._at} is in use already", hint="without --bind it is connected to") from exc

    def close(self, linger: float = 0.0) -> None:
        """Free both sockets; what was sent may still leave for `linger` seconds. Safe to repeat."""
        if not self._opened:
            return
        self._opened = self.is_up = False
        self._monitor.close(linger=0)
        self.socket.close(linger=int(linger * 1000))

    def wait(self, seconds: float | None) -> None:
        """Sleep until a message or news of the connection is there, at most so long; `is_up` tells the news."""
        for source, _ in zmq.zmq_poll(self._sources, milliseconds(seconds)):
            if source is self._monitor:
                self.look()

    def look(self) -> None:
        """Take notice of what happened to the connection."""
        while (news := self._read_news(0)) is not None:
            if news == _WELCOME:
                self._count(1)
            elif news == _CONNECTED:
                self._accepted = True
            elif news & (_DISCONNECTED | _NOT_ADMITTED):
                self._accepted = False
                self._count(-1)

    def _count(self, change: int) -> None:
        self._servers = max(0, self._servers + change)
        self.is_up = self._servers > 0

    def await_server(self, deadline: Deadline) -> None:
        """Wait until the connection stands; TransportError or RemoteProtocolError tells why it does not."""
        if self.is_up:
            return
        self._note(f"{'waiting at' if self._binds else 'connecting to'} {endpoint_of(self._at)}")
        self._await_welcome(Deadline.after(self._patience).sooner(deadline), deadline)
        self._note("connected")

    def _await_welcome(self, limit: Deadline, deadline: Deadline) -> None:
        explain_at = _time_to_explain(limit)
        while not self.is_up:
            news = self._read_news(limit.sooner(explain_at).remaining() or 0.0) or 0
            if news == _WELCOME:
                self._count(1)
            elif news == _NOT_ADMITTED:
                raise AuthError(f"{self._at} does not admit this client's CURVE key", hint="--curve-secret-key-file")
            elif news == _CONNECTED:
                self._accepted = True
            elif limit.expired():
                raise self._give_up(deadline)
            elif news & (_RETRIED | _DISCONNECTED | _FAILED) or explain_at.expired():
                self._raise_reason(limit)
                explain_at = _time_to_explain(limit)

    def _raise_reason(self, limit: Deadline) -> None:
        if self._binds:
            return
        from .probe import diagnose

        reason = diagnose(self._at, self._keys is not None, limit)
        if reason is None and self._accepted and not self._stepped_aside:
            reason = self._step_aside(limit)
        if reason is not None:
            raise reason

    def _step_aside(self, limit: Deadline) -> RpcctlError | None:
        """Look once more, without our own connection: a server that takes one at a time answers nobody else."""
        from .probe import diagnose

        self._stepped_aside = True
        try:
            self.socket.disconnect(endpoint_of(self._at))
            self.socket.poll(milliseconds(_PARTING))  # The connection ends only while its socket is looked after.
            reason = diagnose(self._at, self._keys is not None, limit)
            self._take_place()
        except zmq.ZMQError:
            return None  # It came to its end by itself, and ZeroMQ tries again.
        return reason

    def _give_up(self, deadline: Deadline) -> RpcctlError:
        if deadline.expired():
            return DeadlineError(f"{self._at}: not connected within the time limit", hint="a longer --timeout")
        if self._binds:
            return ConnectError(
                f"{self._at}: no server connected within {self._patience:g} s",
                hint=f"rpcctl serve TARGET --connect {self._at}",
            )
        if not self._accepted:
            return ConnectError(
                f"{self._at}: no connection within {self._patience:g} s", hint="is a firewall in between?"
            )
        return ConnectError(
            f"{self._at} accepted the connection but did not answer as ZeroMQ within {self._patience:g} s",
            hint="is it another kind of server? a longer --connect-timeout if it is only slow",
        )

    def _note(self, text: str) -> None:
        if self._trace is not None:
            self._trace("*", text, None)

    def _read_news(self, seconds: float) -> int | None:
        """The next event of the monitor, or None when there is none in time."""
        if not self._monitor.poll(milliseconds(seconds)):
            return None
        return int.from_bytes(self._monitor.recv_multipart()[0][:2], sys.byteorder)


def _time_to_explain(limit: Deadline) -> Deadline:
    """When to look at the other side, if the connection still does not stand: in time to tell before the limit."""
    left = limit.remaining()
    return Deadline.after(_SUSPICIOUS if left is None else min(_SUSPICIOUS, left / 2))


def pattern_of(options: Mapping[str, Any], patterns: Mapping[str, int], otherwise: int) -> int:
    """The kind of socket that the options ask for; UsageError when they ask for two."""
    asked = [name for name in patterns if options.get(name)]
    if len(asked) > 1:
        raise UsageError(f"--{asked[0]} and --{asked[1]} exclude each other", hint="leave out one of the two")
    return patterns[asked[0]] if asked else otherwise
