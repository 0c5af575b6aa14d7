"""A protocol as somebody else would add it: JSON, one message a line, over TCP. Installed by an entry point only."""

from rpcctl.interfaces import Option, ProtocolInfo, Transport
from rpcctl.messages import Encoding

INFO = ProtocolInfo(
    scheme="line",
    aliases=("jsonlines",),
    summary="JSON, one message a line",
    transports=(Transport("tcp", default="line+tcp://127.0.0.1:4300"), Transport("lines", short=True)),
    client="tests.line.client:Client",
    server="tests.line.server:Server",
    features=frozenset({"args", "kwargs"}),
    encoding=Encoding("line", binary=False, any_key=False),
    extra="fast",
    port=4300,
    options=(
        Option("greeting", "text sent ahead of the first call", "TEXT", roles=("client",)),
        Option("shout", "answer in capitals", type="switch", roles=("server",)),
    ),
)
