"""How bash, zsh and fish say what was typed, and in what form they take candidates: texts to texts.

    :words            first line: what follows are all candidates there are; or
    :files SKIP       the shell adds its own completion of paths, for the word without its first SKIP characters; or
    :dirs SKIP        the same of folders only
    VALUE<TAB>HELP    one line for each candidate; bash has no place for the help and gets none

A script that reads no such first line was not answered, and offers nothing. Candidates come from a server, which may be
hostile: one that does not fit on a line is left out, the rest are quoted where the shell itself does not do it.
Knows no command and no option.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

HELP_WIDTH = 100
"""Characters of a candidate's help that are shown."""
_PIECE = re.compile(
    r"""\\(?P<escaped>.?)|'(?P<single>[^']*)(?P<end1>'?)|"(?P<double>(?:\\.?|[^"\\])*)(?P<end2>"?)|\s+|[^\s\\'"]+""",
    re.DOTALL,
)
"""A stretch of a command line: one escaped character, a quoted text, spaces, or anything else."""
_UNSAFE = re.compile(r"([^\w@%+=:,./-])")


class Candidate(NamedTuple):
    """A word that could stand at the cursor."""

    value: str
    help: str = ""


class Answer(NamedTuple):
    """What could stand at the cursor."""

    candidates: tuple[Candidate, ...] = ()
    paths: str = ""
    """`files` or `dirs` when the shell's own completion of paths belongs there too."""
    skip: int = 0
    """How many characters of the word stand before the path."""


class Typed(NamedTuple):
    """What stands before the cursor."""

    words: tuple[str, ...]
    """After the program's name and without quotes; the last one is being typed and may be empty."""
    kept: str = ""
    """The beginning of the last word that the shell leaves standing when it inserts a candidate."""
    quote: str = ""
    """The quote that is open at the cursor, or empty."""


class Shell(NamedTuple):
    """One shell's ways."""

    read: Callable[[Sequence[str]], Typed]
    """What its script hands over."""
    show: Callable[[Typed, Candidate], str]
    """A candidate's line, or empty when the shell cannot be given this one."""


def render(shell: Shell, typed: Typed, answer: Answer) -> str:
    """The answer as its script reads it."""
    directive = f":{answer.paths} {max(0, answer.skip - len(typed.kept))}" if answer.paths else ":words"
    lines = (shell.show(typed, each) for each in answer.candidates if is_presentable(each.value))
    return "\n".join([directive, *(line for line in lines if line)]) + "\n"


def is_presentable(value: str) -> bool:
    """Whether a value fits on a line and moves no cursor: no control, formatting or half characters."""
    return value.isprintable() and value != ""


def split(line: str) -> tuple[list[str], str]:
    """The words of a line up to the cursor, as typed, the last one maybe empty; and the quote that is still open."""
    words, quote = [""], ""
    for piece in _PIECE.finditer(line.lstrip()):
        if piece[0].isspace():
            words.append("")
        else:
            words[-1] += piece[0]
        quote = piece[0][0] if piece["end1"] == "" or piece["end2"] == "" else ""
    return words, quote


def unquote(word: str) -> str:
    """A word as a shell would read it; a quote that is still open ends at the end."""
    return "".join(_unquote_piece(each) for each in _PIECE.finditer(word))


def _unquote_piece(piece: re.Match[str]) -> str:
    if piece["double"] is not None:
        return re.sub(r'\\([$`"\\])', r"\1", piece["double"])
    return next((piece[name] for name in ("escaped", "single") if piece[name] is not None), piece[0])


def _read_bash(given: Sequence[str]) -> Typed:
    """The line up to the cursor, and the part of it that readline will replace: a colon, for one, begins a new part."""
    line, part = given
    words, quote = split(line)
    kept = words[-1].removesuffix(part)
    return Typed(tuple(unquote(each) for each in words[1:]), unquote(kept), quote)


def _show_bash(typed: Typed, candidate: Candidate) -> str:
    """What is inserted after the part that is kept, quoted; bash itself chooses nothing and quotes nothing."""
    value = candidate.value
    if not value.startswith(typed.words[-1]):
        return ""
    rest = value.removeprefix(typed.kept)
    if typed.quote:
        # Readline's insert-completions drops the open quote: there a value must be harmless without any.
        return "" if _UNSAFE.search(rest) else rest
    return _UNSAFE.sub(r"\\\1", rest)


def _read_words(given: Sequence[str]) -> Typed:
    return Typed(tuple(given))


def _read_fish(given: Sequence[str]) -> Typed:
    *words, current = given
    return Typed((*words, unquote(current)))


def _show_line(typed: Typed, candidate: Candidate) -> str:
    return f"{candidate.value}\t{shorten(candidate.help)}"


def _show_zsh(typed: Typed, candidate: Candidate) -> str:
    """As a line; zsh's list of descriptions has no spelling for a backslash."""
    return "" if "\\" in candidate.value else _show_line(typed, candidate)


def shorten(text: str) -> str:
    """The help on one line, without what a terminal would act on."""
    line = "".join(char if char.isprintable() else " " for char in text[: HELP_WIDTH * 4])
    line = " ".join(line.split())
    return line if len(line) <= HELP_WIDTH else line[: HELP_WIDTH - 1] + "…"


SHELLS = {
    "bash": Shell(_read_bash, _show_bash),
    "fish": Shell(_read_fish, _show_line),
    "zsh": Shell(_read_words, _show_zsh),
}
