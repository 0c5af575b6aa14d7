"""The same commands as a Typer program: it reads what the quick reader leaves, shows help, and words the mistakes."""

import inspect
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from rpcctl import __version__, registry
from rpcctl.cli.command import Command, Values, attribute, flags, spellings
from rpcctl.cli.help_text import describe_default, describe_option, metavar
from rpcctl.cli.words import mask_numbers, unmask
from rpcctl.errors import UsageError, suggest
from rpcctl.interfaces import Option

SUMMARY = "Serve any Python target over RPC, and call the methods of any RPC server: curl, for RPC."


def read(commands: Sequence[Command], argv: Sequence[str]) -> tuple[Command, Values] | int:
    """The command and values that the words mean, or the exit code when help was shown; UsageError otherwise."""
    found: list[tuple[Command, Values]] = []
    program = build(commands, lambda command, values: found.append((command, values)))
    takes_value = {
        flag for command in commands for option in all_options(command) if option.metavar for flag in flags(option)
    }
    try:
        code = program(mask_numbers(argv, takes_value) or ["--help"], prog_name="rpcctl", standalone_mode=False)
    except typer.TyperException as exc:
        raise _explain(exc, commands, argv) from None
    if not found:
        return int(code or 0) if argv else UsageError.exit_code
    command, values = found[0]
    values.own = registry.own_options(command.roles, spellings(command))
    return command, values


def all_options(command: Command) -> list[Option]:
    """The command's own options and those of the protocols."""
    return [*command.options, *registry.own_options(command.roles, spellings(command)).values()]


def build(commands: Sequence[Command], chosen: Callable[[Command, Values], None]) -> typer.Typer:
    """A Typer program that calls `chosen` with what was typed."""
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="rpcctl COMMAND --help tells more of one command, rpcctl explain CODE of an exit code.",
    )
    app.callback(help=SUMMARY)(_main)
    for command in commands:
        for name in (command.name, *command.aliases):
            app.command(
                name,
                help=_help_text(command),
                short_help=command.summary,
                epilog=_examples(command),
                rich_help_panel=command.group,
                hidden=name != command.name,
            )(_function(command, chosen))
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rpcctl {__version__}")
        raise typer.Exit


def _main(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", help="Print the version and leave.", is_eager=True, callback=_show_version),
    ] = False,
) -> None:
    """Options that stand before a command."""


def _function(command: Command, chosen: Callable[[Command, Values], None]) -> Callable[..., None]:
    """A function whose signature says to Typer what the command's data say."""

    def function(**typed: Any) -> None:
        values = {name: unmask(value) for name, value in typed.items()}
        chosen(command, Values(**values))

    parameters = [_positional(each) for each in command.positionals] + [_option(each) for each in all_options(command)]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by inspect.signature
    function.__annotations__ = {each.name: each.annotation for each in parameters}
    return function


def _positional(word: Any) -> inspect.Parameter:
    kind: Any = list[str] if word.multiple else str if word.required else str | None
    default: Any = inspect.Parameter.empty if word.required else [] if word.multiple else None
    return _parameter(
        word.name, kind, typer.Argument(metavar=metavar(word), help=word.help, show_default=False), default
    )


def _option(option: Option) -> inspect.Parameter:
    kind: Any = {"switch": bool, "count": int}.get(option.type, list[str] if option.multiple else str) | None
    info = typer.Option(
        *flags(option),
        help=_option_help(option),
        metavar=option.metavar or None,
        show_default=False,
        count=option.type == "count",
        rich_help_panel=option.panel or None,
    )
    return _parameter(option.name, kind, info, None)


def _parameter(name: str, kind: Any, info: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        attribute(name), inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )


def _option_help(option: Option) -> str:
    default = describe_default(option)
    return _escape(describe_option(option)) + (f" [dim]({default})[/dim]" if default else "") + "."


def _escape(text: str) -> str:
    """The text with no bracket that could be taken for a style."""
    return re.sub(r"(\[[a-z#/@])", r"\\\1", text)


def _examples(command: Command) -> str:
    return "\n\n".join(["[bold]Examples[/bold]", *map(_escape, command.examples)])


def _help_text(command: Command) -> str:
    return _escape(f"{command.summary}.\n\n{command.details}".strip())


def _explain(exc: Any, commands: Sequence[Command], argv: Sequence[str]) -> UsageError:
    """Typer's message in our form, with the remedy."""
    message = str(unmask(exc.format_message())).rstrip(".")
    name = getattr(exc, "option_name", "")
    if "does not take a value" in message:
        return UsageError(f"{name} takes no value", hint=f"{name} alone")
    if name:
        return UsageError(f"no such option {name!r}", hint=_hint_option(name, commands, argv))
    if message.startswith("No such command"):
        word = argv[0] if argv else ""
        return UsageError(
            f"no such command {word!r}", hint=suggest(word, [each.name for each in commands], "rpcctl --help")
        )
    return UsageError(message[:1].lower() + message[1:], hint=f"rpcctl {argv[0]} --help" if argv else "rpcctl --help")


def _hint_option(name: str, commands: Sequence[Command], argv: Sequence[str]) -> str:
    command = next((each for each in commands if argv and argv[0] in (each.name, *each.aliases)), None)
    known = [flag for option in (all_options(command) if command else ()) for flag in flags(option)]
    near = suggest(name, [flag for flag in known if flag.startswith("--")])
    takes_words = bool(command and command.positionals and command.positionals[-1].complete == "argument")
    as_text = f"-- goes before an argument like {name}" if takes_words else ""
    return " ".join(each for each in (near, as_text) if each) or f"rpcctl {argv[0]} --help"
