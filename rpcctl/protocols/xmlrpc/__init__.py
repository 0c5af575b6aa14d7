"""XML-RPC over HTTP, as of 1999 and with the extensions for nil, i8 and introspection that peers have by now."""

from rpcctl.http import HTTP_OPTIONS_CLIENT, HTTP_OPTIONS_SERVER, http_transports
from rpcctl.interfaces import Option, ProtocolInfo
from rpcctl.messages import Encoding

INFO = ProtocolInfo(
    scheme="xmlrpc",
    summary="XML-RPC over HTTP",
    transports=http_transports("http://127.0.0.1:8088/RPC2", short=False),
    client="rpcctl.protocols.xmlrpc.client:Client",
    server="rpcctl.protocols.xmlrpc.server:Server",
    features=frozenset({"args", "batch", "inspect", "auth", "tls"}),
    encoding=Encoding(
        "xmlrpc", int_bits=64, unsigned=False, nan=False, any_key=False, control_characters=False, dates=True
    ),
    port=80,
    login="--auth basic:file:PATH or bearer:; aria2: inside the message",
    snippets={
        "curl": "rpcctl.protocols.xmlrpc.snippets:write_curl",
        "python": "rpcctl.protocols.xmlrpc.snippets:write_python",
    },
    paths=("RPC2", "xmlrpc"),
    options=(
        *HTTP_OPTIONS_CLIENT,
        *HTTP_OPTIONS_SERVER,
        Option("xmlrpc-strict", "only the types of 1999: no nil, no integer over 32 bits", type="switch"),
        Option("no-nil", "refuse None, which peers without the nil extension cannot read", type="switch"),
        Option("max-batch", "most calls in one batch or system.multicall", "N", "integer", 1000, roles=("server",)),
        Option(
            "max-depth", "most levels of arrays and structs within each other", "N", "integer", 100, roles=("server",)
        ),
    ),
)
