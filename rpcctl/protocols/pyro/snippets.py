"""A call over Pyro's wire for people without rpcctl: a script for Pyro5's own library."""

from rpcctl.address import Address
from rpcctl.errors import UsageError
from rpcctl.interfaces import Settings
from rpcctl.messages import Request

from .uri import place_of, spell

_CALL = """\
import Pyro5.api
{serializer}
with Pyro5.api.Proxy({uri!r}) as server:
    server._pyroTimeout = {timeout}
{handshake}    server._pyroBind()
{oneway}    result = getattr(server, {method!r})({words})
{end}"""
_PRINT = """\
    if hasattr(result, "__next__"):
        for item in result:
            print(item)
    else:
        print(result)
"""


def write_python(at: Address, request: Request, settings: Settings) -> str:
    """A script that prints the result, or each item; UsageError for what Pyro's proxies cannot be told."""
    options = settings.options
    serializer, token = options.get("serializer"), options.get("token-file")
    left = request.deadline.remaining()
    words = [repr(each) for each in request.args] + [f"**{dict(request.kwargs)!r}"] * bool(request.kwargs)
    return _CALL.format(
        serializer=f"\nPyro5.api.config.SERIALIZER = {serializer!r}" if serializer else "",
        uri=_find_uri(at),
        timeout=None if left is None else round(left, 1),
        handshake=f"    server._pyroHandshake = open({token!r}).readline().strip()\n" if token else "",
        oneway=f"    server._pyroOneway.add({request.method!r})\n" if request.oneway else "",
        method=request.method,
        words=", ".join(words),
        end="" if request.oneway else _PRINT,
    )


def _find_uri(at: Address) -> str:
    place = place_of(at)
    if place.lookup:
        return str(at._replace(options=()))
    if at.transport == "tls":
        raise UsageError("--as python has no form for pyro+tls", hint="Pyro5 has its own settings for TLS: config.SSL")
    if not place.object:
        raise UsageError(f"{at} names no object, and a proxy is of one", hint="PYRO:OBJECT@HOST:PORT")
    return str(spell(place.at, place.object))
