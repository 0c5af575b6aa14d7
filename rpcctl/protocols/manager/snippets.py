"""A call to a manager's object for people without rpcctl: a script for Python's own `multiprocessing`."""

from rpcctl.address import Address
from rpcctl.interfaces import Settings
from rpcctl.messages import Request

from .codec import OWN_IDENT
from .keys import VARIABLE
from .place import read_place, without_typeid

_CALL = """\
{imports}from multiprocessing.managers import BaseManager

BaseManager.register({typeid!r})
manager = BaseManager({place!r}, authkey={key})
manager.connect()
proxy = getattr(manager, {typeid!r})({created})
print(proxy._callmethod({method!r}, {args!r}, {kwargs!r}))
"""


def write_python(at: Address, request: Request, settings: Settings) -> str:
    """A script that prints the result; the key is read from where it is."""
    typeid, created = read_place(at, settings)
    path = settings.options.get("authkey-file")
    return _CALL.format(
        imports="" if path else "import os\n",
        typeid=typeid or OWN_IDENT,
        place=(at.host, at.port) if at.kind == "host" else without_typeid(at).path,
        key=f'open({path!r}, "rb").read().rstrip(b"\\r\\n")' if path else f'os.environ["{VARIABLE}"].encode()',
        created=", ".join(map(repr, created)),
        method=request.method,
        args=request.args,
        kwargs=dict(request.kwargs),
    )
