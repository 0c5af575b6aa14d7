"""Pyro's own spelling of addresses, and which object of which server an address means. Pure.

    PYRO:object@host:port      PYRO:object@./u:/path/of/socket      PYRO:object@[::1]:port
    PYRONAME:name[@host[:port]]      PYROMETA:tag,tag[@host[:port]]      looked up at a name server
    pyro+tcp://host:port/object      pyro+unix:///path#object            the same as URLs

By the class URI of Pyro5 5.17's core.py. The first @ ends an object; what follows a ? are our options.
"""

from typing import NamedTuple

from rpcctl.address import LOOPBACK, Address, Scheme, check_host, check_port, join_place, parse_query, split_place
from rpcctl.errors import AddressError

NAME_SERVER_PORT = 9090
_SOCKET = "./u:"
_DIRECT = "pyro"
_EXAMPLES = {"pyro": "PYRO:OBJECT@HOST:PORT", "pyroname": "PYRONAME:NAME[@HOST[:PORT]]", "pyrometa": "PYROMETA:TAG,TAG"}


class Place(NamedTuple):
    """An object of a server; or what is to be looked up at a name server."""

    at: Address
    """Where to connect to, by host and port or by path, and nothing more in it."""
    object: str = ""
    """Empty when the address names none."""
    lookup: str = ""
    """`pyroname` or `pyrometa` when `at` is a name server that knows where the object of that name, or tags, is."""


def read(scheme: Scheme, text: str) -> Address:
    """What follows `PYRO:`, `PYRONAME:` or `PYROMETA:` as an Address; AddressError names the part at fault."""
    whole, kind = f"{scheme.name}:{text}", scheme.transport.name
    name, at, location = text.partition("@")
    if not name or any(each.isspace() for each in name):
        raise AddressError(f"{whole!r} names no object", hint=_EXAMPLES[kind])
    location, _, query = location.partition("?")
    host, port = _read_location(whole, scheme, location)
    path = f"{name}@{location}" if at else name
    return Address(scheme.protocol, kind, scheme.name, "text", host, port, path, options=parse_query(whole, query))


def place_of(address: Address) -> Place:
    """What an address of any form means."""
    own = address._replace(options=())
    if address.kind == "path":
        path, _, name = address.path.partition("#")
        return Place(own._replace(path=path), name)
    if address.kind == "host":
        return Place(own._replace(path=""), _unquote(address.path[1:]))
    name, _, location = address.path.partition("@")
    at = place_at(address.protocol, address.host, address.port, location.removeprefix(_SOCKET))
    return Place(at, name, "" if address.transport == _DIRECT else address.transport)


def place_at(protocol: str, host: str, port: int, path: str = "") -> Address:
    """A host and port to connect to; without a host, a path."""
    if host:
        return Address(protocol, "tcp", f"{protocol}+tcp", "host", host, port)
    return Address(protocol, "unix", f"{protocol}+unix", "path", path=path)


def spell(at: Address, name: str, options: tuple[tuple[str, str], ...] = ()) -> Address:
    """The address of an object at that place: in Pyro's own spelling where that says all, else as a URL."""
    if at.transport == "tls":
        return at._replace(path=f"/{_quote(name)}", options=options)
    if at.kind == "path" and (":" in at.path or "?" in at.path):
        return at._replace(path=f"{at.path}#{name}", options=options)
    location = join_place(at.host, at.port) if at.kind == "host" else _SOCKET + at.path
    return Address(
        at.protocol, _DIRECT, _DIRECT.upper(), "text", at.host, at.port, f"{name}@{location}", options=options
    )


def _read_location(whole: str, scheme: Scheme, location: str) -> tuple[str, int]:
    """Host and port; no host for a Unix socket."""
    if location.startswith(_SOCKET):
        path = location.removeprefix(_SOCKET)
        if not path or ":" in path:
            raise AddressError(f"{whole!r}: {path!r} is no path of a socket: it is empty, or has a colon")
        return "", 0
    direct = scheme.transport.name == _DIRECT
    if not location and direct:
        raise AddressError(f"{whole!r} says not where the object is", hint=_EXAMPLES[_DIRECT])
    found = split_place(location)
    if found is None:
        raise AddressError(f"{whole!r}: {location!r} is not HOST:PORT", hint=_EXAMPLES[scheme.transport.name])
    if direct and not found[1]:
        raise AddressError(f"{whole!r} names no port", hint=_EXAMPLES[_DIRECT])
    port = check_port(whole, scheme._replace(port=0 if direct else NAME_SERVER_PORT), found[1])
    return check_host(whole, found[0]) if location else LOOPBACK, port


def _quote(name: str) -> str:
    if name.isidentifier() and name.isascii():
        return name
    from urllib.parse import quote

    return quote(name, safe="@:,")


def _unquote(name: str) -> str:
    if "%" not in name:
        return name
    from urllib.parse import unquote

    return unquote(name)
