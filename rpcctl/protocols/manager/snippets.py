"""A call of a manager's object for people without rpcctl: a script for Python's own `multiprocessing.managers`."""

from rpcctl.address import Address
from rpcctl.interfaces import Settings
from rpcctl.messages import Request

from .codec import OWN_IDENT
from .keys import VARIABLE
from .place import read_place, without_typeid

_SCRIPT = """\
{imports}from multiprocessing.managers import BaseManager, BaseProxy


class Manager(BaseManager):
    pass


Manager.register({typeid!r}, proxytype=BaseProxy)
{key}
manager = Manager(address={place!r}, authkey=key)
manager.connect()
server = getattr(manager, {typeid!r})({create_args})
print(server._callmethod({method!r}, {args!r}, {kwargs!r}))
"""


def write_python(at: Address, request: Request, settings: Settings) -> str:
    """A script that prints the result; the key is taken from where it is."""
    typeid, create_args = read_place(at, settings)
    path = settings.options.get("authkey-file")
    key = (
        f'with open({path!r}, "rb") as file:\n    key = file.read().strip()'
        if path
        else f"key = os.fsencode(os.environ[{VARIABLE!r}])"
    )
    return _SCRIPT.format(
        imports="" if path else "import os\n",
        typeid=typeid or OWN_IDENT,
        key=key,
        place=(at.host, at.port) if at.kind == "host" else without_typeid(at).path,
        create_args=", ".join(map(repr, create_args)),
        method=request.method,
        args=tuple(request.args),
        kwargs=dict(request.kwargs),
    )
