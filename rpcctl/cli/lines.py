"""Lines of a file or of standard input as they come: a thread reads ahead, so that the caller may look without waiting.

Memory stays constant: a little is read ahead, and of a line that is too long only so much is kept as shows it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any, NamedTuple

from rpcctl.errors import InputError

_PIECE = 64 * 1024
_AHEAD = 2
"""Pieces read ahead."""

Read = Callable[[int], bytes]
"""Up to so many bytes as soon as there are any; none at the end."""


class Line(NamedTuple):
    """One line without its end."""

    number: int
    """Counted from 1."""
    data: bytes


class Lines:
    """The lines of a stream; of those longer than `most` bytes the beginning, one byte longer than that."""

    def __init__(self, stream: IO[Any], most: int) -> None:
        """Begin to read the stream, which is closed at its end."""
        self.at_end = False
        """Whether there are no more, which `take` finds out."""
        self.bytes_taken = 0
        """Size of the lines that were taken, for a display of progress."""
        self._splitter = Splitter(most)
        self._pieces: Queue[bytes | Exception] = Queue(_AHEAD)
        self._ready: Iterator[Line] = iter(())
        Thread(target=self._run, args=(stream,), name="rpcctl-input", daemon=True).start()

    def take(self, *, wait: bool) -> Line | None:
        """The next line; None when there is none yet, or no more. InputError when reading failed."""
        line = next(self._ready, None)
        while line is None and not self.at_end:
            try:
                self._take_piece(self._pieces.get(block=wait))
            except Empty:
                return None
            line = next(self._ready, None)
        if line is not None:
            self.bytes_taken += len(line.data) + 1
        return line

    def _take_piece(self, piece: bytes | Exception) -> None:
        if isinstance(piece, Exception):
            self.at_end = True
            raise InputError(f"the input cannot be read: {getattr(piece, 'strerror', None) or piece}") from piece
        self.at_end = not piece
        self._ready = self._splitter.split(piece)

    def _run(self, stream: IO[Any]) -> None:
        read = _reader_of(stream)
        try:
            # Only this thread closes it: another would take away what is being read.
            with closing(stream):
                while piece := read(_PIECE):
                    self._pieces.put(piece)
            self._pieces.put(b"")
        except (OSError, ValueError) as exc:
            self._pieces.put(exc)


class Splitter:
    """Pieces to lines; keeps what is unfinished. Pure."""

    def __init__(self, most: int) -> None:
        """Of a line of more than `most` bytes so many and one more are kept."""
        self._most = most
        self._rest = bytearray()
        self._number = 0

    def split(self, piece: bytes) -> Iterator[Line]:
        """The lines that a piece completes; an empty one is the end, which completes the last."""
        *whole, rest = piece.split(b"\n")
        for part in whole:
            yield self._end(part)
        self._keep(rest)
        if not piece and self._rest:
            yield self._end(b"")

    def _end(self, part: bytes) -> Line:
        self._keep(part)
        data = bytes(self._rest)
        self._rest.clear()
        self._number += 1
        return Line(self._number, data.removesuffix(b"\r"))

    def _keep(self, part: bytes) -> None:
        self._rest += part[: self._most + 1 - len(self._rest)]


def _reader_of(stream: IO[Any]) -> Read:
    """How to read a stream piece by piece; the descriptor itself where there is one.

    A buffered stream in the midst of being read by a thread would keep the interpreter from ending.
    """
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):
        read: Read = getattr(stream, "read1", stream.read)
        return read
    return lambda size: os.read(descriptor, size)
