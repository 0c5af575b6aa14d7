"""Reads a command line that has nothing unusual about it, without loading Typer, which costs more than a call does.

It knows long options, single-letter ones and words; whatever else it meets - a misspelling, a cluster, `--help`, a
word too few - it leaves to Typer, which has the messages. A test holds the two to the same result.
"""

from collections.abc import Sequence
from typing import Any

from rpcctl.cli.command import Command, Values, attribute, flags
from rpcctl.interfaces import Option


def read(command: Command, words: Sequence[str]) -> Values | None:
    """The values of the words after the command's name, as texts, switches and counts; None where Typer must look."""
    known = {flag: option for option in command.options for flag in flags(option)}
    values: dict[str, Any] = {attribute(option.name): None for option in command.options}
    rest: list[str] = []
    waiting = iter(words)
    for word in waiting:
        if word == "--":
            rest.extend(waiting)
        elif not is_option(word):
            rest.append(word)
        elif not _read_option(known, values, word, waiting):
            return None
    return _place(command, values, rest)


def is_option(word: str) -> bool:
    """Whether a word is an option: it begins with a dash and is neither a lone dash nor a negative number."""
    return len(word) > 1 and word[0] == "-" and not (word[1].isdigit() or (word[1] == "." and word[2:3].isdigit()))


def _read_option(known: dict[str, Option], values: dict[str, Any], word: str, waiting: Any) -> bool:
    flag, equals, value = word.partition("=")
    option = known.get(flag)
    if option is None or (equals and not flag.startswith("--")):
        return False
    name = attribute(option.name)
    if option.type in ("switch", "count"):
        values[name] = (values[name] or 0) + 1 if option.type == "count" else True
        return not equals
    text = value if equals else next(waiting, None)
    if text is None:
        return False
    values[name] = [*(values[name] or ()), text] if option.multiple else text
    return True


def _place(command: Command, values: dict[str, Any], rest: list[str]) -> Values | None:
    for positional in command.positionals:
        if positional.multiple and (rest or not positional.required):
            values[attribute(positional.name)] = rest
            rest = []
        elif rest:
            values[attribute(positional.name)] = rest.pop(0)
        elif positional.required:
            return None
        else:
            values[attribute(positional.name)] = None
    return None if rest else Values(**values)
