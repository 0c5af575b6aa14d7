"""Serves a handler over ZeroMQ to zerorpc's clients. The thread that calls `serve` owns the sockets and never waits.

Workers encode their replies and leave them in a queue; a byte on a socket pair wakes the owner, if it sleeps. Nothing
that a peer sends may end the loop, block it or slow it down: each turn is bounded, and clocks are looked at after it.
"""

import errno
import os
import socket as sockets_of_os
from threading import Event, Lock
from time import monotonic
from typing import Any

import zmq

from rpcctl.address import Address
from rpcctl.errors import AddressError, ConnectError, ResolveError, RpcctlError
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.sockets.bell import Bell

from . import codec
from .exchange import Exchange
from .security import Doorkeeper, read_allowed, server_keys
from .sockets import (
    NOBLOCK,
    POLLIN,
    address_error,
    endpoint_of,
    milliseconds,
    parse_endpoint,
    pattern_of,
    prepare,
)

_PATTERNS = {"pull": int(zmq.PULL), "subscribe": int(zmq.SUB)}
_COUNTERPARTS = {int(zmq.PULL): "push", int(zmq.SUB): "publish"}
_BURST = 128
"""Messages taken in before replies, heartbeats and new keys get their turn."""
_UNREAD = 100_000
"""Messages that wait for a client which does not read, before it is given up."""
_LINGER_MS = 1000
"""For the last answers to leave."""
_KNOWN_PEERS = 10_000


