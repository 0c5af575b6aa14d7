"""A host's event loop, which uvicorn chooses and runs: it opens the listener, with TLS, and hands us the connections.

They speak HTTP by a protocol class of ours, which httptools parses for: uvicorn's own knows no limit on the time or the
size of a request, and takes twice as long for one.
"""

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

import uvicorn

from .connection import Connection
from .gate import Head
from .tls import watch_handshakes

if TYPE_CHECKING:
    from .host import Host

_PARTING = 0.1
"""Seconds for encrypted connections to say good-bye."""
FLUSH = 1.0
"""Seconds for the last answers to leave when the host is closed."""


class Running(uvicorn.Server):
    """uvicorn's server, ended by an event of ours rather than by looking ten times a second."""

    def __init__(self, host: "Host", began: threading.Event) -> None:
        config = uvicorn.Config(
            _unused,
            http=lambda **more: Connection(host),  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
        config.load()
        config.ssl = host.tls
        if host.tls is not None:
            watch_handshakes(host.tls, lambda why: host.desk.tell("", Head("", "", {}), why))
        super().__init__(config)
        self._host = host
        self._began = began
        self.exit = asyncio.Event()
        self.empty = asyncio.Event()

    async def main_loop(self) -> None:
        """Look at the clocks until the host is closed."""
        self._host.began(asyncio.get_running_loop())
        pause = self._host.look()
        self._began.set()
        while not self.exit.is_set():
            try:
                await asyncio.wait_for(self.exit.wait(), pause)
            except asyncio.TimeoutError:
                pause = self._host.look()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what was answered leave, then close all connections."""
        self.stop_accepting()
        for connection in self._host.remaining():
            connection.drop()
        if await self._closed_within(_PARTING):
            return
        for connection in self._host.remaining():
            if not connection.is_writing():
                connection.abort()
        if not await self._closed_within(FLUSH):
            for connection in self._host.remaining():
                connection.abort()

    async def _closed_within(self, seconds: float) -> bool:
        if self._host.remaining():
            self.empty.clear()
            try:
                await asyncio.wait_for(self.empty.wait(), seconds)
            except asyncio.TimeoutError:
                return False
        return True

    def stop_accepting(self) -> None:
        """Close the listener."""
        for server in self.servers:
            server.close()


async def _unused(scope: Any, receive: Any, send: Any) -> None:
    """What uvicorn takes for the application: our connections ask none."""
