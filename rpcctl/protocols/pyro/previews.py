"""What a Pyro call looks like on the wire, for `--dry-run`: the greeting, then the call. Touches no network.

Written as to a server that has msgpack, unless a serializer is chosen; the token is left out.
"""

from rpcctl.errors import ArgumentError, LocalProtocolError
from rpcctl.interfaces import Preview, Settings
from rpcctl.messages import Request

from . import codec
from .codec import Message
from .conversation import HELLO
from .description import DAEMON
from .encodings import BY_NAME, MSGPACK
from .tokens import read_token


def preview(name: str, request: Request, settings: Settings) -> list[Preview]:
    """The messages for an object of that name, or the server itself for none; ArgumentError for what cannot be sent."""
    name = name or DAEMON
    coding = BY_NAME[settings.options.get("serializer") or MSGPACK.name]
    flags = codec.COMPRESSED if settings.options.get("compress") else 0
    try:
        call = coding.dump_call(name, request.method, request.args, request.kwargs)
    except LocalProtocolError as exc:
        raise ArgumentError(f"{request.method}: {exc.message}", hint="another --serializer may carry it") from exc
    greeting = coding.dump({"handshake": "***" if read_token(settings.options) else HELLO, "object": name})
    sent = (
        (f"connect to {name}", codec.CONNECT, greeting, 0),
        (_describe(name, request), codec.INVOKE, call, codec.ONEWAY if request.oneway else 0),
    )
    return [
        Preview(f"{text}, {coding.name}", codec.pack(Message(kind, coding.id, payload, flags | more, number)))
        for number, (text, kind, payload, more) in enumerate(sent, 1)
    ]


def _describe(name: str, request: Request) -> str:
    named = f" {dict(request.kwargs)!r}" if request.kwargs else ""
    return f"{name}.{request.method} {list(request.args)!r}{named}"