class Server:
    """Serves a handler at one address, and to those that wait for it at further ones (--connect)."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Read the keys, if there are any; nothing is bound yet."""
        options = settings.options
        self._address = address
        self._settings = settings
        self._kind = pattern_of(options, _PATTERNS, int(zmq.ROUTER))
        self._keys = server_keys(options)
        self._allowed = read_allowed(options.get("curve-allow"))
        self._dialled = [parse_endpoint(text) for text in options.get("connect") or ()]
        self._lock = Lock()
        self._serving = False
        self._closing = Event()
        self._released = Event()
        self._asleep = False
        self._doorkeeper: Doorkeeper | None = None
        self._context: zmq.Context[Any] | None = None
        self._peers: dict[bytes, str] = {}

    @property
    def address(self) -> Address:
        """Where it is bound, with the real port and what a client needs to know: the public key, push or publish."""
        at = self._address
        options = dict(at.options)
        for own in ("pull", "subscribe", "connect", "curve-secret-key-file", "curve-allow"):
            options.pop(own, None)
        if self._kind in _COUNTERPARTS:
            options[_COUNTERPARTS[self._kind]] = "yes"
        if self._keys is not None:
            options["curve-server-key"] = self._keys.public.decode()
        return at._replace(options=tuple(options.items()))

    def bind(self) -> None:
        """Take the address: ConnectError when it is in use, AddressError or ResolveError when it is none of ours."""
        self._context = context = zmq.Context()
        try:
            if self._allowed is not None:
                self._doorkeeper = Doorkeeper(context, self._allowed)
            self._socket = context.socket(self._kind)
            self._bind_socket()
            self._bell = Bell()
        except BaseException:
            self._closing.set()
            context.destroy(linger=0)
            raise

    def serve(self, handler: Handler, executor: Executor) -> None:
        """Serve on the calling thread until `close`."""
        with self._lock:
            if self._closing.is_set():
                return
            self._serving = True
        self._exchange.serve(handler, executor)
        try:
            self._run()
        finally:
            self._exchange.abandon_all()
            self._release()

    def drain(self) -> None:
        """Answer new calls that the server is shutting down. Connections stay: the replies of others need them."""
        self._exchange.draining = True

    def close(self) -> None:
        """Flush what was answered, free the address and let `serve` return."""
        with self._lock:
            first, serving = not self._closing.is_set(), self._serving
            self._closing.set()
        if serving:
            self._bell.ring()
            self._released.wait(2.0)
        elif first and self._context is not None:
            self._release()

    def _bind_socket(self) -> None:
        socket = self._socket
        # What is a little too large is answered with an error; what is much larger is not even read.
        prepare(socket, self._address, 2 * self._settings.max_message + (1 << 20), self._keys)
        socket.set(zmq.SNDHWM, _UNREAD)
        if self._kind == zmq.ROUTER:
            socket.set(zmq.ROUTER_MANDATORY, 1)
        elif self._kind == zmq.SUB:
            socket.set(zmq.SUBSCRIBE, b"")
        if self._settings.bound:
            self._take_address()
        else:
            # Where it can be called through: the broker or client that it dials.
            self._address = self._dialled[0]
        self._dial()
        self._exchange = Exchange(socket, self._settings, codec.message_ids(os.urandom(10).hex()), self._wake)

    def _take_address(self) -> None:
        at, socket = _numeric(self._address), self._socket
        if at.transport == "ipc":
            _check_unused(at)
        try:
            socket.bind(endpoint_of(at))
        except zmq.ZMQError as exc:
            raise _bind_error(self._address, exc) from exc
        if at.transport == "tcp":
            port = int(socket.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0").rpartition(":")[2])
            # A client cannot connect to *, but to this, and it says the same.
            host = "0.0.0.0" if at.host == "*" else self._address.host
            self._address = self._address._replace(host=host, port=port)

    def _dial(self) -> None:
        for at in self._dialled:
            try:
                self._socket.connect(endpoint_of(at))
            except zmq.ZMQError as exc:
                raise address_error(at, exc) from exc

    def _run(self) -> None:
        take = self._take_call if self._kind == zmq.ROUTER else self._take_oneway
        exchange, channels, doorkeeper = self._exchange, self._exchange.channels, self._doorkeeper
        sources: list[Any] = [(self._socket, POLLIN), (self._bell.ear, POLLIN)]
        sources += [(doorkeeper.socket, POLLIN)] if doorkeeper else []
        while not self._closing.is_set():
            busy = self._take_burst(take)
            exchange.flush()
            now = monotonic()
            due = channels.next_tick()
            if now >= due:
                exchange.tick(now)
                due = channels.next_tick()
            if doorkeeper is not None:
                doorkeeper.answer()
            if not busy:
                self._sleep(sources, due - now)
        exchange.flush()

    def _take_burst(self, take: Any) -> bool:
        """Whether there may be more after it."""
        try:
            for _ in range(_BURST):
                take()
        except zmq.Again:
            return False
        return True

    def _take_call(self) -> None:
        """Take in one message of a ROUTER; zmq.Again when there is none."""
        socket = self._socket
        recv = socket.recv
        identity = recv(NOBLOCK)
        peer = self._peers.get(identity)
        if peer is None:
            self._meet(identity)
            return
        # A frame knows whether another follows; asking the socket costs more than receiving it.
        first = recv(0, False)
        if not first.more:
            self._exchange.receive((identity,), first.bytes, peer)
            return
        second = recv(0, False)
        if not second.more:
            self._exchange.receive((identity,), second.bytes, peer)
            return
        envelope, data = codec.split([identity, first.bytes, second.bytes, *socket.recv_multipart()])
        self._exchange.receive(envelope, data, peer)

    def _meet(self, identity: bytes) -> None:
        """Take in the rest of the first message of a client; only such a frame tells where it came from."""
        frames = self._socket.recv_multipart(copy=False)
        if len(self._peers) >= _KNOWN_PEERS:
            self._peers.clear()
        peer = self._peers[identity] = _peer_of(frames[-1])
        envelope, data = codec.split([identity, *(frame.bytes for frame in frames)])
        self._exchange.receive(envelope, data, peer)

    def _take_oneway(self) -> None:
        frame = self._socket.recv_multipart(NOBLOCK, copy=False)[-1]
        self._exchange.receive_oneway(frame.bytes, _peer_of(frame))

    def _sleep(self, sources: list[Any], seconds: float) -> None:
        self._asleep = True
        # Whoever posts looks at `_asleep` after it has posted; so it is looked here after it was set.
        if not self._exchange.has_posted() and not self._closing.is_set():
            for source, _ in zmq.zmq_poll(sources, milliseconds(None if seconds == float("inf") else seconds)):
                if source is not self._socket:
                    self._bell.answer()
        self._asleep = False

    def _wake(self) -> None:
        if self._asleep:
            self._asleep = False
            self._bell.ring()

    def _release(self) -> None:
        self._socket.close(linger=_LINGER_MS)
        if self._doorkeeper is not None:
            self._doorkeeper.close()
        assert self._context is not None
        self._context.term()
        self._bell.close()
        self._released.set()


def _numeric(at: Address) -> Address:
    """The address with its host as a number: libzmq binds no names."""
    if at.transport != "tcp" or at.host == "*":
        return at
    try:
        found = sockets_of_os.getaddrinfo(at.host, at.port, type=sockets_of_os.SOCK_STREAM)
    except (sockets_of_os.gaierror, UnicodeError) as exc:
        raise ResolveError(f"{at.host}: {getattr(exc, 'strerror', None) or 'name not found'}") from exc
    return at._replace(host=str(found[0][4][0]))


def _check_unused(at: Address) -> None:
    """libzmq takes a path away from the server that serves there."""
    with sockets_of_os.socket(sockets_of_os.AF_UNIX) as probe:
        try:
            probe.connect(at.path)
        except OSError:
            return
    raise ConnectError(f"{at} is in use", hint="another path")


def _bind_error(at: Address, exc: zmq.ZMQError) -> RpcctlError:
    if exc.errno == zmq.EADDRINUSE:
        return ConnectError(f"{at} is in use", hint="another port, or port 0 for a free one")
    if exc.errno in (zmq.EADDRNOTAVAIL, errno.ENODEV):
        return AddressError(f"{at} is no address of this machine", hint="127.0.0.1, or * for all of its addresses")
    return ConnectError(f"{at} cannot be bound: {exc.strerror}")


def _peer_of(frame: zmq.Frame) -> str:
    try:
        return str(frame.get("Peer-Address")) or "local"
    except zmq.ZMQError:
        return "local"
