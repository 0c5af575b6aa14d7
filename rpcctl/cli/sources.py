"""The files, and the standard input, that words stand for: read whole, up to a limit, and standard input only once."""

from collections.abc import Callable

from rpcctl.cli.word import Word, shorten
from rpcctl.errors import ArgumentError, InputError

MAX_INPUT = 100 * 1024 * 1024
"""Largest file or standard input that a word may stand for, in bytes."""

ReadStdin = Callable[[], bytes]


class Sources:
    """What the words of one command line read from; a path of `-` is standard input."""

    def __init__(self, stdin: ReadStdin, *, exact: bool = False) -> None:
        """`stdin` gives all of standard input; it is called at most once. `exact` keeps every digit of a fraction."""
        self.exact = exact
        self._stdin: ReadStdin | None = stdin

    def read(self, path: str, word: Word) -> bytes:
        """All bytes; InputError when they cannot be had, ArgumentError when standard input is used up."""
        if not path:
            raise ArgumentError(f"{word.label()}: @ names no file", hint=word.remedy())
        try:
            data = self._read_stdin(word) if path == "-" else _read_file(path)
        except (OSError, ValueError) as exc:
            reason = getattr(exc, "strerror", None) or exc
            raise InputError(f"{word.label()}: cannot read {describe(path)}: {reason}", hint=word.remedy()) from exc
        if len(data) > MAX_INPUT:
            limit = f"{MAX_INPUT >> 20} MiB"
            raise InputError(f"{word.label()}: {describe(path)} has more than {limit}", hint="send it in parts")
        return data

    def read_text(self, path: str, word: Word) -> str:
        """The same as text, verbatim; InputError when it is not UTF-8."""
        try:
            return self.read(path, word).decode("utf-8")
        except UnicodeDecodeError as exc:
            raise InputError(
                f"{word.label()}: {describe(path)} is not UTF-8 text at byte {exc.start + 1}",
                hint=word.hint or f"{word.spell('%=', '@' + path)} sends it as bytes",
            ) from None

    def _read_stdin(self, word: Word) -> bytes:
        if self._stdin is None:
            raise ArgumentError(f"{word.label()}: an earlier word has read standard input", hint="name it only once")
        read, self._stdin = self._stdin, None
        return read()


def describe(path: str) -> str:
    """The path as messages name it."""
    if path == "-":
        return "standard input"
    return shorten(path) if path.isprintable() else shorten(repr(path))


def _read_file(path: str) -> bytes:
    with open(path, "rb") as file:
        # One byte more than is allowed tells an endless device from a file that just fits.
        return file.read(MAX_INPUT + 1)
