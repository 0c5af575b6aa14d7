"""What a command is: its words, its options, its help, and the function that runs it.

Read by the quick reader, by Typer and by completion. Nothing here knows Typer, a protocol or a terminal.
"""

from collections.abc import Mapping
from keyword import iskeyword
from types import SimpleNamespace
from typing import IO, Any, NamedTuple

from rpcctl.interfaces import Option

Values = SimpleNamespace
"""What the user typed, one attribute for each word and option, hyphens as underscores; None when not given."""


class Environment(NamedTuple):
    """All that is outside the program, so that tests can hand in their own."""

    stdin: IO[Any]
    stdout: IO[Any]
    stderr: IO[Any]
    environ: Mapping[str, str]


class Positional(NamedTuple):
    """A word that is told by its place."""

    name: str
    help: str
    required: bool = True
    multiple: bool = False
    complete: str = ""
    """What completion offers: `address`, `method`, `argument`, `protocol`, `code`, `shell`, `target`, `file`,
    `profile`, `action` or nothing."""


class Command(NamedTuple):
    """One command of rpcctl."""

    name: str
    summary: str
    """One line, without a full stop."""
    group: str
    """Heading under which `rpcctl` lists it."""
    run: str
    """`module:function`, called with (Values, Environment, Output); imported when the command is run."""
    positionals: tuple[Positional, ...] = ()
    options: tuple[Option, ...] = ()
    roles: tuple[str, ...] = ()
    """The protocols' own options that it takes too: those for `client`, `server` or none."""
    details: str = ""
    """What the help says between the summary and the options."""
    examples: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


def attribute(name: str) -> str:
    """The attribute of Values that holds the option or word of that name; `class` becomes `class_`."""
    return name + "_" if iskeyword(name) else name.replace("-", "_")


def spellings(command: Command) -> set[str]:
    """The names and short forms that the command's own words and options have."""
    own = {spelling for option in command.options for spelling in (option.name, option.short)}
    return own | {each.name for each in command.positionals} | {"help", "-h", "own"}


def flags(option: Option) -> tuple[str, ...]:
    """The spellings that the option has on the command line, the long one first."""
    return (f"--{option.name}", option.short) if option.short else (f"--{option.name}",)
