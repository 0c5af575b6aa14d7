"""Where a server is: `protocol+transport://user:password@host:port/path?option=1` to an `Address`, and back the same.

    tcp://127.0.0.1:4242      ipc:///run/calc.sock      py:math      :4242      [::1]:4242

Which protocol a scheme means is not known here: a resolver is handed in. The password is kept out of every text form.
"""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from rpcctl.errors import AddressError

LOOPBACK = "127.0.0.1"
_SCHEME_SIGNS = str.maketrans("", "", "+.-_")
_HOST = "abcdefghijklmnopqrstuvwxyz0123456789-_."
_SECRET_OPTIONS = ("password", "token", "secret", "authkey")


class Transport(NamedTuple):
    """One way in which a protocol moves its bytes."""

    name: str
    """As in `protocol+NAME://`."""
    kind: str = "host"
    """What follows: `host` (host:port and path), `path` (a file's path) or `text` (`scheme:anything`)."""
    default: str = ""
    """The address used when none is given, complete; empty when there is none."""
    short: bool = False
    """Whether `NAME://` alone means its protocol."""
    port: int = 0
    """The port meant over this transport when an address names none; 0 for the protocol's own."""
    reader: str = ""
    """For kind `text`: `package.module:function` that takes a Scheme and the text after `NAME:`, and gives an Address
    of that kind, with host and port where the text has them; without it the text is kept unread."""
    several: bool = False
    """Whether an address may name further places, tried in turn: `HOST:PORT,HOST:PORT`."""


class Scheme(NamedTuple):
    """What the part before `://` means."""

    name: str
    """As it is printed back."""
    protocol: str
    transport: Transport
    port: int
    """The port meant when an address names none; 0 when it must name one."""


def join_place(host: str, port: int) -> str:
    """`host:port`, a numeric IPv6 host in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


Resolve = Callable[[str], Scheme]
"""A scheme as typed (empty for a bare `host:port`) to its meaning; raises AddressError."""


class Address(NamedTuple):
    """A parsed address; `str` gives it back as typed, the password masked."""

    protocol: str
    transport: str
    scheme: str
    """The part before `://` as typed, or the short form when none was."""
    kind: str = "host"
    host: str = ""
    """Without the brackets of a numeric IPv6 address; `*` means every interface."""
    port: int = 0
    path: str = ""
    """As typed after the port; the file's path; or the text after the scheme."""
    user: str = ""
    password: str = ""
    options: tuple[tuple[str, str], ...] = ()
    others: tuple[tuple[str, int], ...] = ()
    """Hosts and ports of the further places, where the transport has several."""

    def __str__(self) -> str:
        """The address as typed, with `***` in place of secrets."""
        return self._text(mask=True)

    def __repr__(self) -> str:
        """As `str`: a password must not show in a traceback either."""
        return f"<Address {self}>"

    def location(self) -> str:
        """`host:port`, IPv6 in brackets, or the path: what a socket is told."""
        return join_place(self.host, self.port) if self.kind == "host" else self.path

    def with_port(self, port: int) -> "Address":
        """The same with the real port in place of 0."""
        return self._replace(port=port)

    def is_loopback(self) -> bool:
        """Whether only this machine can reach it: loopback hosts, or none, as with a path."""
        return all(map(_is_loopback, (self.host, *(host for host, _ in self.others))))

    def _text(self, *, mask: bool) -> str:
        query = "&".join(f"{name}={_shown(name, value) if mask else _quote(value)}" for name, value in self.options)
        query = f"?{query}" if query else ""
        if self.kind == "text":
            return f"{self.scheme}:{self.path}{query}"
        login = ""
        if self.user or self.password:
            password = "***" if mask else _quote(self.password)
            login = _quote(self.user) + (f":{password}" if self.password else "") + "@"
        place = ",".join((self.location(), *(join_place(*each) for each in self.others)))
        place += self.path if self.kind == "host" else ""
        return f"{self.scheme}://{login}{place}{query}"


