"""A client's connected socket, one time limit for all that is read and written, and how it is connected.

Foreign errors are renamed while connecting only: what a timeout or a reset means later, the protocol knows.
"""

import errno
import io
import socket
from typing import Any

from rpcctl.address import Address
from rpcctl.errors import ConnectError, DeadlineError, ResolveError, RpcctlError
from rpcctl.messages import NEVER, Deadline

PIECE = 64 * 1024
"""Bytes read or written at once."""
_MEANINGS = {
    errno.ECONNREFUSED: "refused",
    errno.ENOENT: "there is no such socket",
    errno.EACCES: "not permitted",
    errno.ENOTSOCK: "there is a file that is no socket",
}


class Wire:
    """A socket whose every wait ends at `deadline`, with TimeoutError."""

    def __init__(self, sock: socket.socket) -> None:
        """Take the socket over."""
        self.sock = sock
        self.deadline = NEVER
        self.ended = False
        """Whether the peer has said that nothing follows."""

    def makefile(self, mode: str = "rb") -> io.BufferedReader:
        """What http.client reads from; closing it leaves the socket open."""
        return io.BufferedReader(_Reader(self), PIECE)

    def receive(self, size: int = PIECE) -> bytes:
        """Read at least a byte and at most `size`, in time; nothing at the end."""
        self._arm()
        data = self.sock.recv(size)
        self.ended = not data
        return data

    def receive_into(self, buffer: Any) -> int:
        """Read at least a byte, in time; 0 at the end."""
        self._arm()
        size = self.sock.recv_into(buffer)
        self.ended = not size
        return size

    def send(self, data: bytes) -> None:
        """Write all of it, in time: piece by piece, as a large message may be taken slowly but for ever."""
        view = memoryview(data)
        while view:
            self._arm()
            view = view[self.sock.send(view[:PIECE]) :]

    def send_some(self, data: "bytes | memoryview") -> int:
        """Write what can be written without waiting; how many bytes, 0 for none."""
        self.sock.settimeout(0)
        try:
            return self.sock.send(data)
        except OSError as exc:
            if _would_block(exc):
                return 0
            raise

    def await_either(self) -> bool:
        """Wait, in time, until it can be read or written; whether it can be read."""
        # Needed by the few messages that a peer does not take at once.
        from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

        with DefaultSelector() as selector:
            selector.register(self.sock, EVENT_READ | EVENT_WRITE)
            ready = selector.select(self.deadline.remaining())
        if not ready:
            raise TimeoutError
        return bool(ready[0][1] & EVENT_READ)

    def has_news(self) -> bool:
        """Whether there is something to be read, be it the end."""
        self.sock.settimeout(0)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except OSError as exc:
            return not _would_block(exc)
        return True

    def is_stale(self) -> bool:
        """Whether the peer closed it, or said something that nobody asked for, while nothing was under way."""
        self.sock.settimeout(0)
        try:
            return self.sock.recv(1, 0 if _is_encrypted(self.sock) else socket.MSG_PEEK) is not None
        except OSError as exc:
            return not _would_block(exc)

    def shut(self) -> None:
        """Close it; wakes whoever waits. From any thread."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The peer was faster.
        self.sock.close()

    def _arm(self) -> None:
        left = self.deadline.remaining()
        if left == 0:
            raise TimeoutError
        self.sock.settimeout(left)


class _Reader(io.RawIOBase):
    """The reading half of a wire, as io wants it."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.receive_into(buffer)


def connect(at: Address, patience: float | None, deadline: Deadline, place: str = "") -> Wire:
    """Connect to host and port, or to a Unix socket, within `patience` seconds and the deadline.

    `place` is what errors call it. ResolveError, ConnectError or DeadlineError says why not. The wire's deadline is the
    earlier of the two limits still: a handshake may follow.
    """
    limit = Deadline.after(patience).sooner(deadline)
    place = place or str(at)
    if at.host == "*":
        raise ConnectError(f"{place}: * is every address of this machine, to bind and not to connect to")
    try:
        sock = _connect(at, limit)
    except TimeoutError:
        raise too_late(place, patience, deadline) from None
    except OSError as exc:
        reason = _MEANINGS.get(exc.errno or 0) or exc.strerror or str(exc)
        raise ConnectError(f"{place}: {reason.lower()}", hint="is the server up? rpcctl wait ADDRESS") from exc
    wire = Wire(sock)
    wire.deadline = limit
    return wire


def too_late(place: str, patience: float | None, deadline: Deadline) -> RpcctlError:
    """Which of the two limits ended the wait for a connection."""
    if deadline.expired():
        return DeadlineError(f"{place}: not connected within the time limit (--timeout)", hint="a longer --timeout")
    return ConnectError(
        f"{place}: no answer within {patience:g} s", hint="a longer --connect-timeout if it is only slow"
    )


def _connect(at: Address, limit: Deadline) -> socket.socket:
    if at.kind == "path":
        return _connect_to(socket.socket(socket.AF_UNIX), at.path, limit)
    try:
        # As bytes, because text is put through the tables of international names, whose import is a tenth of a call.
        host = at.host.encode() if at.host.isascii() else at.host
        found = socket.getaddrinfo(host, at.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as exc:
        raise ResolveError(
            f"{at.host}: {getattr(exc, 'strerror', None) or 'no host name'}", hint="check the spelling"
        ) from exc
    for index, (family, kind, number, _, place) in enumerate(found):
        try:
            return _connect_to(socket.socket(family, kind, number), place, limit)
        except OSError:
            if index == len(found) - 1:
                raise
    raise ResolveError(f"{at.host}: it has no address")


def _connect_to(sock: socket.socket, place: Any, limit: Deadline) -> socket.socket:
    try:
        left = limit.remaining()
        if left == 0:
            raise TimeoutError
        sock.settimeout(left)
        sock.connect(place)
        if sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _is_encrypted(sock: socket.socket) -> bool:
    return hasattr(sock, "context")


def _would_block(exc: OSError) -> bool:
    return isinstance(exc, BlockingIOError) or type(exc).__name__ in ("SSLWantReadError", "SSLWantWriteError")
