"""Values as rows with headings: as CSV, as plain columns for a pipe, as a drawn table for a terminal.

A list of maps has a column for each key; a map is one row, or two columns when drawn; anything else is one cell.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from rpcctl.cli.render import to_cell
from rpcctl.cli.terminal import Terminal, escape
from rpcctl.errors import OutputError

Row = Sequence[str]
_GAP = "  "


def split_records(value: Any) -> Sequence[Any]:
    """What the rows are made of: the items of a list, or the value alone."""
    return value if isinstance(value, (list, tuple)) else [value]


def find_headings(records: Iterable[Any]) -> list[Any]:
    """The keys of all records in the order in which they come; none unless every record is a map."""
    found: dict[Any, None] = {}
    for record in records:
        if not isinstance(record, Mapping):
            return []
        found.update(dict.fromkeys(record))
    return list(found)


def make_row(record: Any, headings: Sequence[Any]) -> list[str]:
    """The cells of one record; OutputError when it does not fit the headings that are written already."""
    if headings:
        strange = [key for key in record if key not in headings] if isinstance(record, Mapping) else [record]
        if strange:
            raise OutputError(
                f"no column for {to_cell(strange[0])[:60]!r} under the headings of the first item", hint="-f ndjson"
            )
        return [to_cell(record.get(key)) for key in headings]
    return [to_cell(each) for each in record] if isinstance(record, (list, tuple)) else [to_cell(record)]


def make_pairs(value: Mapping[Any, Any]) -> list[list[str]]:
    """A map as two columns."""
    return [[to_cell(key), to_cell(each)] for key, each in value.items()]


def to_csv(rows: Iterable[Row]) -> str:
    """Rows as comma-separated values, quoted where they must be, each ended by a newline."""
    text = io.StringIO()
    # Readers of CSV stop at a null character, and Python 3.10 does not write it.
    csv.writer(text, lineterminator="\n").writerows([cell.replace("\0", r"\x00") for cell in row] for row in rows)
    return text.getvalue()


def to_columns(rows: Sequence[Row], widths: Sequence[int]) -> str:
    """Rows as aligned columns without tabs, a line each; a cell wider than its column pushes the rest on."""
    return "".join(f"{_GAP.join(_pad(row, widths)).rstrip()}\n" for row in rows)


def measure_columns(rows: Iterable[Row]) -> list[int]:
    """The widths that hold every cell."""
    widths: list[int] = []
    for row in rows:
        widths += [0] * (len(row) - len(widths))
        for n, cell in enumerate(row):
            widths[n] = max(widths[n], len(escape(cell)))
    return widths


def _pad(row: Row, widths: Sequence[int]) -> list[str]:
    return [escape(cell).ljust(widths[n] if n < len(widths) else 0) for n, cell in enumerate(row)]


def draw_table(headings: Row, rows: Iterable[Row], terminal: Terminal) -> str:
    """A table as wide as the terminal at most, cells broken into lines where they must be; no headings when empty.

    Where words would have to be broken each row becomes a block of its own instead, below its first cell.
    """
    rows = list(rows)
    if len(headings) > 2 and not _fits([headings, *rows], terminal.width):
        return "\n".join(_draw_block(headings, row, terminal) for row in rows)
    return _draw_grid(headings, rows, terminal)


def _fits(rows: Iterable[Row], width: int) -> bool:
    """Whether the longest words of all columns have room beside each other."""
    words = [[max(map(len, escape(cell).split()), default=0) for cell in row] for row in rows]
    needed = [max(each) for each in zip_longest(*words, fillvalue=0)]
    return sum(needed) + len(_GAP) * (len(needed) - 1) <= width


def _draw_block(headings: Row, row: Row, terminal: Terminal) -> str:
    pairs = [(heading, cell) for heading, cell in zip(headings[1:], row[1:], strict=False) if cell]
    body = _draw_grid((), pairs, terminal._replace(width=max(1, terminal.width - len(_GAP))))
    lines = [terminal.paint("title", escape(row[0])), *(f"{_GAP}{line}" for line in body.splitlines())]
    return "".join(f"{line}\n" for line in lines)


def _draw_grid(headings: Row, rows: Sequence[Row], terminal: Terminal) -> str:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=bool(headings), header_style="")
    for n in range(max([len(headings), *map(len, rows)])):
        heading = escape(headings[n]) if n < len(headings) else ""
        table.add_column(Text.assemble((heading, "bold")), overflow="fold")
    for row in rows:
        table.add_row(*(Text(escape(cell, keep="\n")) for cell in row))
    return _draw(table, terminal)


def draw_panel(title: str, body: Iterable[str], terminal: Terminal) -> str:
    """A frame around a text of several paragraphs."""
    from rich.panel import Panel
    from rich.text import Text

    return _draw(Panel(Text("\n".join(map(escape, body))), title=Text(escape(title)), title_align="left"), terminal)


def _draw(drawing: Any, terminal: Terminal) -> str:
    from rich.console import Console

    page = io.StringIO()
    console = Console(
        file=page,
        width=terminal.width,
        force_terminal=terminal.color,
        color_system="standard" if terminal.color else None,
        legacy_windows=False,
        _environ={},
    )
    console.print(drawing)
    # The drawing fills each line up with spaces; copied text should not have them.
    return "".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines())