def parse(text: str, resolve: Resolve) -> Address:
    """Read an address in any of its forms; AddressError names the part at fault."""
    if not text or text != text.strip() or not text.isprintable():
        raise AddressError(
            f"{text!r} is not an address: empty, or with blanks around it",
            hint="rpcctl protocols shows one of each form",
        )
    if text.startswith("@"):
        raise AddressError(
            f"there is no saved profile {text[1:]!r}", hint="give the whole address, as tcp://127.0.0.1:4242"
        )
    scheme, slashes, rest = text.partition("://")
    if slashes and _is_scheme(scheme):
        return _parse_url(text, resolve(scheme), rest)
    if bare := _parse_bare(text, resolve):
        return bare
    scheme, colon, rest = text.partition(":")
    if colon and _is_scheme(scheme):
        return _parse_text(text, resolve(scheme), rest)
    name = resolve("").name
    hint = f":{text}" if text.isdecimal() else f"{name}://{text}, or {text}:PORT"
    raise AddressError(f"{text!r} is not an address: no port and no scheme", hint=hint)


def _parse_bare(text: str, resolve: Resolve) -> Address | None:
    """`:4242` or `host:4242`, with options or without; None when it is neither."""
    place, _, query = text.partition("?")
    host, colon, port = place.rpartition(":")
    if not colon or (port and not port.isdecimal()) or (":" in host and not host.startswith("[")):
        return None
    if not port and _is_scheme(host):
        return None
    scheme = resolve("")
    if scheme.transport.kind != "host":
        raise AddressError(
            f"{text!r} is no {scheme.protocol} address", hint=f"{scheme.name}:TARGET, or leave out --proto"
        )
    return _build(text, scheme, host, port, "", "", parse_query(text, query))


def _is_loopback(host: str) -> bool:
    if host in ("", "localhost", "::1"):
        return True
    return host.startswith("127.") and host.replace(".", "").isdigit()


def _is_scheme(text: str) -> bool:
    return text[:1].isalpha() and text.isascii() and text.translate(_SCHEME_SIGNS).isalnum()


def _parse_text(text: str, scheme: Scheme, rest: str) -> Address:
    if scheme.transport.kind == "text":
        if scheme.transport.reader:
            module, _, name = scheme.transport.reader.partition(":")
            read: Address = getattr(import_module(module), name)(scheme, rest)
            return read
        if not rest:
            raise AddressError(f"{text!r} names no target", hint=f"{scheme.name}:TARGET, as {scheme.name}:math")
        return Address(scheme.protocol, scheme.transport.name, scheme.name, "text", path=rest)
    raise AddressError(
        f"{text!r} is not an address: // is missing after the scheme", hint=f"{scheme.name}://{rest.lstrip('/')}"
    )


def _parse_url(text: str, scheme: Scheme, rest: str) -> Address:
    if scheme.transport.kind == "text":
        return _parse_text(text, scheme, rest)
    place, _, query = rest.partition("?")
    options = parse_query(text, query)
    if scheme.transport.kind == "path":
        if not place:
            raise AddressError(f"{text!r} names no path", hint=f"{scheme.name}:///run/NAME.sock")
        path = _unquote(place)
        return Address(scheme.protocol, scheme.transport.name, scheme.name, "path", path=path, options=options)
    authority, slash, path = place.partition("/")
    if scheme.transport.several and "," in authority:
        return _parse_several(text, scheme, authority.split(","), slash + path, options)
    login, _, location = authority.rpartition("@")
    found = split_place(location)
    if found is None:
        raise AddressError(
            f"{masked(text)!r} is not an address: {location!r} is not HOST:PORT",
            hint=f"{scheme.name}://HOST:PORT, an IPv6 host in [brackets]",
        )
    return _build(text, scheme, *found, login, slash + path, options)


