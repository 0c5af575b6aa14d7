"""A MessagePack-RPC call for people without rpcctl: a script for the msgpack package and a socket."""

from rpcctl.address import Address
from rpcctl.errors import UsageError
from rpcctl.interfaces import Settings
from rpcctl.messages import Request

from .codec import NOTIFICATION, REQUEST

_UNIX = """\
with socket.socket(socket.AF_UNIX) as peer:
    peer.settimeout({seconds})
    peer.connect({place!r})
"""
_DIAL = {"tcp": "with socket.create_connection({place!r}{timeout}) as peer:\n", "unix": _UNIX}
_SCRIPT = """\
import socket

import msgpack

{dial}    peer.sendall(msgpack.packb({message!r}, use_bin_type={use_bin_type}))
"""
_ANSWER = """\
    replies = msgpack.Unpacker(strict_map_key=False)
    for piece in iter(lambda: peer.recv(65536), b""):
        replies.feed(piece)
        for kind, *answer in replies:
            if kind == 1:
                _, error, result = answer
                if error is not None:
                    raise SystemExit(f"error: {error}")
                print(result)
                raise SystemExit
"""


def write_python(at: Address, request: Request, settings: Settings) -> str:
    """A script that prints the result; UsageError for a server that is a process of its own."""
    if at.transport not in _DIAL:
        raise UsageError(f"--as python has no form for {at.transport}", hint="an address of tcp or unix")
    left = request.deadline.remaining()
    seconds = None if left is None else round(left, 1)
    dial = _DIAL[at.transport].format(
        place=(at.host, at.port) if at.kind == "host" else at.path,
        timeout="" if seconds is None else f", {seconds}",
        seconds=seconds,
    )
    args = list(request.args)
    message = [NOTIFICATION, request.method, args] if request.oneway else [REQUEST, 1, request.method, args]
    text = _SCRIPT.format(dial=dial, message=message, use_bin_type=not settings.options.get("msgpack-old"))
    return text if request.oneway else text + _ANSWER
