"""Serves a handler as a manager does, to stock clients too: bytes are `rpcctl.sockets.host`'s, calls are `calls`'."""

import os
import socket

from rpcctl.address import Address
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.sockets.host import Host
from rpcctl.sockets.link import Link
from rpcctl.sockets.session import PARTIAL, policy_of

from .calls import Desk, Session
from .keys import server_key

_QUICK = getattr(socket, "TCP_QUICKACK", None)


class Server:
    """Serves a handler at one address."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Read the key, or make it; UsageError without one. Nothing is bound yet."""
        self._settings = settings
        self._key = server_key(settings.options, os.environ)
        self._host = Host(address, policy_of(settings.options, settings.max_message), self._begin, note=settings.note)
        self._desk: Desk | None = None

    @property
    def address(self) -> Address:
        """Where it is bound, the real port in place of 0, without what only the server needs to know."""
        return self._host.address._replace(options=())

    def bind(self) -> None:
        """Take the address: ConnectError when it is in use, AddressError or ResolveError when it is none of ours."""
        self._host.bind()

    def serve(self, handler: Handler, executor: Executor) -> None:
        """Serve on the calling thread until `close`."""
        self._desk = Desk(handler, executor, self._settings, self._key)
        self._host.serve(executor.welcome())

    def drain(self) -> None:
        """Accept no connections, and answer new calls that the server is shutting down."""
        if self._desk is not None:
            self._desk.draining = True
        self._host.drain()

    def close(self) -> None:
        """Flush what was answered, free the address and let `serve` return."""
        self._host.close()

    def _begin(self, link: Link) -> Session:
        assert self._desk is not None
        quick = _QUICK is not None and link.sock.family != getattr(socket, "AF_UNIX", None)
        return _QuickSession(self._desk, link) if quick else Session(self._desk, link)


class _QuickSession(Session):
    """A session over TCP, where Linux is told to acknowledge at once.

    A stock client writes the end of its handshake, and then its request, without reading in between; and the head of a
    large request, and then its rest. Nagle's algorithm holds the second until the first is acknowledged, which would
    take 40 ms, each time: the setting does not last.
    """

    def receive(self, data: bytes) -> None:
        """Take the next bytes, and acknowledge them at once if the client has more to send before it is answered."""
        super().receive(data)
        if self.state() != PARTIAL:
            return
        try:
            self.link.sock.setsockopt(socket.IPPROTO_TCP, _QUICK or 0, 1)
        except OSError:
            pass  # It is closed.