def _parse_several(
    text: str, scheme: Scheme, places: list[str], path: str, options: tuple[tuple[str, str], ...]
) -> Address:
    """`USER:PASSWORD@HOST:PORT,HOST:PORT`, the login repeated or not."""
    first, *others = (_parse_url(text, scheme, place) for place in places)
    login = (first.user, first.password)
    for each in others:
        if (each.user, each.password) not in (("", ""), login):
            raise AddressError(
                f"{masked(text)!r} is not an address: its hosts have different users",
                hint=f"one login, before the first host: {scheme.name}://USER:PASSWORD@HOST,HOST",
            )
    return first._replace(path=path, options=options, others=tuple((each.host, each.port) for each in others))


def split_place(location: str) -> tuple[str, str] | None:
    """Host, still in its brackets, and port as text; None when a bracket is not closed or something else follows it."""
    if not location.startswith("["):
        host, _, port = location.partition(":")
        return host, port
    host, bracket, rest = location.partition("]")
    return (host + bracket, rest[1:]) if bracket and rest[:1] in ("", ":") else None


def _build(
    text: str, scheme: Scheme, host: str, port: str, login: str, path: str, options: tuple[tuple[str, str], ...]
) -> Address:
    user, _, password = login.partition(":")
    return Address(
        scheme.protocol,
        scheme.transport.name,
        scheme.name,
        "host",
        check_host(text, host),
        check_port(text, scheme, port),
        path,
        _unquote(user),
        _unquote(password),
        options,
    )


def check_host(text: str, host: str) -> str:
    """The host without its brackets, loopback for none; AddressError names the address, `text`."""
    if not host:
        return LOOPBACK
    if host.startswith("["):
        return _check_ipv6(text, host[1:-1])
    if host == "*" or (".." not in host and host[0] not in ".-" and host[-1] != "-" and not host.lower().strip(_HOST)):
        return host
    try:
        host.encode("idna")
    except UnicodeError:
        raise AddressError(f"{masked(text)!r} is not an address: {host!r} is no host name") from None
    if host.isascii():
        raise AddressError(f"{masked(text)!r} is not an address: {host!r} is no host name")
    return host


def _check_ipv6(text: str, host: str) -> str:
    import socket

    try:
        socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    except OSError:
        raise AddressError(
            f"{masked(text)!r} is not an address: {host!r} in brackets is no IPv6 address",
            hint="as in tcp://[::1]:4242",
        ) from None
    return host


def check_port(text: str, scheme: Scheme, port: str) -> int:
    """The port as a number, the scheme's for none; AddressError when there is none, or it is no port."""
    if not port:
        if scheme.port:
            return scheme.port
        raise AddressError(f"{masked(text)!r} names no port", hint=f"{scheme.name}://HOST:PORT")
    if not (port.isascii() and port.isdigit()) or int(port[:6]) > 65535 or len(port) > 5:
        raise AddressError(f"{masked(text)!r} is not an address: port {port!r} is not a number from 0 to 65535")
    return int(port)


def parse_query(text: str, query: str) -> tuple[tuple[str, str], ...]:
    """`OPTION=VALUE&…` as pairs; AddressError names the address, `text`."""
    options = []
    for part in query.split("&") if query else ():
        name, equals, value = part.partition("=")
        if not name or not equals:
            raise AddressError(f"{masked(text)!r} is not an address: {part!r} after the ? is not OPTION=VALUE")
        options.append((_unquote(name), _unquote(value)))
    return tuple(options)


def masked(text: str) -> str:
    """An address that may be malformed, without the password in it: for error messages."""
    scheme, slashes, rest = text.partition("://")
    authority = rest.partition("/")[0].partition("?")[0]
    login, at, _ = authority.rpartition("@")
    if not at or ":" not in login:
        return text
    return f"{scheme}{slashes}{login.partition(':')[0]}:***{rest[len(login) :]}"


def _shown(name: str, value: str) -> str:
    return "***" if name in _SECRET_OPTIONS else _quote(value)


def _quote(text: str) -> str:
    if text.isalnum() and text.isascii():
        return text
    from urllib.parse import quote

    return quote(text, safe="/:,*@-._~[]")


def _unquote(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)
