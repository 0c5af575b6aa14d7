"""Sections with a heading, a text and a command line to copy, as `describe` shows methods. Pure: text out."""

from collections.abc import Sequence

from rpcctl.cli.terminal import Terminal, escape
from rpcctl.messages import Piece

Section = tuple[str | Sequence[Piece], str, str]
"""Heading, which may be made of parts that are told apart, text, and command line."""
_PAINTED = {"method": "title", "name": "key", "type": "other", "default": "text"}
"""How the parts of a signature look."""


def to_document(title: str, sections: Sequence[Section], terminal: Terminal) -> str:
    """All of them below a title, which may be empty."""
    blocks = [terminal.paint("title", escape(title))] if title else []
    for heading, body, command in sections:
        lines = [_write_heading(heading, terminal)]
        lines += [f"    {escape(line)}".rstrip() for line in body.expandtabs().splitlines()]
        blocks.append("\n".join([*lines, f"    {terminal.paint('dim', '$ ' + escape(command))}"]))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _write_heading(heading: str | Sequence[Piece], terminal: Terminal) -> str:
    parts = [("method", heading)] if isinstance(heading, str) else heading
    return "".join(terminal.paint(_PAINTED.get(part, ""), escape(text)) for part, text in parts)
