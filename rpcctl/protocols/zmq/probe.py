"""Why a ZeroMQ connection does not come about: a plain connection to the same place, and a look at what answers.

Imported after a failure only: a call that succeeds does not pay for it.
"""

import re
import socket

from rpcctl.address import Address
from rpcctl.errors import AuthError, ConnectError, RemoteProtocolError, ResolveError, RpcctlError
from rpcctl.messages import Deadline
from rpcctl.sockets.looks import recognise, way_to

_PATIENCE = 0.3
"""Seconds in which a server on the other side of a working connection says its first bytes."""
_SLOW = 2.0
"""Seconds after which a connection that does not come about is left unexplained."""
# A server says its mechanism once it has heard the version, and hangs up when it hears another mechanism than its own.
_VERSION = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0"
_NULL = b"NULL".ljust(20, b"\0") + bytes(32)
_HTTP = b"GET / HTTP/1.0\r\n\r\n"
_SOCKET_TYPE = re.compile(rb"Socket-Type\0\0\0.([A-Z]+)", re.DOTALL)
_ONE_WAY = {b"PULL": "rpcctl cast --push", b"SUB": "rpcctl cast --publish", b"XSUB": "rpcctl cast --publish"}
"""How to speak to servers that only listen."""


def diagnose(at: Address, encrypted: bool, limit: Deadline) -> RpcctlError | None:
    """The error that explains it, or None when all looks well from here, or nothing is heard before the limit."""
    try:
        first = _exchange(at, _VERSION, _NULL, limit)
        if not first and not limit.expired():
            first = _exchange(at, _HTTP, b"", limit)
    except socket.gaierror as exc:
        return ResolveError(f"{at.host}: {exc.strerror or 'name not found'}")
    except TimeoutError:
        return None
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        return ConnectError(f"{at}: {reason}", hint="is the server up? rpcctl wait ADDRESS waits for it")
    return _read(at, first, encrypted)


def _exchange(at: Address, first: bytes, second: bytes, limit: Deadline) -> bytes:
    """What the other side says to these bytes; empty when it stays silent."""
    # A name may have two addresses, each of which is tried for so long.
    with _connect(at, _bounded(_SLOW, limit) / 2) as peer:
        answer = b""
        try:
            for words in (first, second):
                peer.settimeout(_bounded(_PATIENCE, limit))
                if words:
                    peer.sendall(words)
                while len(answer) < 64 and (chunk := peer.recv(4096)):
                    answer += chunk
            peer.settimeout(_bounded(_PATIENCE, limit))
            answer += peer.recv(4096)
        except OSError:
            pass  # Silence, or the connection was cut: what came before is what there is to judge.
        return answer


def _bounded(seconds: float, limit: Deadline) -> float:
    """So many seconds, or those that are left; never 0, which would mean not to wait for anything at all."""
    left = limit.remaining()
    return seconds if left is None else max(min(seconds, left), 0.01)


def _connect(at: Address, seconds: float) -> socket.socket:
    if at.transport == "tcp":
        return socket.create_connection((at.host, at.port), timeout=seconds)
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(seconds)
    try:
        peer.connect(at.path)
    except BaseException:
        peer.close()
        raise
    return peer


def _read(at: Address, answer: bytes, encrypted: bool) -> RpcctlError | None:
    if not answer:
        return None
    if answer[:1] == b"\xff" and answer[9:10] == b"\x7f":
        return _read_greeting(at, answer, encrypted)
    look = recognise(answer)
    if look is not None:
        return RemoteProtocolError(
            f"{at} looks like {look.name}, and not like zerorpc",
            hint=way_to(answer, at),
        )
    return RemoteProtocolError(f"{at} is no ZeroMQ server: its first bytes are {answer[:16]!r}")


def _read_greeting(at: Address, answer: bytes, encrypted: bool) -> RpcctlError | None:
    mechanism = answer[12:32].rstrip(b"\0").decode("ascii", "replace")
    if mechanism == "CURVE" and not encrypted:
        return AuthError(f"{at} admits only clients with its CURVE key", hint="--curve-server-key KEY")
    if mechanism == "CURVE":
        return AuthError(f"{at} refused the handshake: --curve-server-key is not its key")
    if encrypted:
        return AuthError(
            f"{at} does not encrypt: it asks for {mechanism or 'nothing'}", hint="leave out the CURVE keys"
        )
    found = _SOCKET_TYPE.search(answer)
    if found and found[1] not in (b"ROUTER", b"DEALER", b"REP"):
        return RemoteProtocolError(
            f"{at} is a ZeroMQ socket of another kind, {found[1].decode()}: no zerorpc server",
            hint=_ONE_WAY.get(found[1], ""),
        )
    return None
