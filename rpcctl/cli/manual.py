"""`rpcctl manual`: the manual page, made of the same data as `--help`. What several commands share is told once."""

from collections import Counter
from collections.abc import Iterable

from rpcctl import __version__, registry
from rpcctl.cli.command import Command, Values, flags
from rpcctl.cli.help_text import describe_default, describe_option, describe_place, metavar, synopsis
from rpcctl.cli.options import MESSAGES, OUTPUT
from rpcctl.cli.roff import Page
from rpcctl.cli.session import Session
from rpcctl.exits import EXITS
from rpcctl.interfaces import FEATURES, Option, ProtocolInfo

COMMAND = Command(
    "manual",
    "Print the manual page",
    "About rpcctl",
    "rpcctl.cli.manual:run",
    options=(OUTPUT, *MESSAGES),
    details="In roff, as man pages are. It is installed with rpcctl too, as share/man/man1/rpcctl.1.",
    examples=("rpcctl manual | man -l -", "rpcctl manual -o ~/.local/share/man/man1/rpcctl.1"),
)
_SHARED = 3
"""From so many commands on an option is told once for all."""
_PURPOSE = "serve any Python target over RPC, and call the methods of any RPC server"
_ADDRESS = "[PROTOCOL+]TRANSPORT://[USER[:PASSWORD]@]HOST:PORT[/PATH][?OPTION=VALUE&…]"
_ADDRESSES = (
    "A short form leaves out what its scheme implies; :4242 and host:4242 take protocol and transport from --proto, "
    f"which is {registry.DEFAULT} unless said otherwise. Port 0 binds a free port. py:TARGET loads the target into the "
    "process, without any server."
)
_ENVIRONMENT = (
    "Each option has a variable: --connect-timeout is RPCCTL_CONNECT_TIMEOUT. A flag beats what an address says after "
    "its question mark, which beats the variable, which beats the default. NO_COLOR, FORCE_COLOR, TERM and COLUMNS are "
    "heeded."
)
_OUTPUT = (
    "Results go to standard output, all else to standard error. A terminal gets layout and colour; a pipe one JSON "
    "value a line, complete."
)


def run(values: Values, session: Session) -> None:
    """Print the page."""
    with session.output.writing(values.output):
        session.output.verbatim(write_manual())


def write_manual() -> str:
    """The page for this version and the protocols that there are."""
    from rpcctl.cli.app import load_commands

    commands = load_commands()
    shared = _find_shared(commands)
    page = Page("rpcctl", 1, f"rpcctl {__version__}")
    _write_beginning(page, commands)
    page.section("Commands")
    for command in commands:
        _write_command(page, command, shared)
    page.section("Options of several commands")
    for panel in dict.fromkeys(each.panel for each in shared):
        page.subsection(panel or "Others")
        _write_options(page, (each for each in shared if each.panel == panel))
    page.section("Protocols")
    for info in registry.protocols():
        _write_protocol(page, info)
    _write_end(page)
    return page.text()


def _find_shared(commands: Iterable[Command]) -> list[Option]:
    counts = Counter(option for command in commands for option in command.options)
    return [option for option, count in counts.items() if count >= _SHARED]


def _write_beginning(page: Page, commands: Iterable[Command]) -> None:
    page.section("Name")
    page.paragraph(f"rpcctl - {_PURPOSE}")
    page.section("Synopsis")
    page.code(synopsis(command) for command in commands)
    page.section("Description")
    page.paragraph(
        "rpcctl is to RPC what curl is to HTTP: one grammar, one table of exit codes and one rule of output for all "
        "protocols. rpcctl serve turns a module, file, class or object of Python into a server; rpcctl call calls the "
        "methods of any server."
    )
    page.paragraph(_OUTPUT)
    page.section("Addresses")
    page.code([_ADDRESS])
    page.paragraph(_ADDRESSES)


def _write_command(page: Page, command: Command, shared: Iterable[Option]) -> None:
    page.subsection(" ".join(["rpcctl", command.name, *map(describe_place, command.positionals)]))
    page.paragraph(f"{command.summary}. {command.details}".strip())
    for word in command.positionals:
        page.entry(metavar(word), f"{word.help[:1].upper()}{word.help[1:]}.")
    common = list(shared)
    _write_options(page, (each for each in command.options if each not in common))
    panels = dict.fromkeys(each.panel for each in command.options if each in common)
    if panels:
        roles = "; and those of the protocols" if command.roles else ""
        page.paragraph(f"Takes of the shared options those of: {', '.join(panels)}{roles}.")
    page.code(command.examples)


def _write_options(page: Page, options: Iterable[Option]) -> None:
    for option in options:
        term = ", ".join(flags(option)) + (f" {option.metavar}" if option.metavar else "")
        default = describe_default(option)
        page.entry(term, describe_option(option) + (f" ({default})." if default else "."))


def _write_protocol(page: Page, info: ProtocolInfo) -> None:
    page.subsection(", ".join([info.scheme, *info.aliases]))
    transports = ", ".join(each.name for each in info.transports)
    carries = ", ".join(text for name, text in FEATURES.items() if name in info.features)
    page.paragraph(f"Speaks {info.summary}. Transports: {transports}. Carries {carries}.")
    for role, title in (("client", "Of clients:"), ("server", "Of servers:")):
        options = [each for each in info.options if role in each.roles]
        if options:
            page.paragraph(title)
            _write_options(page, options)


def _write_end(page: Page) -> None:
    page.section("Exit status")
    for row in EXITS:
        page.entry(f"{row.code} ({row.kind})", f"{row.means}. To try: {row.try_next}.")
    page.section("Environment")
    page.paragraph(_ENVIRONMENT)
    page.section("See also")
    page.paragraph("curl(1). The language of --select and --until: https://jmespath.org.")
