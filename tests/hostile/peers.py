"""Peers that misbehave, by hand: a connection whose bytes can be damaged, and a server made of a function."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PATIENCE = 5.0
Damage = Callable[[int, bytes], bytes]
"""What becomes of bytes that would begin at that place of all that is said."""


class CutError(Exception):
    """Nothing more is said."""


class Peer:
    """One connection. It has the methods of `multiprocessing.connection.Connection` that handshakes use."""

    def __init__(self, sock: socket.socket, damage: Damage | None = None) -> None:
        sock.settimeout(PATIENCE)
        self.sock = sock
        self.said = 0
        """Bytes said so far, as they would have been without damage."""
        self._damage = damage

    def say(self, data: bytes) -> None:
        """Send it, or what the damage makes of it; CutError when that is the end."""
        whole = data if self._damage is None else self._damage(self.said, data)
        self.said += len(data)
        self.sock.sendall(whole)
        if len(whole) < len(data):
            raise CutError
        if whole != data:
            # What was damaged may announce more than comes: whoever waits for it is to see the end.
            self.sock.shutdown(socket.SHUT_WR)

    def hear(self, size: int) -> bytes:
        """So many bytes; EOFError when there are not as many."""
        found = b""
        while len(found) < size:
            piece = self.sock.recv(size - len(found))
            if not piece:
                raise EOFError
            found += piece
        return found

    def hear_all(self) -> bytes:
        """Everything until the other end hangs up."""
        found = b""
        try:
            while piece := self.sock.recv(65536):
                found += piece
        except ConnectionResetError:
            pass
        return found

    def is_hung_up_on(self) -> bool:
        """Whether the other end ends the connection by itself, whatever it says before."""
        try:
            self.hear_all()
        except TimeoutError:
            return False
        return True

    def send_bytes(self, data: bytes) -> None:
        """A manager's frame."""
        self.say(struct.pack("!i", len(data)) + data)

    def recv_bytes(self, longest: int = 1 << 24) -> bytes:
        """A manager's frame."""
        (size,) = struct.unpack("!i", self.hear(4))
        return self.hear(size)

    def close(self) -> None:
        """Hang up."""
        self.sock.close()

    def reset(self) -> None:
        """Hang up at once, as a process does that is killed with bytes unread."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Script = Callable[[Peer], object]


class Scripted:
    """A server that runs a function for each of its connections, one after the other; what that raises is dropped."""

    def __init__(self, script: Script) -> None:
        self.script = script
        """May be exchanged between two connections."""
        self.damage: Damage | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with sock:
                try:
                    self.script(Peer(sock, self.damage))
                except (OSError, EOFError, CutError):
                    pass
                except Exception:
                    pass  # A client that was confused says odd things.

    def close(self) -> None:
        """Accept nobody any more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)


@contextmanager
def scripted(script: Script) -> Iterator[Scripted]:
    """Such a server inside the block."""
    server = Scripted(script)
    try:
        yield server
    finally:
        server.close()


def cut_at(place: int) -> Damage:
    """Say nothing from that byte on."""
    return lambda at, data: data[: max(0, place - at)]


def change_at(place: int, mask: int) -> Damage:
    """Turn these bits of one byte over."""

    def damage(at: int, data: bytes) -> bytes:
        index = place - at
        if not 0 <= index < len(data):
            return data
        return data[:index] + bytes([data[index] ^ mask]) + data[index + 1 :]

    return damage


def connect(address: Any, damage: Damage | None = None) -> Peer:
    """A connection to a server of ours."""
    return Peer(socket.create_connection((address.host, address.port), PATIENCE), damage)
