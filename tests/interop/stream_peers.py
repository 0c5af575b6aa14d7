"""Hand-made peers of protocols over streams: a server that says what it is told, and a client that does."""

import socket
import threading
from collections.abc import Callable
from typing import Any

import msgpack

PATIENCE = 10.0
Script = Callable[["RawPeer"], None]


class RawPeer:
    """One connection: messages or bytes out, messages in."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        self.socket = sock
        self._unpacker = msgpack.Unpacker(strict_map_key=False)

    def send(self, *messages: Any) -> None:
        """All in one piece."""
        self.socket.sendall(b"".join(map(msgpack.packb, messages)))

    def send_bytes(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self) -> Any:
        """The next message; None at the end."""
        while True:
            for message in self._unpacker:
                return message
            data = self.socket.recv(65536)
            if not data:
                return None
            self._unpacker.feed(data)

    def is_over(self) -> bool:
        """Whether nothing follows: waits for it."""
        try:
            return self.read() is None
        except ConnectionError:
            return True

    def close(self) -> None:
        self.socket.close()


class ScriptedServer:
    """Runs a script for each connection, one after the other."""

    def __init__(self, *scripts: Script) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"msgpackrpc+tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(scripts,), daemon=True)
        self._thread.start()

    def _run(self, scripts: tuple[Script, ...]) -> None:
        for script in scripts:
            sock, _ = self._listener.accept()
            peer = RawPeer(sock)
            try:
                script(peer)
            except BaseException as exc:
                self.errors.append(exc)
            finally:
                peer.close()

    def close(self) -> None:
        """See that the scripts came to their ends."""
        self._thread.join(PATIENCE)
        self._listener.close()
        assert not self._thread.is_alive()
        assert not self.errors, self.errors
