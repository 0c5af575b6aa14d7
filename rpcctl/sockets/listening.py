"""Listening sockets: TCP, and Unix sockets that only their owner can connect to. Knows no protocol."""

import errno
import os
import socket
import stat
import sys
from typing import Any

from rpcctl.address import Address
from rpcctl.errors import AddressError, ConnectError, ResolveError, RpcctlError

_BACKLOG = 2048
SPARE = 64
"""Files that the program needs beside its connections."""
Place = tuple[Any, ...]
"""What two servers share when they are bound to the same address: host and port as numbers, or a path."""


def place_of(at: Address) -> Place:
    """The address as the system knows it; ResolveError when its host has no number."""
    if at.kind == "path":
        return (os.path.abspath(at.path),)
    if at.host == "*":
        return ("0.0.0.0", at.port)
    try:
        found = socket.getaddrinfo(at.host, at.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as exc:
        raise ResolveError(f"{at.host}: {getattr(exc, 'strerror', None) or 'name not found'}") from exc
    return tuple(found[0][4])


def listen(at: Address, place: Place) -> socket.socket:
    """A socket that listens there; ConnectError when the address is taken, AddressError when it is none of ours."""
    try:
        listener = _listen_unix(at, place[0]) if len(place) == 1 else _listen_tcp(place)
    except OSError as exc:
        raise _bind_error(at, exc) from exc
    listener.setblocking(False)
    return listener


def name_peer(peer: Any) -> str:
    """What a socket's `accept` gave, as `host:port` or `local`."""
    if not isinstance(peer, tuple) or len(peer) < 2:
        return "local"
    host = f"[{peer[0]}]" if ":" in peer[0] else peer[0]
    return f"{host}:{peer[1]}"


def unlink(path: str, inode: int) -> None:
    """Remove a socket's file, unless another server has put its own there."""
    try:
        if os.stat(path).st_ino == inode:
            os.unlink(path)
    except OSError:
        pass  # It is gone already.


def allow_connections(wanted: int) -> int:
    """Let this process hold that many connections, as far as the system does; how many it can hold."""
    if sys.platform == "win32":
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    need = wanted + SPARE
    if soft != resource.RLIM_INFINITY and soft < need:
        raised = need if hard == resource.RLIM_INFINITY else min(need, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
        except (OSError, ValueError):
            pass  # Then it is as many as before.
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft - SPARE))


def _listen_tcp(place: Place) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in place[0] else socket.AF_INET)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _listen_unix(at: Address, path: str) -> socket.socket:
    _remove_stale(at, path)
    listener = socket.socket(socket.AF_UNIX)
    # Not changed afterwards: it must not be open to others for a moment either.
    before = os.umask(0o177)
    try:
        listener.bind(path)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
    listener.listen(_BACKLOG)
    return listener


def _remove_stale(at: Address, path: str) -> None:
    """Remove what a server left behind that was killed; ConnectError when it is anything else."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise ConnectError(f"{at} is in the way: a file that is no socket", hint="another path")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except OSError:
            pass  # Somebody is there, too busy to answer.
    raise ConnectError(f"{at} is in use", hint="another path")


def _bind_error(at: Address, exc: OSError) -> RpcctlError:
    if exc.errno == errno.EADDRINUSE:
        return ConnectError(f"{at} is in use", hint="another port, or port 0 for a free one")
    if exc.errno in (errno.EADDRNOTAVAIL, errno.ENODEV):
        return AddressError(f"{at} is no address of this machine", hint="127.0.0.1, or * for all of its addresses")
    return ConnectError(f"{at} cannot be bound: {exc.strerror or exc}")
