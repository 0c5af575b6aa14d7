"""What servers on stream sockets share: they take an address, serve a handler, and close. Knows no wire.

A subclass says what all its connections share, and begins a session for each.
"""

from typing import Protocol

from rpcctl.address import Address
from rpcctl.interfaces import Executor, Handler, Settings

from .host import Host
from .link import Link
from .session import Session, policy_of


class Desk(Protocol):
    """What all connections of a server share."""

    draining: bool
    """Whether new calls are refused."""


class SocketServer:
    """Serves a handler at one address."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Nothing is bound yet."""
        self._settings = settings
        self._host = Host(address, policy_of(settings.options, settings.max_message), self.begin, note=settings.note)
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
        self._desk = self.open_desk(handler, executor)
        self._host.serve(executor.welcome())

    def drain(self) -> None:
        """Accept no connections, and answer new calls that the server is shutting down."""
        if self._desk is not None:
            self._desk.draining = True
        self._host.drain()

    def close(self) -> None:
        """Flush what was answered, free the address and let `serve` return."""
        self._host.close()

    def open_desk(self, handler: Handler, executor: Executor) -> Desk:
        """What connections are to share."""
        raise NotImplementedError

    def begin(self, link: Link) -> Session:
        """The session of a new connection."""
        raise NotImplementedError
