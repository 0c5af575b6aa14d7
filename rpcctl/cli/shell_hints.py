"""What the prompt offers and hints at, by what is typed and what the server says of itself. Pure; no terminal here."""

from collections.abc import Iterable

from rpcctl.cli.complete import free_parameters
from rpcctl.cli.options import FORMATS
from rpcctl.cli.shells import Candidate, is_presentable, shorten
from rpcctl.cli.terminal import escape
from rpcctl.messages import Description, MethodDescription

DIRECTIVES = {
    "help": ("", "what can be typed here"),
    "list": ("[GLOB]", "names of the methods"),
    "describe": ("[METHOD]", "signature and documentation"),
    "time": ("[on|off]", "tell how long each call takes"),
    "format": ("[FORMAT]", "how results are printed"),
    "select": ("[EXPR]", "what is printed of each result"),
    "quit": ("", "leave, as Ctrl-D does"),
}
"""What the shell itself can do, behind a colon: the words it takes, and what for."""
PLAIN = ("list", "describe")
"""Those that need no colon where the server has no method of that name."""
_IDLE = ":help for help, Ctrl-D leaves"


def offer(text: str, description: Description | None, *, named: bool) -> list[Candidate]:
    """Words that could stand at the end of the text; `named` when the protocol has named arguments."""
    *before, word = text.split(" ") if text else [""]
    found = _offer_first(word, description) if not before else _offer_next(before, description, named)
    return [each for each in found if each.value.startswith(word) and is_presentable(each.value)]


def hint(text: str, description: Description | None, width: int) -> str:
    """One line about what is being typed: the method's signature and summary, as much as fits."""
    words = text.split()
    name = words[0].removeprefix(":") if words else ""
    if words and name in DIRECTIVES and (words[0][0] == ":" or name in PLAIN) and not _find(description, words[0]):
        takes, does = DIRECTIVES[name]
        line = f"{words[0]} {takes}".strip() + f"  {does}"
    else:
        method = _find(description, name)
        line = f"{method.name}{method.signature()}  {method.summary()}" if method else "" if words else _IDLE
    line = escape(line).strip()
    return line if len(line) <= width else line[: max(0, width - 1)] + "…"


def _offer_first(word: str, description: Description | None) -> Iterable[Candidate]:
    mark = ":" if word.startswith(":") else ""
    own = [Candidate(mark + name, DIRECTIVES[name][1]) for name in (DIRECTIVES if mark else PLAIN)]
    return own if mark else [*_methods(description), *own]


def _offer_next(before: list[str], description: Description | None, named: bool) -> Iterable[Candidate]:
    first = before[0].removeprefix(":")
    if first in ("describe", "list") and len(before) == 1:
        return _methods(description)
    if before == [":format"]:
        return [Candidate(each) for each in FORMATS]
    if before == [":time"]:
        return [Candidate("on"), Candidate("off")]
    method = _find(description, before[0])
    free = free_parameters(method, before[1:]) if method and named else []
    return [Candidate(f"{each.name}=", each.source()) for each in free]


def _methods(description: Description | None) -> list[Candidate]:
    methods = description.methods if description else ()
    return [Candidate(each.name, shorten(f"{each.signature()} {each.summary()}")) for each in methods]


def _find(description: Description | None, name: str) -> MethodDescription | None:
    return description.find(name) if description else None
