"""Calls the methods of a server, one after the other."""

import socket
from collections.abc import Iterator

from rpcctl.address import Address
from rpcctl.errors import ConnectError, ConnectionLostError, renamed
from rpcctl.interfaces import Settings
from rpcctl.messages import Deadline, Reply, Request

from . import codec


class Client:
    """Calls the methods of one server."""

    def __init__(self, address: Address, settings: Settings) -> None:
        self._address = address
        self._settings = settings
        self._socket: socket.socket | None = None

    def connect(self, deadline: Deadline) -> None:
        """Reach the server."""
        place = (self._address.host, self._address.port)
        with renamed({OSError: lambda exc: ConnectError(f"{self._address}: {exc}")}):
            self._socket = socket.create_connection(place, self._settings.connect_timeout)
        greeting = self._settings.options["greeting"]
        if greeting is not None:
            self._socket.sendall(f"# {greeting}\n".encode())

    def send(self, request: Request) -> Iterator[Reply]:
        """Send the request, yield its reply."""
        if self._socket is None:
            raise ConnectionLostError(f"{self._address}: the connection is closed")
        self._socket.settimeout(request.deadline.remaining())
        self._socket.sendall(codec.pack_request(request))
        with self._socket.makefile("rb") as file:
            line = file.readline()
        if not line:
            raise ConnectionLostError(f"{self._address} was lost")
        yield codec.unpack_reply(line)

    def close(self) -> None:
        """Free the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
