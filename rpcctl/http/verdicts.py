"""What a client's user is told: answers that no RPC server gives, and connections that failed, as errors of ours."""

from collections.abc import Mapping
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import Any, NamedTuple

from rpcctl.address import Address
from rpcctl.errors import (
    AuthError,
    ConnectionLostError,
    DeadlineError,
    RemoteProtocolError,
    RpcctlError,
    TLSError,
)
from rpcctl.sockets.looks import recognise, way_to

from .heads import Target
from .proxies import Proxy
from .tls import explain_tls
from .wire import refuses_certificate, speaks_tls

REDIRECTS = (301, 302, 307, 308)
_OTHER_REDIRECTS = (300, 303, 304, 305)
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body", b"<h1", b"<title")
_ALERT = b"\x15\x03"
"""How TLS begins an alert."""
_USUAL = ("/RPC2", "/jsonrpc")
"""Paths under which RPC servers answer, the commonest first."""
_SHOWN = 160


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in small letters; values of a name that came twice joined by commas."""
    body: bytes
    """Unpacked."""
    reason: str


def refusal(target: Target, answer: Answer) -> RpcctlError:
    """For an answer whose body is not the protocol's: its status, and its first line."""
    line = first_line(answer.body)
    told = f"{answer.status} {answer.reason}".strip() + (f": {line}" if line else ", and nothing else")
    hint = _other_path(target) if answer.status in (404, 405) else "-v shows the exchange"
    return RemoteProtocolError(f"{target.at} answered {told}", hint=hint)


def judge(target: Target, proxy: Proxy | None, answer: Answer) -> RpcctlError | None:
    """The error of an answer that is certainly no RPC server's; None for the protocol to look at."""
    at = target.at
    if answer.status in (401, 407):
        who = proxy if answer.status == 407 and proxy is not None else at
        return AuthError(
            f"{who} wants a login, or another one: {answer.status} {answer.reason}".rstrip(), hint=_login_hint(answer)
        )
    if answer.status in (*REDIRECTS, *_OTHER_REDIRECTS):
        return refusal(target, answer)
    # A 409 may be a challenge that the protocol meets.
    if answer.status != 409 and answer.body.lstrip()[:20].lower().startswith(_HTML):
        hint = f"{proxy} is in between" if proxy is not None else f"{_other_path(target)}; or is a proxy in between?"
        return RemoteProtocolError(
            f"{at} answered {answer.status} with a web page: {first_line(answer.body)}", hint=hint
        )
    return None


def _other_path(target: Target) -> str:
    """An address with a path under which servers answer calls, other than the one that was asked for."""
    at = target.at
    path = next(each for each in _USUAL if each != target.path.partition("?")[0])
    others = [(name, value) for name, value in at.options if name != "path"]
    options = (*others, ("path", path)) if at.kind == "path" else at.options
    return f"another path, as {at._replace(path=at.path if at.kind == 'path' else path, options=options)}"


def explain(
    at: Address, proxy: Proxy | None, options: Mapping[str, Any], exc: BaseException, *, first: bool
) -> RpcctlError:
    """Why there is no whole answer; `first` says that nothing was ever answered on this connection."""
    if isinstance(exc, TimeoutError):
        return DeadlineError(
            f"{at}: no reply within the time limit (--timeout)", hint="a longer --timeout, or --timeout off"
        )
    if type(exc).__module__ == "ssl":
        return explain_tls(at, exc)
    if isinstance(exc, HTTPException) and not isinstance(exc, (RemoteDisconnected, IncompleteRead)):
        return _explain_garbage(at, exc)
    found = _look_closer(at, options) if first and proxy is None and isinstance(exc, OSError) else None
    what = "in the middle of" if isinstance(exc, IncompleteRead) else "before"
    return found or ConnectionLostError(
        f"{at}: the connection was lost {what} the reply; the call may have run", hint="find out before calling again"
    )


def _look_closer(at: Address, options: Mapping[str, Any]) -> RpcctlError | None:
    """Whether a server that hung up at once was spoken to in the wrong way."""
    if at.transport == "http" and speaks_tls(at):
        return _tls_error(at)
    if at.transport == "https" and refuses_certificate(at, options):
        return TLSError(
            f"{at}: the server hung up for want of a certificate that it trusts", hint="--cert FILE --key FILE"
        )
    return None


def first_line(body: bytes) -> str:
    """The first line that says something, fit for a terminal."""
    text = body[:4096].decode("utf-8", "replace")
    line = next((each.strip() for each in text.splitlines() if each.strip()), "")
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in line)[:_SHOWN]


def _explain_garbage(at: Address, exc: BaseException) -> RpcctlError:
    data = str(getattr(exc, "line", exc)).encode("latin-1", "replace")
    if data.startswith(_ALERT) and at.transport == "http":
        return _tls_error(at)
    look = recognise(data)
    if look is not None:
        return RemoteProtocolError(
            f"{at} looks like {look.name}, and not like HTTP",
            hint=way_to(data, at),
        )
    return RemoteProtocolError(
        f"{at}: what answers there is not HTTP: {first_line(data)}",
        hint="another protocol? rpcctl protocols shows one of each",
    )


def _tls_error(at: Address) -> RpcctlError:
    return TLSError(f"{at}: the server speaks TLS, and was spoken to in plain HTTP", hint="https:// in the address")


def _login_hint(answer: Answer) -> str:
    asked = answer.headers.get("www-authenticate", "").lower()
    bearer = "bearer" in asked and "basic" not in asked
    return "--auth bearer:file:PATH" if bearer else "-u USER:PASSWORD, or --auth basic:file:PATH"
