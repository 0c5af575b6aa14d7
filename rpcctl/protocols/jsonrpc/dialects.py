"""How single servers depart from the specification in what they are sent: logins inside the message, ids. Pure.

zabbix:...  Zabbix up to 7.0: the member `auth` beside the others, except in the calls that refuse a login
aria2:...   aria2: the first argument is `token:SECRET`
ubus:...    OpenWrt: the first argument is the id of a session
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import count, repeat
from typing import Any, NamedTuple

from rpcctl.errors import UsageError
from rpcctl.messages import Request

_WITHOUT_LOGIN = ("apiinfo.version", "user.login", "user.checkAuthentication")


class Sent(NamedTuple):
    """A request as it goes out."""

    request: Request
    more: Mapping[str, Any] = {}
    """Members beside those of the specification."""


Dialect = Callable[[Request, str], Sent]
"""A request and the secret to what is sent."""


def dialect_of(auth: str | None) -> str:
    """The name of the dialect that `--auth NAME:file:PATH` asks for; empty when that is a login of HTTP's own."""
    name = (auth or "").partition(":")[0]
    return name if name in DIALECTS else ""


def ids(first: str | None) -> Iterator[Any]:
    """The ids of a client's calls: numbers from the first on, or always the same text; UsageError for an empty one."""
    if first == "":
        raise UsageError("--id is empty", hint="a number to count from, or a text")
    if first is None:
        return count(1)
    number = first.removeprefix("-")
    return count(int(first)) if number.isascii() and number.isdigit() and len(number) < 19 else repeat(first)


def _zabbix(request: Request, secret: str) -> Sent:
    return Sent(request, {} if request.method in _WITHOUT_LOGIN else {"auth": secret})


def _aria2(request: Request, secret: str) -> Sent:
    if request.method.startswith("system."):  # They need none, and take no argument that they do not know.
        return Sent(request)
    return Sent(request._replace(args=(f"token:{secret}", *request.args)))


def _ubus(request: Request, secret: str) -> Sent:
    return Sent(request._replace(args=(secret, *request.args)))


DIALECTS: Mapping[str, Dialect] = {"zabbix": _zabbix, "aria2": _aria2, "ubus": _ubus}
