"""One request on its way through the server."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .answers import Reply
from .gate import Head

if TYPE_CHECKING:
    import asyncio


class Request:
    """One request while it arrives, waits and is answered."""

    __slots__ = ("body", "head", "keep", "old", "refusal", "size")

    def __init__(self) -> None:
        self.head = Head("", "", {})
        self.body: list[bytes] = []
        self.size = 0
        self.keep = False
        self.old = False
        self.refusal: Reply | None = None


def without_upgrade(method: str, url: bytes, headers: Mapping[str, str]) -> bytes:
    """A request's head as bytes, without its wish for another protocol."""
    kept = (f"{name}: {text}\r\n" for name, text in headers.items() if name not in ("connection", "upgrade"))
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method.encode("latin-1"), url, "".join(kept).encode("latin-1"))


def path_of(url: bytes) -> str:
    """The path alone; a proxy's client sends the whole URL."""
    path = url.partition(b"?")[0].partition(b"#")[0]
    if not path.startswith(b"/") and b"://" in path:
        path = b"/" + path.partition(b"://")[2].partition(b"/")[2]
    text = path.decode("latin-1")
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def peer_of(transport: "asyncio.BaseTransport") -> str:
    """The other end as `host:port`, or `local` for a Unix socket."""
    name = transport.get_extra_info("peername")
    if not isinstance(name, tuple):
        return "local"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"{host}:{name[1]}"
