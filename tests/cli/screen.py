"""An Output with streams that a test can read, and streams that fail."""

import io
import re
from typing import Any

from rpcctl.cli.output import Output
from tests.shell import Pipe

COLOR = re.compile(r"\x1b\[[\d;]*m")


class Screen:
    """An Output with both its streams, which are pipes unless `tty`."""

    def __init__(self, *, tty: bool = False, env: dict[str, str] | None = None, **options: Any) -> None:
        self.out, self.err = Pipe(tty=tty), Pipe(tty=tty)
        self.output = Output(self.out, self.err, env=env or {}, **options)

    @property
    def raw(self) -> bytes:
        """All bytes of standard output."""
        self.output.flush()
        return self.out.bytes.getvalue()

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.raw.decode()

    @property
    def plain(self) -> str:
        """The same without colours."""
        return COLOR.sub("", self.text)

    @property
    def told(self) -> str:
        """Standard error."""
        return self.err.text()


def show(value: Any, **options: Any) -> str:
    """What one result looks like."""
    screen = Screen(**options)
    screen.output.value(value)
    return screen.text


class Buffered(io.TextIOWrapper):
    """A stream whose bytes arrive when they are flushed, as a real one's do."""

    def __init__(self) -> None:
        self.end = Arrival()
        super().__init__(io.BufferedWriter(self.end, 1 << 16), encoding="utf-8")

    def arrived(self) -> bytes:
        return bytes(self.end.data)


class Arrival(io.RawIOBase):
    """Where written bytes arrive, or fail to."""

    def __init__(self, error: OSError | None = None) -> None:
        self.data = bytearray()
        self.error = error

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.error:
            raise self.error
        self.data += data
        return len(data)
