"""Text as a manual page has it, in the man macros that groff and mandoc share. Pure; knows nothing of rpcctl.

Every line of text is escaped, so that none can be taken for a request; the page is plain ASCII.
"""

from collections.abc import Iterable


class Page:
    """A manual page that grows from top to bottom."""

    def __init__(self, name: str, section: int, source: str) -> None:
        """Begin with the title line; `source` is what the page belongs to, as `rpcctl 1.0`."""
        # Neither hyphens nor spread words: addresses and options are to be read as they are typed.
        self._lines = [f'.TH {name.upper()} {section} "" "{escape(source)}" "User Commands"', ".nh", ".ad l"]

    def section(self, title: str) -> None:
        """A heading in capitals."""
        self._lines.append(f'.SH "{escape(title.upper())}"')

    def subsection(self, title: str) -> None:
        """A heading below that."""
        self._lines.append(f'.SS "{escape(title)}"')

    def paragraph(self, text: str) -> None:
        """A paragraph of text, filled."""
        self._lines += [".PP", *_protect(escape(text))]

    def entry(self, term: str, text: str) -> None:
        """A term in bold, and what there is to say of it, indented."""
        self._lines += [".TP", f"\\fB{escape(term)}\\fR", *_protect(escape(text))]

    def code(self, lines: Iterable[str]) -> None:
        """Lines as they are typed."""
        self._lines += [".PP", ".RS 4", ".nf"]
        for line in lines:
            self._lines += _protect(escape(line))
        self._lines += [".fi", ".RE"]

    def text(self) -> str:
        """The page."""
        return "\n".join(self._lines) + "\n"


def escape(text: str) -> str:
    """One line of text without anything that roff would act on; quotes can stand in a heading."""
    escaped = " ".join(text.split()).replace("\\", "\\e")
    for character, name in (
        ("-", "\\-"),
        ("'", "\\(aq"),
        ('"', "\\(dq"),
        ("`", "\\(ga"),
        ("^", "\\(ha"),
        ("~", "\\(ti"),
    ):
        escaped = escaped.replace(character, name)
    return "".join(each if each.isascii() else f"\\[u{ord(each):04X}]" for each in escaped)


def _protect(line: str) -> list[str]:
    """The line with nothing at its beginning that would make it a request."""
    return [f"\\&{line}" if line.startswith(".") else line] if line else []
