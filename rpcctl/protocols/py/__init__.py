"""No wire at all: the target is loaded into this process and called."""

from rpcctl.interfaces import ProtocolInfo, Transport
from rpcctl.messages import NATIVE

INFO = ProtocolInfo(
    scheme="py",
    summary="no wire: the target is loaded into this process",
    transports=(Transport("py", kind="text", short=True),),
    client="rpcctl.protocols.py.client:Client",
    features=frozenset({"args", "kwargs", "stream", "oneway", "pipeline", "inspect", "traceback"}),
    encoding=NATIVE,
    in_process=True,
)
