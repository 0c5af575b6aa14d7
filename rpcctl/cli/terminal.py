"""What is at the other end of a stream, and text made safe and coloured for it.

Text from a peer may hold escape sequences that would rewrite the screen or type for the user: they are shown, not sent.
"""

import os
import re
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

# Expressions are compiled, and kept by `re`, when they are used: a start should not pay for all of them.
# What terminals obey: C0 and C1, delete, line separators, and the marks that reverse the direction of text.
_CONTROLS = r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
# JSON has escaped the first of these already.
_IN_JSON = r"[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
_TOKENS = r'(?P<key>"[^"\\]*(?:\\.[^"\\]*)*")(?=:)|(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<other>[\w.+-]+)'
_COLORED = 1 << 20
"""Longest JSON text that is coloured, in characters; nobody looks at a longer one."""

STYLES = {
    "key": "\x1b[34m",
    "text": "\x1b[32m",
    "other": "\x1b[36m",
    "error": "\x1b[1;31m",
    "hint": "\x1b[33m",
    "title": "\x1b[1m",
    "dim": "\x1b[2m",
    "good": "\x1b[32m",
    "bad": "\x1b[31m",
    "refused": "\x1b[33m",
}
_RESET = "\x1b[0m"
ERASE = "\r\x1b[K"
"""Takes the line at the cursor away."""


class Terminal(NamedTuple):
    """How to write to one stream."""

    layout: bool = False
    """Whether a person reads it: lines are broken, columns drawn, controls shown."""
    color: bool = False
    width: int = 80
    live: bool = False
    """Whether a line can be written anew."""

    def paint(self, style: str, text: str) -> str:
        """The text in one of STYLES, if there is colour; without a style as it is."""
        return f"{STYLES[style]}{text}{_RESET}" if self.color and style else text

    def paint_json(self, text: str) -> str:
        """A JSON text with its keys, texts and other values told apart, if there is colour."""
        if not self.color or len(text) > _COLORED:
            return text
        return re.sub(_TOKENS, lambda match: self.paint(str(match.lastgroup), match[0]), text)


def examine(stream: IO[Any] | None, color: str, env: Mapping[str, str]) -> Terminal:
    """What a stream leads to. `color` is `auto`, `always` or `never`; auto heeds NO_COLOR, FORCE_COLOR and TERM."""
    is_terminal = is_tty(stream)
    if color != "auto":
        colored = color == "always"
    elif env.get("NO_COLOR"):
        colored = False
    elif env.get("FORCE_COLOR"):
        colored = env["FORCE_COLOR"] != "0"
    else:
        colored = is_terminal and env.get("TERM") != "dumb"
    live = is_terminal and env.get("TERM", "dumb") != "dumb"
    return Terminal(is_terminal or color == "always", colored, measure_width(stream, env), live)


def is_tty(stream: IO[Any] | None) -> bool:
    """Whether the stream is a terminal; a missing or closed one is not."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def escape(text: str, keep: str = "") -> str:
    r"""The text with control characters shown as `\x1b`, those of `keep` excepted."""
    return re.sub(_CONTROLS, lambda match: match[0] if match[0] in keep else _show(match[0]), text)


def escape_json(text: str) -> str:
    r"""A JSON text with control characters as `\u009b`: it stays the same value."""
    return re.sub(_IN_JSON, lambda match: f"\\u{ord(match[0]):04x}", text)


def _show(character: str) -> str:
    return repr(character)[1:-1]


def measure_width(stream: IO[Any] | None, env: Mapping[str, str]) -> int:
    """Columns of the terminal, as COLUMNS or the system tells; 80 when neither does."""
    columns = env.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and 0 < len(columns) < 6 and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80 if stream else 80
    except (OSError, ValueError):
        return 80


def measure_height(stream: IO[Any] | None, env: Mapping[str, str]) -> int:
    """Lines of the terminal, as LINES or the system tells; 24 when neither does."""
    lines = env.get("LINES", "")
    if lines.isascii() and lines.isdigit() and len(lines) < 6 and int(lines):
        return int(lines)
    try:
        return os.get_terminal_size(stream.fileno()).lines or 24 if stream else 24
    except (OSError, ValueError):
        return 24
