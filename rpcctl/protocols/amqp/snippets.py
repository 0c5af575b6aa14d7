"""A call for people without rpcctl: a script for oslo.messaging's own Python library."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from rpcctl.address import Address, join_place
from rpcctl.errors import UsageError
from rpcctl.interfaces import Settings
from rpcctl.messages import Request

from .codec import monitor_of
from .dialects import Route
from .oslo import EXCHANGE
from .place import GUEST
from .spelling import read_context

_CALL = """\
{imports}import oslo_messaging
from oslo_config import cfg

{password}cfg.CONF([], project="call")
transport = oslo_messaging.get_rpc_transport(cfg.CONF, url={url})
target = oslo_messaging.Target({target})
client = oslo_messaging.get_rpc_client(transport, target{options})
{call}
transport.cleanup()
"""
_READ = "with open({path!r}) as file:\n    password = quote(file.read().rstrip(), safe='')\n"
_ASK = "password = quote(getpass.getpass(), safe='')\n"
_TLS = {"cacert": "ssl_ca_file", "cert": "ssl_cert_file", "key": "ssl_key_file"}


def write_python(at: Address, request: Request, settings: Settings) -> str:
    """A script that prints the result; UsageError for what oslo.messaging does not speak.

    A password is asked for, or read from its file; guest's, which everybody knows, is written.
    """
    options = settings.options
    if (options.get("dialect") or "oslo") != "oslo" or at.transport not in ("amqp", "amqps"):
        raise UsageError("--as python is for oslo.messaging", hint="dialect=oslo, and an address of amqp or amqps")
    path = options.get("password-file")
    asked = bool(path or (at.password and at.password != GUEST))
    context = {**read_context(options), **request.context}
    words = [repr(context), repr(request.method), *([f"**{dict(request.kwargs)!r}"] if request.kwargs else [])]
    said = f"client.{'cast' if request.oneway else 'call'}({', '.join(words)})"
    return _CALL.format(
        imports=("" if path or not asked else "import getpass\n") + ("from urllib.parse import quote\n\n" * asked),
        password=(_READ.format(path=path) if path else _ASK) + "\n" if asked else "",
        url=_write_url(at, options, asked=asked),
        target=_write_target(at, request, options),
        options=_write_options(request, options),
        call=said if request.oneway else f"print({said})",
    )


def _write_url(at: Address, options: Mapping[str, Any], *, asked: bool) -> str:
    """The URL as source text, with the place of a password that is asked for."""
    user = quote(at.user or GUEST, safe="")
    places = ((at.host, at.port), *at.others)
    login = f"{user}:{{password}}@" if asked else f"{user}:{quote(at.password or GUEST, safe='')}@"
    query = {"ssl": "true"} if at.transport == "amqps" else {}
    query |= {name: options[own] for own, name in _TLS.items() if options.get(own) and query}
    text = ",".join(login + join_place(*each) for each in places) + (quote(at.path, safe="/%") or "/")
    text = f"rabbit://{text}" + (f"?{urlencode(query)}" if query else "")
    return f"{'f' if asked else ''}{text!r}"


def _write_target(at: Address, request: Request, options: Mapping[str, Any]) -> str:
    route = Route(at, options)
    found = {
        "exchange": route.exchange or EXCHANGE,
        "topic": route.topic,
        "server": route.server,
        "fanout": request.fanout,
        "namespace": options.get("namespace"),
        "version": options.get("version"),
    }
    return ", ".join(f"{name}={value!r}" for name, value in found.items() if value)


def _write_options(request: Request, options: Mapping[str, Any]) -> str:
    left = request.deadline.remaining()
    monitor = monitor_of(options)
    text = "" if left is None else f", timeout={round(left, 1):g}"
    return text + ("" if monitor is None else f", call_monitor_timeout={int(monitor)}")
