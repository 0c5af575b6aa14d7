"""What the protocols over plain streams share: their transports and options. Light: read to answer `--help`.

`wire` connects a client; `host` serves many connections on one thread, a `Session` of the protocol for each. Bytes are
all that either knows: no message, and no protocol.
"""

from rpcctl.interfaces import Option, Transport

_SERVER = ("server",)
_PANEL = "Connections"


def stream_transports(default: str) -> tuple[Transport, ...]:
    """`tcp` and `unix`; `default` is the address bound and called when none is given."""
    return Transport("tcp", default=default), Transport("unix", kind="path")


STREAM_OPTIONS_SERVER = (
    Option("max-connections", "most connections at once", "N", "integer", 16384, roles=_SERVER, panel=_PANEL),
    Option(
        "idle-timeout",
        "longest time for which a connection without a call is kept",
        "SECONDS|off",
        "seconds_or_off",
        roles=_SERVER,
        panel=_PANEL,
    ),
    Option(
        "stall-timeout",
        "longest pause in the middle of a message, and longest time in which a client takes nothing of its answers",
        "SECONDS",
        "seconds",
        30.0,
        roles=_SERVER,
        panel=_PANEL,
    ),
)
"""For INFO.options of a protocol over streams."""
