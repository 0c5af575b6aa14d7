"""Multiprocessing managers: speaks with the `BaseManager`s and `SyncManager`s of Python, and runs nothing of theirs."""

from rpcctl.interfaces import Option, ProtocolInfo
from rpcctl.messages import Encoding
from rpcctl.sockets import STREAM_OPTIONS_SERVER, stream_transports

INFO = ProtocolInfo(
    scheme="manager",
    summary="multiprocessing managers; prefer another protocol for anything new",
    transports=stream_transports("manager+tcp://127.0.0.1:5000"),
    client="rpcctl.protocols.manager.client:Client",
    server="rpcctl.protocols.manager.server:Server",
    features=frozenset({"args", "kwargs", "stream", "inspect", "auth", "traceback"}),
    encoding=Encoding("manager"),
    port=5000,
    snippets={"python": "rpcctl.protocols.manager.snippets:write_python"},
    local_only="its wire is not encrypted",
    options=(
        Option(
            "authkey-file",
            "file with the key that both ends know, a newline at its end cut off; RPCCTL_AUTHKEY holds the key itself",
            "FILE",
            secret=True,
        ),
        Option(
            "gen-authkey",
            "the same, and the file is made with a new key if there is none",
            "FILE",
            roles=("server",),
            secret=True,
            variable=False,
        ),
        Option(
            "typeid",
            "registered name of the object that is called, where the address has no /TYPEID",
            "NAME",
            roles=("client",),
            variable=False,
        ),
        Option(
            "create-args",
            "arguments with which the typeid is created, as a JSON array",
            "JSON",
            roles=("client",),
            variable=False,
        ),
        *STREAM_OPTIONS_SERVER,
    ),
)
