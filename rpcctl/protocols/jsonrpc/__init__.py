"""JSON-RPC 2.0 and 1.0 over HTTP. Speaks with jsonrpclib-pelix, jayson, Zabbix, bitcoind, aria2 and their like."""

from rpcctl.http import HTTP_OPTIONS_CLIENT, HTTP_OPTIONS_SERVER, http_transports
from rpcctl.interfaces import Option, ProtocolInfo
from rpcctl.messages import Encoding

_CLIENT, _SERVER = ("client",), ("server",)

INFO = ProtocolInfo(
    scheme="jsonrpc",
    summary="JSON-RPC 2.0 and 1.0 over HTTP",
    transports=http_transports("http://127.0.0.1:8080/", short=True),
    client="rpcctl.protocols.jsonrpc.client:Client",
    server="rpcctl.protocols.jsonrpc.server:Server",
    features=frozenset({"args", "kwargs", "oneway", "batch", "inspect", "auth", "tls", "traceback"}),
    encoding=Encoding("jsonrpc", binary=False, nan=False, any_key=False),
    port=80,
    login="--auth basic:file:PATH or bearer:; aria2:, zabbix: or ubus: inside the message",
    snippets={
        "curl": "rpcctl.protocols.jsonrpc.snippets:write_curl",
        "python": "rpcctl.protocols.jsonrpc.snippets:write_python",
    },
    options=(
        Option(
            "jsonrpc",
            "version of the protocol; without it a client speaks 2.0, and a server answers in the version it is asked",
            "VERSION",
            "choice",
            choices=("1.0", "2.0"),
        ),
        Option("id", "id of the first call, a number to count from or a text; 1 without it", "ID", roles=_CLIENT),
        Option(
            "decimal",
            "every digit of a fraction kept: numbers as they are typed, results as text",
            type="switch",
            roles=_CLIENT,
        ),
        Option("max-batch", "most calls in one batch", "N", "integer", 1000, roles=_SERVER),
        Option("max-depth", "most levels of arrays and objects within each other", "N", "integer", 100, roles=_SERVER),
        *(
            each._replace(help=f"{each.help}; zabbix, aria2 or ubus put it into the message")
            if each.name == "auth"
            else each
            for each in HTTP_OPTIONS_CLIENT
        ),
        *HTTP_OPTIONS_SERVER,
    ),
)
