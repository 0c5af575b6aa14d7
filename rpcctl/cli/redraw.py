"""Text that takes the place of what a terminal showed before, with what changed standing out. Pure: text out.

Every line is cut to the terminal's width and takes one row, so that whoever draws knows how many rows to go back.
"""

import io
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from rpcctl.cli.terminal import Terminal, escape

if TYPE_CHECKING:
    from rich.text import Text

_COMPARED = 2000
"""Most lines that are compared one by one; of longer texts lines at the same place are."""

Span = tuple[int, int]


class Redraw:
    """What a terminal shows at the moment, so that it can be replaced."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._shown: Sequence[str] = ()
        self._rows = 0

    def replace(self, title: str, lines: Sequence[str], terminal: Terminal, height: int) -> str:
        """What to write so that these lines stand where the last ones did."""
        text, rows = draw(title, self._shown or lines, lines, terminal, height)
        back = f"\x1b[{self._rows}A\x1b[J" if self._rows else ""
        self._shown, self._rows = lines, rows
        return back + text

    def leave(self) -> None:
        """Something else was written below: what is shown stays, and the next lines follow."""
        self._rows = 0


def draw(title: str, before: Sequence[str], after: Sequence[str], terminal: Terminal, height: int) -> tuple[str, int]:
    """The title and as many lines of `after` as fit, changes since `before` marked; and how many rows that takes."""
    from rich.console import Console
    from rich.text import Text

    room = max(1, height - 2)
    shown = after[: room if len(after) <= room else room - 1]
    page = io.StringIO()
    console = Console(
        file=page,
        width=terminal.width,
        force_terminal=True,
        color_system="standard",
        no_color=not terminal.color,
        legacy_windows=False,
        highlight=False,
        _environ={},
    )
    rows = [Text(escape(title), style="dim")]
    rows += [_mark(escape(line), span) for line, span in zip(shown, find_changes(before, after), strict=False)]
    if len(shown) < len(after):
        rows.append(Text(f"… {len(after) - len(shown)} lines more", style="dim"))
    for row in rows:
        console.print(row, no_wrap=True, overflow="ellipsis", crop=True, soft_wrap=False)
    return page.getvalue(), len(rows)


def find_changes(before: Sequence[str], after: Sequence[str]) -> list[Span | None]:
    """For each line of `after`, where in it something is new: from the first such character to the last."""
    if max(len(before), len(after)) > _COMPARED:
        pairs = [(before[n] if n < len(before) else None, line) for n, line in enumerate(after)]
        return [_compare(old, new) for old, new in pairs]
    found: list[Span | None] = [None] * len(after)
    for kind, old_start, old_end, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind in ("replace", "insert"):
            alike = old_end - old_start == end - start
            for n in range(start, end):
                found[n] = _compare(before[old_start + n - start] if alike else None, after[n])
    return found


def _compare(old: str | None, new: str) -> Span | None:
    if old == new:
        return None
    if old is None:
        return len(new) - len(new.lstrip()), len(new)
    start = _count_alike(old, new)
    same = _count_alike(old[start:][::-1], new[start:][::-1])
    # Where something was only left out, the character that stands there now is marked.
    return min(start, max(0, len(new) - 1)), max(len(new) - same, start + 1)


def _count_alike(one: str, other: str) -> int:
    """How many characters are the same from the beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def _mark(line: str, span: Span | None) -> "Text":
    from rich.text import Text

    text = Text(line)
    if span:
        text.stylize("reverse", *span)
    return text
