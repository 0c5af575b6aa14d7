"""One word of the arguments, taken apart at its operator, and how errors speak of it. Nothing is read here."""

import re
from typing import NamedTuple

BRACKETS = ('"', "{", "[")
"""What a JSON text, array or object begins with; such a word is never taken apart."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATORS = (":=", "==", "%=")
_SHOWN = 60


class Word(NamedTuple):
    """A word such as `name:=3`: what it names, and what is left to be read in which way."""

    whole: str
    place: str
    """How errors name it, as `argument 2`."""
    name: str
    """Empty for a positional argument."""
    operator: str
    """`auto`, `:=`, `==` or `%=`."""
    text: str
    hint: str = ""
    """What to type when it cannot be read; worked out from the word when empty."""

    def label(self) -> str:
        """The place and the beginning of the word."""
        return f"{self.place}, {shorten(self.whole)!r}"

    def remedy(self) -> str:
        """What to type instead: as a rule, that which sends the same characters as text."""
        return self.hint or f"{self.spell('==', self.text)} sends it as text"

    def spell(self, operator: str, text: str) -> str:
        """The word with another operator and text, quoted for a shell."""
        from shlex import quote

        return quote(f"{self.name}{operator}{shorten(text)}")


def split_word(whole: str, place: str) -> Word:
    """Take a word apart; one without an operator is all text."""
    # The name is matched without its operator: an expression for both would search a long word twice.
    match = None if whole.startswith(BRACKETS) else _NAME.match(whole)
    name = match[0] if match else ""
    operator = whole[len(name) : len(name) + 2]
    if operator in _OPERATORS:
        return Word(whole, place, name, operator, whole[len(name) + 2 :])
    if name and operator[:1] == "=":
        return Word(whole, place, name, "auto", whole[len(name) + 1 :])
    return Word(whole, place, "", "auto", whole)


def shorten(text: str) -> str:
    """The text as messages show it: only its beginning when it is long."""
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
