"""Where a broker is and who asks: an Address and its options, read once."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from rpcctl.address import Address
from rpcctl.errors import InputError
from rpcctl.interfaces import Settings

GUEST = "guest"
"""User and password of a RabbitMQ that nobody has set up."""


class Login(NamedTuple):
    """Who asks for what; the password shows in no text form."""

    user: str
    password: str
    vhost: str

    def __repr__(self) -> str:
        """Without the password."""
        return f"<Login {self.user} {self.vhost}>"


class Place(NamedTuple):
    """A broker."""

    at: Address
    hosts: tuple[tuple[str, int], ...]
    """Tried in turn."""
    login: Login
    heartbeat: int
    """Seconds, 0 for none."""


def place_of(at: Address, settings: Settings) -> Place:
    """The broker that an address means; InputError when the file with its password cannot be read."""
    hosts = ((at.host, at.port), *at.others)
    beat = settings.options.get("heartbeat")
    # The broker counts whole seconds, and takes 0 for none.
    return Place(at, hosts, _login(at, settings.options), 0 if beat is None else max(1, round(beat)))


def _login(at: Address, options: Mapping[str, Any]) -> Login:
    path = options.get("password-file")
    password = _read_password(path) if path else at.password
    if not at.user and not path:
        return Login(GUEST, GUEST, _vhost(at.path))
    return Login(at.user or GUEST, password, _vhost(at.path))


def _vhost(path: str) -> str:
    """oslo.messaging and most others take no path and two slashes for the virtual host `/`."""
    from urllib.parse import unquote

    return unquote(path[1:]) or "/"


def _read_password(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{path}: {getattr(exc, 'strerror', None) or exc}") from exc
