"""zerorpc's wire: ZeroMQ and MessagePack. Speaks with zerorpc 0.5 and 0.6 for Python and zerorpc for Node.js."""

from rpcctl.interfaces import Option, ProtocolInfo, Transport
from rpcctl.messages import Encoding

INFO = ProtocolInfo(
    scheme="zmq",
    aliases=("zerorpc",),
    summary="zerorpc 0.6: ZeroMQ and MessagePack",
    transports=(
        Transport("tcp", default="tcp://127.0.0.1:4242", short=True),
        Transport("ipc", kind="path", default="ipc:///tmp/rpcctl.sock", short=True),
    ),
    client="rpcctl.protocols.zmq.client:Client",
    server="rpcctl.protocols.zmq.server:Server",
    features=frozenset({"args", "stream", "oneway", "pipeline", "inspect", "auth", "tls", "traceback"}),
    encoding=Encoding("zmq", int_bits=64),
    port=4242,
    snippets={"python": "rpcctl.protocols.zmq.snippets:write_python"},
    options=(
        Option(
            "heartbeat",
            "seconds between signs of life; both ends should use the same",
            "SECONDS|off",
            "seconds_or_off",
            5.0,
        ),
        Option(
            "alternative",
            "address of the same server, tried when the ones before it cannot be reached",
            "ADDRESS",
            multiple=True,
            roles=("client",),
        ),
        Option("bind", "take the address and wait for a server that connects to it", type="switch", roles=("client",)),
        Option("push", "one-way calls to a server that pulls (--pull)", type="switch", roles=("client",)),
        Option("publish", "one-way calls to every subscriber (--subscribe)", type="switch", roles=("client",)),
        Option(
            "connect",
            "address of a client or broker that waits for servers; none is bound without --bind then",
            "ADDRESS",
            multiple=True,
            roles=("server",),
            replaces_bind=True,
        ),
        Option("pull", "serve one-way calls of pushers, as zerorpc's Puller", type="switch", roles=("server",)),
        Option(
            "subscribe", "serve one-way calls of publishers, as zerorpc's Subscriber", type="switch", roles=("server",)
        ),
        Option(
            "curve-server-key",
            "public key of the server, as Z85 text or a file with it: encrypts, and proves who the server is",
            "KEY|FILE",
            roles=("client",),
        ),
        Option(
            "curve-secret-key-file",
            "own secret key, Z85 or a certificate of pyzmq; a client without one makes up a key pair",
            "FILE",
            secret=True,
        ),
        Option(
            "curve-allow",
            "public keys of the clients that are let in, one a line; without it all who know the server's key are",
            "FILE",
            multiple=True,
            roles=("server",),
        ),
    ),
)
