"""What somebody speaks, as far as the first bytes tell: for errors that name it. Pure."""

_LOOKS = (
    (b"HTTP/", "an HTTP server"),
    (b"<!", "an HTTP server"),
    (b"<h", "an HTTP server"),
    *((method + b" ", "an HTTP client") for method in (b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"CONNECT")),
    (b"PRI * HTTP/2", "an HTTP client"),
    (b"SSH-", "SSH"),
    (b"AMQP", "AMQP"),
    (b"PYRO", "Pyro"),
    (b"\x16\x03", "TLS"),
    (b"\x15\x03", "TLS"),
)
_ENOUGH = 10
"""Bytes of ZeroMQ's greeting that show it: FF, eight of padding or of a length, 7F."""


def look_of(first: bytes) -> str:
    """What these bytes are the beginning of, as `an HTTP client`; empty when they look like nothing known."""
    if first[:1] == b"\xff" and first[_ENOUGH - 1 : _ENOUGH] == b"\x7f":
        return "ZeroMQ"
    if first[:3] == b"\0\0\0" and first[4:15] == b"#CHALLENGE#":
        return "a multiprocessing manager"
    return next((look for begin, look in _LOOKS if first.startswith(begin)), "")
