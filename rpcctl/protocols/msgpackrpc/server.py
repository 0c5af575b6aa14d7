"""Serves a handler as MessagePack-RPC: bytes come from `rpcctl.sockets.host`, and what they mean is in `calls`."""

from rpcctl.address import Address
from rpcctl.errors import AddressError
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.sockets.host import Host
from rpcctl.sockets.link import Link
from rpcctl.sockets.session import policy_of

from .calls import Desk, Session


class Server:
    """Serves a handler at one address."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Nothing is bound yet; AddressError for a command, which can only be called."""
        if address.kind == "text":
            raise AddressError(f"{address} cannot be bound", hint="--bind msgpackrpc+unix:///run/NAME.sock")
        self._settings = settings
        self._host = Host(address, policy_of(settings.options, settings.max_message), self._begin, note=settings.note)
        self._desk: Desk | None = None

    @property
    def address(self) -> Address:
        """Where it is bound, the real port in place of 0, without what only the server needs to know."""
        at = self._host.address
        return at._replace(options=tuple(each for each in at.options if each[0] == "msgpack-old"))

    def bind(self) -> None:
        """Take the address: ConnectError when it is in use, AddressError or ResolveError when it is none of ours."""
        self._host.bind()

    def serve(self, handler: Handler, executor: Executor) -> None:
        """Serve on the calling thread until `close`."""
        self._desk = Desk(handler, executor, self._settings)
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
        return Session(self._desk, link)
