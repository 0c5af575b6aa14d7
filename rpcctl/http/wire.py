"""A connected socket with one time limit for all that is read and written, and how it is connected.

Knows of HTTP only the line with which a proxy is asked for a tunnel.
"""

import errno
import io
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rpcctl.address import Address
from rpcctl.errors import AuthError, ConnectError, DeadlineError, ResolveError, RpcctlError, TLSError
from rpcctl.messages import NEVER, Deadline

from .logins import basic
from .proxies import Proxy
from .tls import client_context, explain_tls

if TYPE_CHECKING:
    import ssl

_PIECE = 64 * 1024
_PROBE = 0.7
"""Seconds for a look at what a server that hung up speaks."""
_LONGEST_HEAD = 64 * 1024
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
        return io.BufferedReader(_Reader(self), _PIECE)

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
            view = view[self.sock.send(view[:_PIECE]) :]

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


def dial(
    at: Address, proxy: Proxy | None, options: Mapping[str, Any], patience: float | None, deadline: Deadline
) -> Wire:
    """Connect within `patience` seconds and the deadline; a TransportError says why not, or DeadlineError."""
    limit = Deadline.after(patience).sooner(deadline)
    place = f"{proxy}" if proxy else f"{at}"
    try:
        sock = _connect(at, proxy, limit)
    except TimeoutError:
        raise _too_late(place, patience, deadline) from None
    except OSError as exc:
        reason = _MEANINGS.get(exc.errno or 0) or exc.strerror or str(exc)
        raise ConnectError(f"{place}: {reason.lower()}", hint="is the server up? rpcctl wait ADDRESS") from exc
    wire = Wire(sock)
    wire.deadline = limit
    try:
        if proxy is not None and at.transport == "https":
            _open_tunnel(wire, at, proxy)
        if at.transport == "https":
            wire.sock = _encrypt(wire, at, options)
    except TimeoutError:
        wire.shut()
        raise _too_late(place, patience, deadline) from None
    except BaseException:
        wire.shut()
        raise
    wire.deadline = NEVER
    return wire


def speaks_tls(at: Address) -> bool:
    """Whether what answers there as plain HTTP should begins a TLS handshake when asked to; sends nothing else."""
    import ssl

    try:
        error = _try_handshake(at, client_context({"insecure": True}))
    except OSError:
        return False
    return error is None or (isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or ""))


def refuses_certificate(at: Address, options: Mapping[str, Any]) -> bool:
    """Whether a server of TLS hangs up for want of a client's certificate that it trusts.

    By TLS 1.3 the handshake is over for a client before the server has looked, and not all servers say why they then
    hang up; by TLS 1.2 it ends in the handshake.
    """
    import ssl

    context = client_context(options)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        return _try_handshake(at, context) is not None
    except OSError:
        return False


def _try_handshake(at: Address, context: "ssl.SSLContext") -> OSError | None:
    """What ends a handshake; None when it succeeds. OSError when there is nobody to try it with."""
    with socket.create_connection((at.host, at.port), _PROBE) as sock:
        try:
            context.wrap_socket(sock, server_hostname=at.host).close()
        except OSError as exc:
            return exc
    return None


def _connect(at: Address, proxy: Proxy | None, limit: Deadline) -> socket.socket:
    if at.kind == "path":
        sock = socket.socket(socket.AF_UNIX)
        return _connect_to(sock, at.path, limit)
    host, port = (proxy.host, proxy.port) if proxy else (at.host, at.port)
    try:
        # As bytes, because text is put through the tables of international names, whose import is a tenth of a call.
        found = socket.getaddrinfo(host.encode() if host.isascii() else host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as exc:
        raise ResolveError(
            f"{host}: {getattr(exc, 'strerror', None) or 'no host name'}", hint="check the spelling"
        ) from exc
    for index, (family, kind, number, _, place) in enumerate(found):
        try:
            return _connect_to(socket.socket(family, kind, number), place, limit)
        except OSError:
            if index == len(found) - 1:
                raise
    raise ResolveError(f"{host}: it has no address")


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


def _encrypt(wire: Wire, at: Address, options: Mapping[str, Any]) -> socket.socket:
    import ssl

    context = client_context(options)
    wire._arm()
    try:
        return context.wrap_socket(wire.sock, server_hostname=at.host)
    except TimeoutError:
        raise
    except ssl.SSLError as exc:
        raise explain_tls(at, exc) from exc
    except OSError as exc:
        raise TLSError(
            f"{at}: the connection ended in the TLS handshake", hint="http:// if it speaks plain HTTP"
        ) from exc


def _open_tunnel(wire: Wire, at: Address, proxy: Proxy) -> None:
    login = f"Proxy-Authorization: {basic(proxy.user, proxy.password)}\r\n" if proxy.user else ""
    place = at.location()
    try:
        wire.send(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{login}\r\n".encode())
        head = _read_head(wire)
    except TimeoutError:
        raise
    except OSError as exc:
        raise ConnectError(f"{proxy} closed the connection") from exc
    line = head.partition(b"\r\n")[0].decode("latin-1")
    status = line.partition(" ")[2][:3]
    if status == "407":
        raise AuthError(f"{proxy} wants a login, or another one", hint="http://USER:PASSWORD@HOST:PORT in https_proxy")
    if not line.startswith("HTTP/1.") or not status.startswith("2"):
        raise ConnectError(f"{proxy} opens no way to {place}: {line[:200]!r}", hint="no_proxy, if it is not needed")


def _read_head(wire: Wire) -> bytes:
    """Byte by byte: what follows the head is the handshake's."""
    head, byte = bytearray(), bytearray(1)
    while not head.endswith(b"\r\n\r\n") and len(head) < _LONGEST_HEAD and wire.receive_into(byte):
        head += byte
    return bytes(head)


def _too_late(place: str, patience: float | None, deadline: Deadline) -> RpcctlError:
    if deadline.expired():
        return DeadlineError(f"{place}: not connected within the time limit (--timeout)", hint="a longer --timeout")
    return ConnectError(
        f"{place}: no answer within {patience:g} s", hint="a longer --connect-timeout if it is only slow"
    )


def _is_encrypted(sock: socket.socket) -> bool:
    return hasattr(sock, "context")


def _would_block(exc: OSError) -> bool:
    return isinstance(exc, BlockingIOError) or type(exc).__name__ in ("SSLWantReadError", "SSLWantWriteError")
