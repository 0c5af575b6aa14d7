"""The README's pictures: what real runs leave on a terminal of 88 columns, drawn as SVG in one style."""

import io
from collections.abc import Iterable
from pathlib import Path

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.style import Style
from rich.text import Span, Text

FOLDER = Path(__file__).parent
COLUMNS = 88
TARGET = '''"""A calculator."""

from collections.abc import Iterator


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def divide(a: int, b: int) -> float:
    """Divide a by b."""
    return a / b


def count(n: int) -> Iterator[int]:
    """Count to n, one item at a time."""
    yield from range(1, n + 1)
'''
"""The file that is served in all of them."""


def draw(name: str, runs: Iterable[tuple[str, str]]) -> str:
    """A window with each command and what it printed, as a terminal was told it."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for command, output in runs:
        console.print(Text("$ ", style="bold green") + Text(command, style="bold"))
        for line in AnsiDecoder().decode(output.replace("\r\n", "\n").rstrip()):
            console.print(_hold_blanks(line), soft_wrap=True)
    return console.export_svg(title="rpcctl", unique_id=name)


def _hold_blanks(line: Text) -> Text:
    """The line with no piece of one style that begins with a blank and goes on: not every viewer of SVG shows it."""
    indent = len(line.plain) - len(line.plain.lstrip(" "))
    line.spans = [Span(span.start, span.end + line.plain.startswith(" ", span.end), span.style) for span in line.spans]
    line.stylize_before(Style(dim=False), 0, indent)
    return line
