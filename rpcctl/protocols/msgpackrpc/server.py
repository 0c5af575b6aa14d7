"""Serves a handler as MessagePack-RPC: bytes come from `rpcctl.sockets.host`, and what they mean is in `calls`."""

from rpcctl.address import Address
from rpcctl.errors import AddressError
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.sockets.link import Link
from rpcctl.sockets.server import SocketServer

from .calls import Desk, Session


class Server(SocketServer):
    """Serves a handler at one address."""

    _desk: Desk

    def __init__(self, address: Address, settings: Settings) -> None:
        """Nothing is bound yet; AddressError for a command, which can only be called."""
        if address.kind == "text":
            raise AddressError(f"{address} cannot be bound", hint="--bind msgpackrpc+unix:///run/NAME.sock")
        super().__init__(address, settings)

    @property
    def address(self) -> Address:
        """Where it is bound, the real port in place of 0, with what its clients need to know."""
        at = self._host.address
        return at._replace(options=tuple(each for each in at.options if each[0] == "msgpack-old"))

    def open_desk(self, handler: Handler, executor: Executor) -> Desk:
        """With packers."""
        return Desk(handler, executor, self._settings)

    def begin(self, link: Link) -> Session:
        """One that listens."""
        return Session(self._desk, link)
