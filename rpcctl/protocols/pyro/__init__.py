"""Pyro5's wire, protocol version 502. Speaks with Pyro5 for Python and with Pyrolite for Java and .NET."""

from rpcctl.interfaces import Option, ProtocolInfo, Transport
from rpcctl.messages import Encoding
from rpcctl.sockets import STREAM_OPTIONS_SERVER, stream_transports

_CLIENT, _SERVER = ("client",), ("server",)
_PANEL = "Encryption"
_ENCRYPTED = ("tls",)
_READER = "rpcctl.protocols.pyro.uri:read"

INFO = ProtocolInfo(
    scheme="pyro",
    summary="Pyro5's wire",
    transports=(
        *stream_transports("pyro+tcp://127.0.0.1:9999"),
        Transport("tls"),
        Transport("pyro", kind="text", short=True, reader=_READER),
        Transport("pyroname", kind="text", short=True, reader=_READER),
        Transport("pyrometa", kind="text", short=True, reader=_READER),
    ),
    client="rpcctl.protocols.pyro.client:Client",
    server="rpcctl.protocols.pyro.server:Server",
    features=frozenset({"args", "kwargs", "oneway", "stream", "batch", "inspect", "auth", "tls", "traceback"}),
    encoding=Encoding("pyro", any_key=False),
    port=9999,
    snippets={"python": "rpcctl.protocols.pyro.snippets:write_python"},
    options=(
        Option(
            "serializer",
            "how values are written; msgpack without it, or serpent where the server has no msgpack",
            "NAME",
            "choice",
            choices=("serpent", "json", "msgpack"),
            roles=_CLIENT,
        ),
        Option("compress", "compress what is sent; a server answers compressed calls so", type="switch", roles=_CLIENT),
        Option(
            "token-file",
            "file with the token that clients show in the handshake; or RPCCTL_TOKEN holds it",
            "FILE",
            secret=True,
        ),
        Option(
            "pyro-ns",
            "name server to register at, as long as it is served",
            "HOST[:PORT]",
            roles=_SERVER,
        ),
        Option("pyro-name", "name to register; the object's own without it", "NAME", roles=_SERVER),
        Option("pyro-tag", "what PYROMETA: finds it by", "TAG", multiple=True, roles=_SERVER),
        Option("max-batch", "most calls in one batch", "N", "integer", 1000, roles=_SERVER),
        Option("cacert", "authorities to trust, PEM", "FILE", panel=_PANEL, transports=_ENCRYPTED),
        Option("cert", "certificate to show to the other end, PEM", "FILE", panel=_PANEL, transports=_ENCRYPTED),
        Option(
            "key",
            "its key, unless it is in the same file",
            "FILE",
            secret=True,
            panel=_PANEL,
            transports=_ENCRYPTED,
        ),
        Option("insecure", "trust any certificate", type="switch", short="-k", roles=_CLIENT, panel=_PANEL),
        *STREAM_OPTIONS_SERVER,
    ),
)
