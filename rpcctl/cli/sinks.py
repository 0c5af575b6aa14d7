"""Where text and bytes end up: a stream of the process, or a file that appears whole or not at all.

A reader that closed the pipe is BrokenPipeError, as the system says it; whatever else fails is an OutputError.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from rpcctl.errors import OutputError

Open = Callable[[], IO[bytes]]


class Sink:
    """Writes UTF-8 to a stream, byte for byte; lone surrogates as their escapes."""

    def __init__(self, stream: IO[Any] | None, name: str) -> None:
        """`stream` may be one of text over bytes, of text, of bytes, or missing; `name` is how errors call it."""
        self.stream = stream
        self._bytes = getattr(stream, "buffer", stream)
        self._takes_text = stream is not None and self._bytes is stream and hasattr(stream, "encoding")
        self.name = name

    def write(self, data: str | bytes) -> None:
        """Take all of the data; it may stay in memory until `flush`."""
        with writing_to(self.name):
            if self._bytes is None:
                raise ValueError("it is closed")
            encoded = data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data
            self._bytes.write(encoded.decode("utf-8", "backslashreplace") if self._takes_text else encoded)

    def flush(self) -> None:
        """Hand over what was written."""
        with writing_to(self.name):
            if self.stream is not None:
                self.stream.flush()


@contextmanager
def writing_to(name: str) -> Iterator[None]:
    """Name the place when writing to it fails."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise OutputError(f"cannot write {name}: {reason}", hint="rpcctl explain 23") from exc


@contextmanager
def replacing(path: str) -> Iterator[Sink]:
    """A sink that becomes the file at `path` when the block ends well, and leaves an old file as it was otherwise.

    Devices and pipes are written as they are; a link keeps pointing at its file. OutputError names the path.
    """
    with writing_to(path):
        place = os.path.realpath(path)
        mode = _find_mode(place)
    if mode is not None and not stat.S_ISREG(mode):
        with _opened(path, lambda: open(path, "wb")) as sink:
            yield sink
        return
    temporary = os.path.join(os.path.dirname(place), f".rpcctl-{os.urandom(6).hex()}.part")
    try:
        with _opened(path, lambda: _create(temporary, mode)) as sink:
            yield sink
        with writing_to(path):
            os.replace(temporary, place)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


@contextmanager
def _opened(path: str, open_file: Open) -> Iterator[Sink]:
    with writing_to(path):
        file = open_file()
    try:
        yield Sink(file, path)
    except BaseException:
        with suppress(OSError):
            file.close()
        raise
    # Closing hands over the last bytes, and is where a full disk may first be noticed.
    with writing_to(path):
        file.close()


def _find_mode(place: str) -> int | None:
    try:
        return os.stat(place).st_mode
    except FileNotFoundError:
        return None


def _create(place: str, mode: int | None) -> IO[bytes]:
    """A new file with the rights of the one it replaces, or those that any new file gets."""
    file = os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666), "wb")
    if mode is not None:
        with suppress(OSError):
            os.chmod(place, stat.S_IMODE(mode))
    return file
