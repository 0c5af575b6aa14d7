"""A call over zerorpc's wire for people without rpcctl: a script for zerorpc's own Python library."""

from rpcctl.address import Address
from rpcctl.errors import UsageError
from rpcctl.interfaces import Settings
from rpcctl.messages import Request

_CALL = """\
import zerorpc

client = zerorpc.Client({address!r}, timeout={timeout}, heartbeat={heartbeat})
result = client({words})
if hasattr(result, "__next__"):
    for item in result:
        print(item)
else:
    print(result)
client.close()
"""
_CAST = """\
import gevent
import zerorpc

client = zerorpc.{kind}({address!r})
gevent.sleep(1)  # It does not tell when the connection stands.
client({words})
gevent.sleep(1)
client.close()
"""


def write_python(at: Address, request: Request, settings: Settings) -> str:
    """A script that prints what the method returns, or each item; UsageError for what zerorpc's library has not."""
    options = settings.options
    if options.get("curve-server-key"):
        raise UsageError("zerorpc's own library has no encryption", hint="leave out --as python")
    words = ", ".join(map(repr, (request.method, *request.args)))
    place = f"{at.transport}://{at.location()}"
    if request.oneway:
        return _CAST.format(kind=_pattern(options), address=place, words=words)
    left = request.deadline.remaining()
    return _CALL.format(
        address=place,
        timeout=None if left is None else round(left, 1),
        heartbeat=options.get("heartbeat"),
        words=words,
    )


def _pattern(options: object) -> str:
    found = {"push": "Pusher", "publish": "Publisher"}
    given = options if isinstance(options, dict) else {}
    for name, kind in found.items():
        if given.get(name):
            return kind
    raise UsageError("zerorpc's own library has no one-way call to a server of calls", hint="--push or --publish")
