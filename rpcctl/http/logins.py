"""Where a client's login comes from: --auth, --user, the address, ~/.netrc. Read for every connection, kept nowhere."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from rpcctl import secrets
from rpcctl.address import Address
from rpcctl.errors import InputError, UsageError

_HINT = "as bearer:file:PATH, bearer:env:NAME, basic:file:PATH or basic:cmd:COMMAND"


def read_secret(source: str) -> str:
    """The first line of what the place of a secret holds; UsageError when there is none, InputError for a file."""
    try:
        return secrets.read_secret(source, "--auth")
    except UsageError as exc:
        raise UsageError(exc.message, hint=_HINT) from None


def authorization(at: Address, options: Mapping[str, Any]) -> str | None:
    """The value of the header, or None."""
    if options.get("auth"):
        kind, _, source = options["auth"].partition(":")
        if kind not in ("bearer", "basic"):
            raise UsageError("--auth names no kind of login that is known here", hint=_HINT)
        secret = read_secret(source)
        return f"Bearer {secret}" if kind == "bearer" else basic(*_split(secret))
    if options.get("user"):
        user, colon, password = options["user"].partition(":")
        return basic(user, password if colon else _known(user, at) or _ask(user))
    if at.user or at.password:
        return basic(at.user, at.password)
    return _from_netrc(at.host) if options.get("netrc") else None


def basic(user: str, password: str) -> str:
    """As RFC 7617 writes name and password, in UTF-8."""
    from base64 import b64encode

    if ":" in user:
        raise UsageError(f"{user!r}: a name with a colon cannot be sent as basic login")
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _split(secret: str) -> tuple[str, str]:
    user, _, password = secret.partition(":")
    return user, password


def _known(user: str, at: Address) -> str:
    """The address's password, where it is nobody else's: --password puts it there."""
    return at.password or "" if not at.user or at.user == user else ""


def _ask(user: str) -> str:
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"--user {user}: no password, and no terminal to ask on", hint="--password file:PATH or env:NAME"
        )
    from getpass import getpass

    return getpass(f"password of {user}: ", sys.stderr)


def _from_netrc(host: str) -> str | None:
    from netrc import NetrcParseError, netrc

    path = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")
    try:
        found = netrc(path).authenticators(host)
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{path}: {getattr(exc, 'strerror', None) or 'no text file'}") from exc
    except NetrcParseError as exc:
        raise UsageError(f"{path}, line {exc.lineno}: {exc.msg}") from exc
    return basic(found[0], found[2] or "") if found else None
