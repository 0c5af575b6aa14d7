"""What a request's head must be like before its body is read. Pure: heads in, refusals out.

Web pages are kept out twice: a page that has its own name point at this machine (DNS rebinding) is told by the Host
header, any other one by Origin, which browsers send with every POST.
"""

from collections.abc import Mapping
from typing import NamedTuple

from .answers import Header, Reply, refuse

METHODS = "GET, HEAD, OPTIONS, POST"
_ENCODINGS = ("gzip", "x-gzip", "deflate", "identity", "")
_FOREIGN = ("multipart/", "image/", "audio/", "video/", "font/")
_HOUR = "3600"


class Policy(NamedTuple):
    """What a server asks of all requests."""

    hosts: frozenset[str] | None
    """Names under which it is known, in small letters; None for any."""
    origins: frozenset[str]
    """Origins of web pages that may call; `*` for any."""
    scheme: str
    max_body: int
    """Bytes, before and after decompression."""
    max_header: int
    """Bytes of the request line and all headers."""
    header_timeout: float
    body_timeout: float
    keep_alive: float
    """These three in seconds."""
    max_connections: int


class Head(NamedTuple):
    """A request without its body."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in small letters; values of a name that came twice joined by commas."""


def check(head: Head, policy: Policy, paths: frozenset[str]) -> Reply | None:
    """Why it is refused; None when it may go on."""
    return (
        _check_host(head.headers, policy)
        or _check_origin(head.headers, policy)
        or _check_method(head)
        or _check_path(head, paths)
        or (_check_body(head.headers, policy) if head.method == "POST" else None)
    )


def cors(headers: Mapping[str, str], policy: Policy) -> tuple[Header, ...]:
    """The headers that let a web page read the answer; none for what is no web page of another origin."""
    origin = headers.get("origin")
    if origin is None or not policy.origins:
        return ()
    allowed = "*" if "*" in policy.origins else origin
    return (("access-control-allow-origin", allowed), ("vary", "origin"))


def options(head: Head) -> Reply:
    """The answer to OPTIONS, a browser's question before a POST included."""
    headers: tuple[Header, ...] = (("allow", METHODS),)
    if "access-control-request-method" in head.headers:
        asked = head.headers.get("access-control-request-headers", "content-type")
        headers += (
            ("access-control-allow-methods", METHODS),
            ("access-control-allow-headers", asked if asked.isprintable() else "content-type"),
            ("access-control-max-age", _HOUR),
        )
    return Reply(204, headers=headers)


def _check_host(headers: Mapping[str, str], policy: Policy) -> Reply | None:
    host = headers.get("host")
    if policy.hosts is None or host is None:
        return None
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    if name.lower() in policy.hosts or _is_loopback(name):
        return None
    return refuse(403, f"{name[:200]!r} is no name of this server; --allow-host lets it be one")


def _is_loopback(name: str) -> bool:
    """Whether it is a number of this machine, which no name server can point elsewhere."""
    return name.startswith("127.") and name.replace(".", "").isdigit()


def _check_origin(headers: Mapping[str, str], policy: Policy) -> Reply | None:
    origin = headers.get("origin")
    if origin is None or "*" in policy.origins or origin in policy.origins:
        return None
    if origin == f"{policy.scheme}://{headers.get('host')}":
        return None
    return refuse(403, f"web pages of {origin[:200]!r} may not call this server; --cors lets them")


def _check_method(head: Head) -> Reply | None:
    if head.method in ("POST", "GET", "HEAD", "OPTIONS"):
        return None
    return refuse(405, f"{head.method} means nothing here; calls are POSTed", ("allow", METHODS))


def _check_path(head: Head, paths: frozenset[str]) -> Reply | None:
    if head.path in paths or head.method == "OPTIONS":
        return None
    known = ", ".join(sorted(paths)) or "nothing yet"
    return refuse(404, f"there is nothing at {head.path[:200]!r}; calls go to: {known}")


def _check_body(headers: Mapping[str, str], policy: Policy) -> Reply | None:
    length = headers.get("content-length")
    if length is None and "transfer-encoding" not in headers:
        return refuse(411, "the request has neither a Content-Length nor chunks")
    if length is not None and (len(length) > 18 or (length.isdecimal() and int(length) > policy.max_body)):
        return too_large(policy)
    if headers.get("content-encoding", "").lower() not in _ENCODINGS:
        return refuse(
            415, "of content encodings, gzip and deflate are known here", ("accept-encoding", "gzip, deflate")
        )
    if headers.get("content-type", "").lower().startswith(_FOREIGN):
        return refuse(415, "a call is neither a form with files nor a picture")
    if headers.get("expect", "100-continue").lower() != "100-continue":
        return refuse(417, "of expectations, 100-continue is known here")
    return None


def headers_too_large(policy: Policy) -> Reply:
    """For headers beyond the limit."""
    return refuse(431, f"the headers are larger than {policy.max_header} bytes, --max-header")


def too_large(policy: Policy) -> Reply:
    """For a body over the limit, declared or counted."""
    return refuse(413, f"the body is larger than {policy.max_body} bytes, --max-message")
