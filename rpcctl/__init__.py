"""rpcctl: serve any importable Python target over RPC, call the methods of any RPC server.

    with rpcctl.connect("tcp://127.0.0.1:4242") as calc:
        calc.add(2, 3)

    with rpcctl.Server("calc", "tcp://127.0.0.1:0") as server:
        print(server.addresses)

What is named here is loaded when it is first used: importing rpcctl alone costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rpcctl.api import Connection as Connection
    from rpcctl.api import Stream as Stream
    from rpcctl.api import connect as connect
    from rpcctl.errors import AddressError as AddressError
    from rpcctl.errors import ArgumentError as ArgumentError
    from rpcctl.errors import AuthError as AuthError
    from rpcctl.errors import CallError as CallError
    from rpcctl.errors import CertificateError as CertificateError
    from rpcctl.errors import ConnectError as ConnectError
    from rpcctl.errors import ConnectionLostError as ConnectionLostError
    from rpcctl.errors import DeadlineError as DeadlineError
    from rpcctl.errors import InputError as InputError
    from rpcctl.errors import InvalidArgumentsError as InvalidArgumentsError
    from rpcctl.errors import LocalProtocolError as LocalProtocolError
    from rpcctl.errors import MethodNotFoundError as MethodNotFoundError
    from rpcctl.errors import MissingExtraError as MissingExtraError
    from rpcctl.errors import OutputError as OutputError
    from rpcctl.errors import PartialError as PartialError
    from rpcctl.errors import ProtocolError as ProtocolError
    from rpcctl.errors import RemoteError as RemoteError
    from rpcctl.errors import RemoteProtocolError as RemoteProtocolError
    from rpcctl.errors import ResolveError as ResolveError
    from rpcctl.errors import RpcctlError as RpcctlError
    from rpcctl.errors import TargetError as TargetError
    from rpcctl.errors import ThresholdError as ThresholdError
    from rpcctl.errors import TLSError as TLSError
    from rpcctl.errors import TransportError as TransportError
    from rpcctl.errors import UsageError as UsageError
    from rpcctl.hosting import Server as Server
    from rpcctl.hosting import serve as serve
    from rpcctl.messages import Context as Context
    from rpcctl.proxy import Proxy as Proxy

__version__ = "0.1.0"

_HOMES = {
    "Connection": "rpcctl.api",
    "Stream": "rpcctl.api",
    "connect": "rpcctl.api",
    "Server": "rpcctl.hosting",
    "serve": "rpcctl.hosting",
    "Proxy": "rpcctl.proxy",
    "Context": "rpcctl.messages",
    "AddressError": "rpcctl.errors",
    "ArgumentError": "rpcctl.errors",
    "AuthError": "rpcctl.errors",
    "CallError": "rpcctl.errors",
    "CertificateError": "rpcctl.errors",
    "ConnectError": "rpcctl.errors",
    "ConnectionLostError": "rpcctl.errors",
    "DeadlineError": "rpcctl.errors",
    "InputError": "rpcctl.errors",
    "InvalidArgumentsError": "rpcctl.errors",
    "LocalProtocolError": "rpcctl.errors",
    "MethodNotFoundError": "rpcctl.errors",
    "MissingExtraError": "rpcctl.errors",
    "OutputError": "rpcctl.errors",
    "PartialError": "rpcctl.errors",
    "ProtocolError": "rpcctl.errors",
    "RemoteError": "rpcctl.errors",
    "RemoteProtocolError": "rpcctl.errors",
    "ResolveError": "rpcctl.errors",
    "RpcctlError": "rpcctl.errors",
    "TLSError": "rpcctl.errors",
    "TargetError": "rpcctl.errors",
    "ThresholdError": "rpcctl.errors",
    "TransportError": "rpcctl.errors",
    "UsageError": "rpcctl.errors",
}
__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    """Load what was asked for from its own module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'rpcctl' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
