"""The head of a client's request, and where a redirect leads. Pure: addresses and options in, text out."""

from typing import Any, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from rpcctl.address import Address, masked
from rpcctl.errors import RemoteProtocolError, UsageError

_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_SAFE = "/%:@!$&'()*+,;=~?"
_PORTS = {"http": 80, "https": 443}
_SHOWN = 200
_SECRET_NAMES = ("auth", "cookie", "credential", "key", "pass", "secret", "session", "sign", "token")
MASKED = "***"
"""What stands for a secret that is not shown."""
Header = tuple[str, str]


class Target(NamedTuple):
    """Where requests go at the moment."""

    at: Address
    path: str

    def is_beside(self, other: Address) -> bool:
        """Whether it is the same server: what is meant for one is shown to no other."""
        at = self.at
        return (at.transport, at.host, at.port, at.kind) == (other.transport, other.host, other.port, other.kind)

    def url(self) -> str:
        """As a proxy is asked for it."""
        return f"{'https' if self.at.transport == 'https' else 'http'}://{host_of(self.at)}{self.path}"


def target_of(at: Address, option: str | None, otherwise: str) -> Target:
    """The path that the address names; over a Unix socket the option does."""
    path = (option or "") if at.kind == "path" else at.path
    if path and not path.startswith("/"):
        path = f"/{path}"
    return Target(at, quote(path, safe=_SAFE) or otherwise)


def read_header(text: str) -> Header:
    """One -H as name and value; without a value the header is left out. UsageError when it is none."""
    name, colon, value = text.partition(":")
    if not colon or not name or not set(name) <= _TOKEN or not value.strip().isprintable():
        raise UsageError(f"--header {name[:40]!r}… is no header", hint="-H 'NAME: VALUE'")
    return name, value.strip()


def hide_secret(header: Header) -> Header:
    """The header as it may be shown: without its value, when its name says that this may be a secret."""
    name, value = header
    return (name, MASKED) if value and any(each in name.lower() for each in _SECRET_NAMES) else header


def host_of(at: Address) -> str:
    """The value of the Host header."""
    if at.kind == "path":
        return "localhost"
    host = at.host if at.host.isascii() else at.host.encode("idna").decode()
    location = at._replace(host=host).location()
    return location.rpartition(":")[0] if at.port == _PORTS.get(at.transport) else location


def write_head(target: Target, headers: tuple[Header, ...], length: int, *, whole: bool) -> str:
    """The request line and headers, of those with the same name the last one; `whole` for a proxy."""
    chosen: dict[str, Header] = {}
    for name, value in (("Host", host_of(target.at)), *headers, ("Content-Length", str(length))):
        chosen[name.lower()] = (name, value)
    lines = "".join(f"{name}: {value}\r\n" for name, value in chosen.values() if value)
    return f"POST {target.url() if whole else target.path} HTTP/1.1\r\n{lines}\r\n"


def redirect(target: Target, location: str) -> Target:
    """Where the Location header of a redirect leads; RemoteProtocolError when that is nowhere, or less safe."""
    where = urljoin(target.url(), location)
    found = urlsplit(where)
    shown = masked(where)[:_SHOWN]
    try:
        host, port = found.hostname, found.port
    except ValueError:
        host, port = None, None
    if found.scheme not in _PORTS or not host or not where.isprintable():
        raise RemoteProtocolError(f"{target.at} redirects to {shown!r}, which is no address")
    if found.scheme == "http" and target.at.transport == "https":
        raise RemoteProtocolError(f"{target.at} redirects to plain HTTP: {shown}", hint="http://, if that is meant")
    path = quote(found.path or "/", safe=_SAFE) + (f"?{quote(found.query, safe=_SAFE)}" if found.query else "")
    if target.at.kind == "path":
        return Target(target.at, path)
    changes: dict[str, Any] = {"transport": found.scheme, "scheme": found.scheme, "host": host, "path": path}
    return Target(target.at._replace(port=port or _PORTS[found.scheme], **changes), path)
