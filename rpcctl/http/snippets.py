"""A call over HTTP as text that others can run: a curl command, and the parts of a Python script that are HTTP's.

Where a login is, is written; what it is, never. Pure: addresses, options and bodies in, text out.
"""

import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from rpcctl.address import Address
from rpcctl.errors import UsageError
from rpcctl.interfaces import Settings
from rpcctl.messages import Request

from .heads import hide_secret, read_header, target_of


class Login(NamedTuple):
    """Where a login is found."""

    kind: str
    """`bearer` or `basic`."""
    way: str
    """`file`, `env`, or `ask` for a password that is typed."""
    place: str
    """The path, the variable, or the user's name."""


class Script(NamedTuple):
    """What a Python script needs to reach the server."""

    imports: tuple[str, ...]
    setup: str
    """Lines that make `context` and `login`, where they are needed."""
    context: str
    """`context`, or empty when the address is not encrypted."""
    headers: str
    """The source of a map of headers."""


def write_curl(at: Address, request: Request, settings: Settings, path: str, body: bytes, content_type: str) -> str:
    """A command for a shell; `path` is used when the address names none."""
    headers = {"Content-Type": content_type, **_shown_headers(settings.options)}
    words = ["curl", "-sS", *_write_times(request, settings)]
    words += [word for name, value in headers.items() for word in ("-H", f"{name}: {value}".rstrip())]
    words += _write_tls(settings.options)
    if at.kind == "path":
        words += ["--unix-socket", at.path]
    words += ["--data-binary", body.decode(), target_of(at, settings.options.get("path"), path).url()]
    return f"{shlex.join(words[:1])} {_write_login(at, settings.options)}{shlex.join(words[1:])}\n"


def write_script(at: Address, settings: Settings, headers: Mapping[str, str] = {}) -> Script:
    """The parts of a script that calls this address; UsageError for a Unix socket, which Python's clients have not.

    Of `headers` those are taken over that are not given by an option.
    """
    if at.kind == "path":
        raise UsageError("Python's own clients of HTTP know no Unix sockets", hint="--as curl does")
    imports, setup = set[str](), ""
    login = find_login(at, settings.options)
    given = {**headers, **_shown_headers(settings.options)}
    source = "".join(f"{name!r}: {value!r}, " for name, value in given.items() if value)
    if login is not None:
        found, setup = _LOGINS[login.way](login)
        imports |= set(found)
        source += "'Authorization': login, "
    if at.transport == "https":
        imports.add("ssl")
        setup += _write_context(settings.options)
    context = "context" if at.transport == "https" else ""
    return Script(tuple(sorted(imports)), setup, context, f"{{{source.rstrip(', ')}}}")


def url_of(at: Address, settings: Settings, path: str) -> str:
    """The URL that is asked for."""
    return target_of(at, settings.options.get("path"), path).url()


def seconds_of(request: Request) -> str:
    """The time that the request has, in seconds, or nothing when it has no end."""
    left = request.deadline.remaining()
    return "" if left is None else f"{round(left, 1):g}"


def find_login(at: Address, options: Mapping[str, Any]) -> Login | None:
    """The login that the options or the address ask for; UsageError for one that is not HTTP's."""
    if options.get("auth"):
        kind, _, source = options["auth"].partition(":")
        way, _, place = source.partition(":")
        if kind not in ("bearer", "basic") or way not in ("file", "env"):
            raise UsageError("--as can write only a login of HTTP's own", hint="--auth bearer:… or basic:…")
        return Login(kind, way, place)
    user = (options.get("user") or "").partition(":")[0] or at.user
    return Login("basic", "ask", user) if user else None


def _write_times(request: Request, settings: Settings) -> list[str]:
    words = [] if settings.connect_timeout is None else ["--connect-timeout", f"{settings.connect_timeout:g}"]
    return words + (["--max-time", seconds_of(request)] if seconds_of(request) else [])


def _shown_headers(options: Mapping[str, Any]) -> dict[str, str]:
    """Those given, what may be secret left out."""
    found = (hide_secret(read_header(each)) for each in options.get("header") or ())
    return {name.title(): value for name, value in found}


def _write_tls(options: Mapping[str, Any]) -> list[str]:
    words = [word for name in ("cacert", "cert", "key") if options.get(name) for word in (f"--{name}", options[name])]
    flags = {"insecure": "--insecure", "location": "--location", "netrc": "--netrc"}
    return words + [flag for name, flag in flags.items() if options.get(name)]


def _write_login(at: Address, options: Mapping[str, Any]) -> str:
    """The words for a login, ready for the shell, which fills in the secret."""
    login = find_login(at, options)
    if login is None:
        return ""
    if login.way == "ask":
        return f"-u {shlex.quote(login.place)} "
    read = "head -n 1 --" if login.way == "file" else "printenv"
    secret = f"$({read} {shlex.quote(login.place)})"
    return f'-H "Authorization: Bearer {secret}" ' if login.kind == "bearer" else f'-u "{secret}" '


def _write_context(options: Mapping[str, Any]) -> str:
    cacert = f"cafile={options['cacert']!r}" if options.get("cacert") else ""
    lines = [f"context = ssl.create_default_context({cacert})"]
    if options.get("cert"):
        key = f", {options['key']!r}" if options.get("key") else ""
        lines.append(f"context.load_cert_chain({options['cert']!r}{key})")
    if options.get("insecure"):
        lines += ["context.check_hostname = False", "context.verify_mode = ssl.CERT_NONE"]
    return "".join(f"{line}\n" for line in lines)


def _from_file(login: Login) -> tuple[list[str], str]:
    setup = f"with open({login.place!r}) as file:\n    secret = file.readline().strip()\n"
    return _encoded(login, setup, [])


def _from_variable(login: Login) -> tuple[list[str], str]:
    return _encoded(login, f"secret = os.environ[{login.place!r}]\n", ["os"])


def _from_person(login: Login) -> tuple[list[str], str]:
    return _encoded(login, f"secret = {login.place + ':'!r} + getpass.getpass()\n", ["getpass"])


def _encoded(login: Login, setup: str, imports: list[str]) -> tuple[list[str], str]:
    if login.kind == "bearer":
        return imports, f'{setup}login = "Bearer " + secret\n'
    return [*imports, "base64"], f'{setup}login = "Basic " + base64.b64encode(secret.encode()).decode()\n'


_LOGINS = {"file": _from_file, "env": _from_variable, "ask": _from_person}
