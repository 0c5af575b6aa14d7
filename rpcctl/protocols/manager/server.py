"""Serves a handler as a manager does, to stock clients too: bytes are `rpcctl.sockets.host`'s, calls are `calls`'."""

import os
import socket

from rpcctl.address import Address
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.sockets.link import Link
from rpcctl.sockets.server import SocketServer
from rpcctl.sockets.session import PARTIAL

from .calls import Session
from .desk import Desk
from .keys import server_key

_QUICK = getattr(socket, "TCP_QUICKACK", None)


class Server(SocketServer):
    """Serves a handler at one address."""

    _desk: Desk

    def __init__(self, address: Address, settings: Settings) -> None:
        """Read the key, or make it; UsageError without one. Nothing is bound yet."""
        self._key = server_key(settings.options, os.environ)
        super().__init__(address, settings)

    def open_desk(self, handler: Handler, executor: Executor) -> Desk:
        """With the key."""
        return Desk(handler, executor, self._settings, self._key)

    def begin(self, link: Link) -> Session:
        """One that speaks first."""
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
