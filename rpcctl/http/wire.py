"""How a connection to an HTTP server is made: through a proxy if there is one, and encrypted where that was asked for.

Knows of HTTP only the line with which a proxy is asked for a tunnel.
"""

import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rpcctl.address import Address
from rpcctl.errors import AuthError, ConnectError, TLSError
from rpcctl.messages import NEVER, Deadline
from rpcctl.sockets.wire import Wire, connect, too_late

from .logins import basic
from .proxies import Proxy
from .tls import client_context, explain_tls

if TYPE_CHECKING:
    import ssl

_PROBE = 0.7
"""Seconds for a look at what a server that hung up speaks."""
_LONGEST_HEAD = 64 * 1024


def dial(
    at: Address, proxy: Proxy | None, options: Mapping[str, Any], patience: float | None, deadline: Deadline
) -> Wire:
    """Connect within `patience` seconds and the deadline; a TransportError says why not, or DeadlineError."""
    place = f"{proxy}" if proxy else f"{at}"
    wire = connect(at if proxy is None else at._replace(host=proxy.host, port=proxy.port), patience, deadline, place)
    try:
        if proxy is not None and at.transport == "https":
            _open_tunnel(wire, at, proxy)
        if at.transport == "https":
            encrypt(wire, at, client_context(options))
    except TimeoutError:
        wire.shut()
        raise too_late(place, patience, deadline) from None
    except BaseException:
        wire.shut()
        raise
    wire.deadline = NEVER
    return wire


def encrypt(wire: Wire, at: Address, context: "ssl.SSLContext", plainly: str = "http") -> None:
    """Make the connection an encrypted one, within the wire's deadline; TLSError says why not, or TimeoutError.

    `plainly` is the scheme of the same without encryption, for the hint.
    """
    import ssl

    wire.sock.settimeout(wire.deadline.remaining())
    try:
        wire.sock = context.wrap_socket(wire.sock, server_hostname=at.host)
    except TimeoutError:
        raise
    except ssl.SSLError as exc:
        raise explain_tls(at, exc, plainly) from exc
    except OSError as exc:
        raise TLSError(
            f"{at}: the connection ended in the TLS handshake", hint=f"{plainly}:// if it is not encrypted"
        ) from exc


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
