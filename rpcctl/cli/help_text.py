"""How help says what an option is: the same sentence in `--help` and in the manual. Knows neither Typer nor roff."""

from rpcctl.cli.command import Command, Positional
from rpcctl.interfaces import Option


def describe_option(option: Option) -> str:
    """What it does, its choices, and whether it may be repeated; without a full stop."""
    text = option.help[:1].upper() + option.help[1:]
    if option.choices:
        text += f": {', '.join(option.choices)}"
    return f"{text}; may be repeated" if option.multiple else text


def describe_default(option: Option) -> str:
    """`default 5`, or empty where there is none worth telling."""
    return f"default {_shown(option)}" if option.default not in (None, "", 0, False) else ""


def describe_place(word: Positional) -> str:
    """A word as a synopsis shows it: `[ARGUMENT…]`."""
    name = metavar(word)
    return name if word.required else f"[{name}]"


def metavar(word: Positional) -> str:
    """What stands for the word."""
    return word.name.upper().rstrip("S") + "…" if word.multiple else word.name.upper()


def synopsis(command: Command) -> str:
    """How the command is called."""
    return " ".join(["rpcctl", command.name, "[OPTION…]", *map(describe_place, command.positionals)])


def _shown(option: Option) -> str:
    value = option.default
    if option.type == "size":
        return f"{value // 1024}K" if value % 1024**2 else f"{value // 1024**2}M"
    return f"{value:g}" if isinstance(value, float) else str(value)
