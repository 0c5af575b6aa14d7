"""MessagePack-RPC: three arrays on a stream. Speaks with Neovim, rpclib, Arduino's router and their like."""

from rpcctl.interfaces import Option, ProtocolInfo, Transport
from rpcctl.messages import Encoding
from rpcctl.sockets import STREAM_OPTIONS_SERVER, stream_transports

INFO = ProtocolInfo(
    scheme="msgpackrpc",
    summary="MessagePack-RPC, as Neovim speaks it",
    transports=(*stream_transports("msgpackrpc+tcp://127.0.0.1:18800"), Transport("exec", kind="text")),
    client="rpcctl.protocols.msgpackrpc.client:Client",
    server="rpcctl.protocols.msgpackrpc.server:Server",
    features=frozenset({"args", "oneway", "batch", "pipeline", "inspect"}),
    encoding=Encoding("msgpackrpc", int_bits=64),
    port=18800,
    snippets={"python": "rpcctl.protocols.msgpackrpc.snippets:write_python"},
    options=(
        Option("msgpack-old", "write bytes and text alike, for peers from before 2013", type="switch"),
        Option(
            "ext-types",
            "show every extension type as {$ext: [code, base64]}; without it Neovim's handles are numbers",
            type="switch",
        ),
        *STREAM_OPTIONS_SERVER,
    ),
)
