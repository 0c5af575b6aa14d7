"""Why a ZeroMQ connection does not come about: a plain connection to the same place, and a look at what answers.

Imported after a failure only: a call that succeeds does not pay for it.
"""

import re
import socket

from rpcctl.address import Address
from rpcctl.errors import AuthError, ConnectError, RemoteProtocolError, ResolveError, RpcctlError

_PATIENCE = 0.3
"""Seconds in which a server on the other side of a working connection says its first bytes."""
# A server says its mechanism once it has heard the version, and hangs up when it hears another mechanism than its own.
_VERSION = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0"
_NULL = b"NULL".ljust(20, b"\0") + bytes(32)
_HTTP = b"GET / HTTP/1.0\r\n\r\n"
_SOCKET_TYPE = re.compile(rb"Socket-Type\0\0\0.([A-Z]+)", re.DOTALL)
_LOOKS = (
    (b"HTTP/", "an HTTP server", "--proto jsonrpc or xmlrpc"),
    (b"<", "an HTTP server", "--proto jsonrpc or xmlrpc"),
    (b"SSH-", "an SSH server", ""),
    (b"AMQP", "an AMQP broker", "--proto amqp"),
    (b"\x15\x03", "a TLS server", "an address with https or tls in it"),
    (b"PYRO", "a Pyro server", "--proto pyro"),
)


def diagnose(at: Address, encrypted: bool, seconds: float) -> RpcctlError | None:
    """The error that explains it, or None when all looks well from here. Takes `seconds` to connect, and 1 s more."""
    try:
        first = _exchange(at, _VERSION, _NULL, seconds)
        if not first:
            first = _exchange(at, _HTTP, b"", seconds)
    except socket.gaierror as exc:
        return ResolveError(f"{at.host}: {exc.strerror or 'name not found'}")
    except TimeoutError:
        return ConnectError(f"{at}: no connection within {seconds:g} s", hint="is a firewall in between?")
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        return ConnectError(f"{at}: {reason}", hint="is the server up? rpcctl wait ADDRESS waits for it")
    return _read(at, first, encrypted)


def _exchange(at: Address, first: bytes, second: bytes, seconds: float) -> bytes:
    """What the other side says to these bytes; empty when it stays silent."""
    with _connect(at, seconds) as peer:
        peer.settimeout(_PATIENCE)
        answer = b""
        try:
            for words in (first, second):
                if words:
                    peer.sendall(words)
                while len(answer) < 64 and (chunk := peer.recv(4096)):
                    answer += chunk
            answer += peer.recv(4096)
        except OSError:
            pass  # Silence, or the connection was cut: what came before is what there is to judge.
        return answer


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
    for begin, look, hint in _LOOKS:
        if answer.startswith(begin):
            return RemoteProtocolError(f"{at} looks like {look}, and not like zerorpc", hint=hint)
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
        return RemoteProtocolError(f"{at} is a ZeroMQ socket of another kind, {found[1].decode()}: no zerorpc server")
    return None
