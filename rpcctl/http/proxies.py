"""Which proxy the environment names for a server, by curl's variables; never one for this machine itself."""

from collections.abc import Mapping
from typing import NamedTuple

from rpcctl.errors import UsageError


class Proxy(NamedTuple):
    """An HTTP proxy."""

    host: str
    port: int
    user: str = ""
    password: str = ""

    def __str__(self) -> str:
        """Without its password."""
        return f"the proxy {self.host}:{self.port}"


def find_proxy(scheme: str, host: str, port: int, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy for `http` or `https` to that host; UsageError when what is named cannot be used."""
    if host in ("localhost", "::1") or host.startswith("127.") or _is_exempt(host, port, environ):
        return None
    # HTTP_PROXY in capitals is not read: in a CGI script a client of the web server sets it.
    names = ["http_proxy"] if scheme == "http" else ["https_proxy", "HTTPS_PROXY"]
    for name in (*names, "all_proxy", "ALL_PROXY"):
        if environ.get(name):
            return _parse(name, environ[name])
    return None


def _is_exempt(host: str, port: int, environ: Mapping[str, str]) -> bool:
    name = host.lower().rstrip(".")
    for entry in (environ.get("no_proxy") or environ.get("NO_PROXY") or "").replace(",", " ").split():
        entry, _, only = entry.lower().rpartition(":") if _has_port(entry) else (entry.lower(), "", "")
        if only and only != str(port):
            continue
        if (
            entry == "*"
            or name == entry.lstrip(".")
            or name.endswith("." + entry.lstrip("."))
            or _is_within(name, entry)
        ):
            return True
    return False


def _has_port(entry: str) -> bool:
    host, colon, port = entry.rpartition(":")
    return bool(colon) and port.isdecimal() and ":" not in host


def _is_within(host: str, entry: str) -> bool:
    if "/" not in entry:
        return False
    import ipaddress

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _parse(name: str, text: str) -> Proxy:
    from urllib.parse import unquote, urlsplit

    found = urlsplit(text if "://" in text else f"http://{text}")
    try:
        host, port = found.hostname, found.port or 1080
    except ValueError:
        host, port = None, 0
    if found.scheme != "http" or not host:
        raise UsageError(f"{name} names no proxy of the kind http://HOST:PORT", hint=f"unset {name}, or set no_proxy")
    return Proxy(host, port, unquote(found.username or ""), unquote(found.password or ""))
