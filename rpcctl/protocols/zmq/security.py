"""CURVE keys from files, and who is let in. Knows ZeroMQ's key formats and its ZAP handshake, nothing of calls.

A key is 40 characters of Z85. A file holds one alone on a line, or is a certificate as `zmq.auth` writes them, with
lines `public-key = "…"` and `secret-key = "…"`. ZAP (ZeroMQ RFC 27) is answered by the thread that owns the sockets.
"""

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import zmq

from rpcctl.errors import InputError, UsageError

_Z85 = r"[0-9A-Za-z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}"
_KEY = re.compile(_Z85)
_LONE = re.compile(rf"^\s*({_Z85})(?:\s.*)?$", re.MULTILINE)
_NAMED = r'^\s*{}\s*=\s*"({})"'
_HINT = 'a pair, public key first: python3 -c "import zmq; print(*(key.decode() for key in zmq.curve_keypair()))"'


class Keys(NamedTuple):
    """What one end needs: its own pair, and on a client's side the server's public key."""

    public: bytes
    secret: bytes
    server: bytes = b""


def client_keys(options: Mapping[str, Any]) -> Keys | None:
    """The keys to connect with; None for a connection without encryption."""
    server, secret_file = options.get("curve-server-key"), options.get("curve-secret-key-file")
    if not server:
        if secret_file:
            raise UsageError("--curve-secret-key-file is of no use without the server's key", hint="--curve-server-key")
        return None
    found = server.encode() if _KEY.fullmatch(server) else _read_server_key(server)
    public, secret = _read_pair(secret_file) if secret_file else zmq.curve_keypair()
    return Keys(public, secret, found)


def server_keys(options: Mapping[str, Any]) -> Keys | None:
    """The keys to serve with; None for a server without encryption."""
    secret_file = options.get("curve-secret-key-file")
    if secret_file:
        return Keys(*_read_pair(secret_file))
    if options.get("curve-allow"):
        raise UsageError("--curve-allow is of no use without the server's own key", hint="--curve-secret-key-file")
    return None


def read_allowed(paths: Iterable[str] | None) -> frozenset[bytes] | None:
    """The public keys in all of the files, as 32 bytes each; None when no file was named: everybody is let in."""
    if not paths:
        return None
    from zmq.utils import z85

    return frozenset(z85.decode(key) for path in paths for key in _read_keys(path))


def encrypt(socket: "zmq.Socket[bytes]", keys: Keys | None) -> None:
    """Put the keys into a socket that is neither bound nor connected yet."""
    if keys is None:
        return
    socket.set(zmq.CURVE_SECRETKEY, keys.secret)
    if keys.server:
        socket.set(zmq.CURVE_PUBLICKEY, keys.public)
        socket.set(zmq.CURVE_SERVERKEY, keys.server)
    else:
        socket.set(zmq.CURVE_SERVER, 1)


class Doorkeeper:
    """Answers ZAP's question whether a client's public key is let in. To be bound before the server's socket."""

    def __init__(self, context: "zmq.Context[Any]", allowed: frozenset[bytes]) -> None:
        """Bind to the place where libzmq asks."""
        self.socket = context.socket(zmq.REP)
        self.socket.linger = 0
        self.socket.bind("inproc://zeromq.zap.01")
        self._allowed = allowed

    def answer(self) -> None:
        """Answer every question that has been asked."""
        while self.socket.poll(0):
            frames = self.socket.recv_multipart()
            known = len(frames) == 7 and frames[5] == b"CURVE" and frames[6] in self._allowed
            status = (b"200", b"OK") if known else (b"400", b"key is not admitted")
            self.socket.send_multipart([frames[0], frames[1] if len(frames) > 1 else b"", *status, b"", b""])

    def close(self) -> None:
        """Leave the door."""
        self.socket.close()


def _read_server_key(path: str) -> bytes:
    if not os.path.exists(path):
        raise InputError(f"--curve-server-key {path}: neither a Z85 key of 40 characters nor a file", hint=_HINT)
    return _read_key(path, "public-key")


def _read_pair(path: str) -> tuple[bytes, bytes]:
    secret = _read_key(path, "secret-key")
    return zmq.curve_public(secret), secret


def _read_key(path: str, name: str) -> bytes:
    content = _read_file(path)
    found = re.search(_NAMED.format(name, _Z85), content, re.MULTILINE) or _LONE.search(content)
    if found is None:
        raise UsageError(f"{path} holds no {name} of CURVE: 40 characters of Z85", hint=_HINT)
    return found[1].encode()


def _read_keys(path: str) -> list[bytes]:
    content = _read_file(path)
    found = re.findall(_NAMED.format("public-key", _Z85), content, re.MULTILINE) or _LONE.findall(content)
    if not found:
        raise UsageError(f"{path} holds no public key of CURVE: 40 characters of Z85 a line", hint=_HINT)
    return [key.encode() for key in found]


def _read_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(1 << 20)
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{path}: {getattr(exc, 'strerror', None) or 'no text file'}") from exc
