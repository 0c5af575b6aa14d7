"""The bytes of an HTTP/1.1 answer. Pure."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple

TEXT = "text/plain; charset=utf-8"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_STATUS_LINES = {status: f"HTTP/1.1 {status} {reason}\r\n".encode() for status, reason in _REASONS.items()}
_BODILESS = (204, 304)

Header = tuple[str, str]


class Reply(NamedTuple):
    """What a request is answered with."""

    status: int
    body: bytes = b""
    content_type: str = TEXT
    headers: tuple[Header, ...] = ()


def refuse(status: int, text: str, *headers: Header) -> Reply:
    """A refusal, its text for people."""
    return Reply(status, text.encode() + b"\n", TEXT, headers)


def encode(reply: Reply, date: bytes, more: Iterable[Header], *, keep: bool, old: bool, head_only: bool) -> bytes:
    """The whole answer: `date` a finished header line, `old` for a client of HTTP/1.0, `head_only` for HEAD."""
    lines = [_STATUS_LINES.get(reply.status) or f"HTTP/1.1 {reply.status} \r\n".encode(), date]
    if reply.status not in _BODILESS:
        lines.append(f"content-type: {reply.content_type}\r\ncontent-length: {len(reply.body)}\r\n".encode("latin-1"))
    lines += [f"{name}: {value}\r\n".encode("latin-1", "replace") for name, value in (*reply.headers, *more)]
    if not keep:
        lines.append(b"connection: close\r\n")
    elif old:
        lines.append(b"connection: keep-alive\r\n")
    lines.append(b"\r\n")
    if not head_only and reply.status not in _BODILESS:
        lines.append(reply.body)
    return b"".join(lines)
