"""A line typed at the prompt to words, quoted as in a POSIX shell; JSON in brackets needs no quotes. Pure."""

from collections.abc import Callable

_OPEN, _CLOSED = "{[", "}]"
_ESCAPED = '\\"$`\n'
"""What a backslash takes its meaning from between double quotes."""


class IncompleteError(ValueError):
    """The line goes on: a quote or a bracket is open, or a backslash ends it."""


def split_line(text: str) -> list[str]:
    """The words of a line, or of several that belong together; IncompleteError says what is open.

    A line that begins with # is a comment and has none; what follows `:select` is one word, as it stands.
    """
    if text.lstrip().startswith("#"):
        return []
    first, *rest = text.split(maxsplit=1) or [""]
    return [first, *(each.rstrip() for each in rest)] if first == ":select" else _Reading(text).run()


def is_complete(text: str) -> bool:
    """Whether the line does not go on."""
    try:
        split_line(text)
    except IncompleteError:
        return False
    return True


class _Reading:
    """One reading of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._word: str | None = None
        self._words: list[str] = []

    def run(self) -> list[str]:
        while self._at < len(self._text):
            self._step(self._text[self._at])
        self._end_word()
        return self._words

    def _step(self, char: str) -> None:
        if char.isspace():
            self._end_word()
            self._at += 1
        elif char in _READERS:
            _READERS[char](self)
        elif char in _OPEN and (not self._word or self._word.endswith("=")):
            self._add(self._find_end_of_json())
        else:
            self._add(self._at + 1)

    def _end_word(self) -> None:
        if self._word is not None:
            self._words.append(self._word)
        self._word = None

    def _add(self, end: int) -> None:
        """Take the text up to `end` as it is."""
        self._word = (self._word or "") + self._text[self._at : end]
        self._at = end

    def _read_single(self) -> None:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise IncompleteError("a ' is open")
        self._at += 1
        self._add(end)
        self._at += 1

    def _read_double(self) -> None:
        self._at += 1
        self._word = self._word or ""
        while (char := self._text[self._at : self._at + 1]) != '"':
            if not char:
                raise IncompleteError('a " is open')
            if char == "\\" and self._text[self._at + 1 : self._at + 2] in _ESCAPED:
                self._read_backslash()
            else:
                self._add(self._at + 1)
        self._at += 1

    def _read_backslash(self) -> None:
        if self._at + 1 >= len(self._text):
            raise IncompleteError("a backslash ends the line")
        self._at += 1
        if self._text[self._at] == "\n":
            self._at += 1
        else:
            self._add(self._at + 1)

    def _find_end_of_json(self) -> int:
        """Behind the bracket that closes the first one; those within texts do not count."""
        depth, quoted, skip = 0, False, False
        for at in range(self._at, len(self._text)):
            char = self._text[at]
            if quoted:
                skip, quoted = (char == "\\" and not skip), (skip or char != '"')
                continue
            quoted = char == '"'
            depth += (char in _OPEN) - (char in _CLOSED)
            if depth == 0 and not quoted:
                return at + 1
        raise IncompleteError("a bracket is open")


_READERS: dict[str, Callable[[_Reading], None]] = {
    "'": _Reading._read_single,
    '"': _Reading._read_double,
    "\\": _Reading._read_backslash,
}
