"""What wakes a thread that waits for sockets. Knows neither."""

import socket


class Bell:
    """A pair of sockets: one to be rung by any thread, the other for a selector."""

    def __init__(self) -> None:
        """Quiet."""
        self._rope, self.ear = socket.socketpair()
        self._rope.setblocking(False)
        self.ear.setblocking(False)

    def ring(self) -> None:
        """Make the ear readable. From any thread."""
        try:
            self._rope.send(b"\0")
        except OSError:
            pass  # It rings already, or there is nobody left to hear it.

    def answer(self, events: int = 0) -> None:
        """Be quiet again."""
        try:
            self.ear.recv(4096)
        except BlockingIOError:
            pass  # Somebody rang for nothing.

    def close(self) -> None:
        """Free both sockets."""
        self._rope.close()
        self.ear.close()
