"""Lines for somebody who watches: a status that is written anew below all others, log lines cut to the screen. Pure."""

from collections.abc import Iterable, Sequence

from rpcctl.cli.terminal import Terminal, escape

_GAP = "  "
_LEGIBLE = 6
"""Columns below which the beginning of a text says nothing."""
_UNITS = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6))


def fit(parts: Iterable[str], width: int) -> str:
    """The parts side by side, from the first one on, as long as they fit into so many columns."""
    line = ""
    for part in parts:
        longer = f"{line}{_GAP}{part}" if line else part
        if len(longer) > width:
            break
        line = longer
    return line


def compose(parts: Sequence[tuple[str, str] | str], terminal: Terminal, width: int) -> str:
    """One line of parts, some in one of STYLES as `(style, text)`; a terminal gets what fits, all else all of it."""
    line, left = "", width if terminal.layout else None
    for part in parts:
        style, text = ("", part) if isinstance(part, str) else part
        shown = cut(escape(text), left)
        left = None if left is None else left - len(shown)
        line += terminal.paint(style, shown) if style and shown else shown
    return f"{line.rstrip()}\n"


def cut(text: str, width: int | None) -> str:
    """The text, with an ellipsis in place of what does not fit into so many columns; None is any number."""
    if width is None or len(text.rstrip()) <= width:
        return text[:width]
    return f"{text[: width - 1]}…" if width >= _LEGIBLE else ""


def to_time(seconds: float) -> str:
    """A duration in three digits and the unit that suits it: `1.23 ms`."""
    unit, size = next((each for each in _UNITS if seconds >= 0.9995 * each[1]), _UNITS[-1])
    number = seconds / size
    return f"{number:.{max(0, 2 - (number >= 9.995) - (number >= 99.95))}f} {unit}"


def to_count(number: float) -> str:
    """A number of things: `12,345`; a fraction only where it says something."""
    return f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:.3g}"
