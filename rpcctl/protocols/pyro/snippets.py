"""A call of a Pyro object for people without rpcctl: a script for Pyro5's own library."""

from collections.abc import Mapping
from typing import Any

from rpcctl.address import Address
from rpcctl.errors import UsageError
from rpcctl.interfaces import Settings
from rpcctl.messages import Request

from .description import WHOLE
from .tokens import VARIABLE, has_token
from .uri import place_of, spell

_SCRIPT = """\
{imports}
import Pyro5.api
{config}
with Pyro5.api.Proxy({uri!r}) as server:
{setup}    result = getattr(server, {method!r})({words})
{end}"""
_PRINT = """\
    if hasattr(result, "__next__"):
        for item in result:
            print(item)
    else:
        print(result)
"""


def write_python(at: Address, request: Request, settings: Settings) -> str:
    """A script that prints what the method returns, or each item; the token is taken from where it is."""
    options = settings.options
    place = place_of(at)
    if place.at.transport == "tls":
        raise UsageError("--as python has no form for tls", hint="leave out --as python")
    uri = at._replace(options=()) if place.lookup else spell(place.at, place.object or WHOLE)
    token = _token(options)
    named = [f"**{dict(request.kwargs)!r}"] if request.kwargs else []
    return _SCRIPT.format(
        imports="import os\n" if token.startswith("os.") else "",
        config=_config(options),
        uri=str(uri),
        setup="".join(f"    {line}\n" for line in _setup(request, token)),
        method=request.method,
        words=", ".join([*map(repr, request.args), *named]),
        end="" if request.oneway else _PRINT,
    ).lstrip()


def _token(options: Mapping[str, Any]) -> str:
    """The expression that has the token; empty when none is shown."""
    if options.get("token-file"):
        return f"open({options['token-file']!r}).readline().strip()"
    return f"os.environ[{VARIABLE!r}]" if has_token() else ""


def _config(options: Mapping[str, Any]) -> str:
    lines = []
    if options.get("serializer"):
        lines.append(f"Pyro5.config.SERIALIZER = {options['serializer']!r}\n")
    if options.get("compress"):
        lines.append("Pyro5.config.COMPRESSION = True\n")
    return "".join(["\n", *lines]) if lines else ""


def _setup(request: Request, token: str) -> list[str]:
    lines = [f"server._pyroHandshake = {token}"] if token else []
    left = request.deadline.remaining()
    if left is not None:
        lines.append(f"server._pyroTimeout = {round(left, 1)}")
    if request.oneway:
        lines += ["server._pyroBind()", f"server._pyroOneway.add({request.method!r})"]
    return lines
