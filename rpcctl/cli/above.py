"""Where a target's own output goes on a terminal with a status line: above it, a whole line at a time."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOBase
from threading import Lock
from typing import TextIO

from rpcctl.cli.output import Output

_LONGEST = 64 * 1024
"""Characters of an unfinished line after which it is shown as it is."""


class Above(TextIOBase):
    """A text stream whose lines appear above the status; what is no whole line waits for its end or `flush_all`."""

    def __init__(self, output: Output, real: TextIO) -> None:
        """`real` is the stream that it stands for, and answers what is asked of that."""
        self._output = output
        self._real = real
        self._lock = Lock()
        self._rest = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # which typeshed has as a plain attribute
        """That of the real stream."""
        return self._real.encoding

    def write(self, text: str) -> int:
        """Show the lines that the text completes."""
        with self._lock:
            whole, newline, self._rest = (self._rest + text).rpartition("\n")
            if len(self._rest) > _LONGEST:
                whole, newline, self._rest = whole + newline + self._rest, "\n", ""
            if newline:
                self._output.show_above(f"{whole}\n")
        return len(text)

    def flush_all(self) -> None:
        """Show what is left without an end."""
        if self._rest:
            self.write("\n")

    def fileno(self) -> int:
        """That of the real stream."""
        return self._real.fileno()

    def isatty(self) -> bool:
        """As the real stream."""
        return self._real.isatty()

    def writable(self) -> bool:
        """Yes."""
        return True


@contextmanager
def printing_above(output: Output) -> Iterator[None]:
    """Inside, standard error is such a stream, if there is a status and it is the process's own."""
    real = sys.stderr
    if not output.is_live() or real is None:
        yield
        return
    above = Above(output, real)
    sys.stderr = above
    try:
        yield
    finally:
        sys.stderr = real
        above.flush_all()
