"""A bar with rate and time left on standard error, for a person and for work that lasts. Knows nothing of the work."""

from time import monotonic
from typing import IO, Any

from rpcctl.cli.terminal import Terminal

_DELAY = 1.0
"""Seconds of work before anything is shown."""
_EVERY = 0.2
"""Seconds between two pictures."""


class Progress:
    """Shows how much of `total` is over. Costs a look at the clock where nobody is to be shown anything."""

    def __init__(self, stream: IO[Any] | None, terminal: Terminal, total: int | None) -> None:
        """Without a stream nothing is ever shown; without a total there is a count and no end."""
        self._stream = stream
        self._terminal = terminal
        self._total = total
        self._began = monotonic()
        self._due = self._began + _DELAY
        self._bar: Any = None
        self._task: Any = None

    def show(self, completed: int, count: int) -> None:
        """Draw anew if it is time to: how much of the total is over, and how many calls that were."""
        if self._stream is None or monotonic() < self._due:
            return
        if self._bar is None:
            self._begin()
        now = monotonic()
        self._due = now + _EVERY
        text = f"{count:,} calls, {count / (now - self._began):,.0f}/s"
        self._bar.update(self._task, completed=completed, description=text)
        self._bar.start()
        self._bar.refresh()

    def close(self) -> None:
        """Take it away; what was drawn leaves no trace."""
        bar, self._bar, self._stream = self._bar, None, None
        if bar is not None:
            bar.stop()

    def _begin(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        console = Console(
            file=self._stream,
            width=self._terminal.width,
            force_terminal=True,
            color_system="standard" if self._terminal.color else None,
            legacy_windows=False,
        )
        columns: list[Any] = [TextColumn("{task.description}", markup=False)]
        if self._total:
            columns += [BarColumn(bar_width=None), TextColumn("{task.percentage:>3.0f}%"), TimeRemainingColumn()]
        else:
            columns.append(TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, auto_refresh=False, transient=True, expand=bool(self._total))
        self._task = self._bar.add_task("", total=self._total)
