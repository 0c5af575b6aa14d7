"""The exchange with a peer as curl shows it: `>` sent, `<` received, `*` note; secrets masked. Pure: text out."""

import re
from collections.abc import Iterator

from rpcctl.cli.terminal import escape

_SUMMARY = 2000
"""Longest message shown, in characters."""
_DUMP = 64 * 1024
"""Most bytes dumped of one message."""
_ROW = 16

_HEADER = re.compile(
    r"""(authorization["']?[ ]*[:=](?:[ ]*["']?(?:basic|bearer|digest)\b)?|cookie["']?[ ]*:)[^\r\n]+""", re.IGNORECASE
)
_SECRET = re.compile(
    r"""\b((?:[\w-]{0,40}(?:password|passwd|secret|token|api[-_]?key|authkey))["']?\s*[:=]\s*["']?)[^\s"',;&]+""",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"(://[^/\s:@]{0,200}:)[^/\s@]+(?=@)")


def mask(text: str) -> str:
    """The text with `***` for passwords in addresses, and for what headers and settings that name a secret hold."""
    text = _HEADER.sub(r"\1 ***", text)
    return _LOGIN.sub(r"\1***", _SECRET.sub(r"\1***", text))


def describe(direction: str, summary: str, data: bytes | None) -> list[str]:
    """The lines of one message: its summary, and a dump of `data` unless that is None."""
    shown = mask(summary[: _SUMMARY + 1000])
    if len(summary) > _SUMMARY:
        shown = f"{shown[:_SUMMARY]}… ({len(summary)} characters)"
    lines = [f"{direction} {escape(line)}" for line in shown.splitlines() or [""]]
    return lines if data is None else lines + list(dump(data))


def dump(data: bytes) -> Iterator[str]:
    """Rows of offset, sixteen bytes in hexadecimal, and the same as ASCII; secrets masked before."""
    shown = mask(data[:_DUMP].decode("latin-1")).encode("latin-1")
    for start in range(0, len(shown), _ROW):
        row = shown[start : start + _ROW]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"  {start:08x}  {row.hex(' '):<47}  {text}"
    if len(data) > _DUMP:
        yield f"  … {len(data) - _DUMP} bytes more"
