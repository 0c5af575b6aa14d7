"""What could stand at the cursor of a command line.

Read from the tables of commands, options and protocols, so that a new one appears by itself; only methods come from the
server at ADDRESS, by a function that is handed in. Knows no shell.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from rpcctl import registry
from rpcctl.address import Transport
from rpcctl.cli.command import Command, flags, spellings
from rpcctl.cli.options import PROTO
from rpcctl.cli.quick import is_option
from rpcctl.cli.shells import SHELLS, Answer, Candidate
from rpcctl.errors import RpcctlError
from rpcctl.exits import EXITS
from rpcctl.interfaces import Option, ProtocolInfo
from rpcctl.messages import Description, MethodDescription, Parameter
from rpcctl.settings import read_variable

if TYPE_CHECKING:
    from rpcctl.cli.saved import Saved

Ask = Callable[["Line"], Description]
"""Asks the server that the line names what can be called; raises RpcctlError."""


class Program(NamedTuple):
    """What is completed."""

    names: Iterable[str]
    """Of the commands."""
    load: Callable[[str], Command]
    """The command of a name or alias; KeyError when there is none."""
    ask: Ask


class Line(NamedTuple):
    """A command line up to the word that is being typed, as far as it makes sense."""

    command: Command
    given: dict[str, str]
    """Texts of the options by name."""
    rest: list[str]
    """The words that are told by their place."""
    waiting: Option | None = None
    """The option whose value is being typed."""
    ended: bool = False
    """Whether `--` ended the options."""

    def find(self, kind: str) -> str:
        """The word that was typed for the positional of that kind, or empty."""
        pairs = zip(self.command.positionals, self.rest, strict=False)
        return next((word for positional, word in pairs if positional.complete == kind), "")

    def saved(self) -> "Saved | None":
        """The profile that stands in place of the address; RpcctlError when there is none of that name."""
        from rpcctl.cli.saved import Saved

        address = self.find("address")
        return Saved(address[1:], os.environ) if address.startswith("@") else None

    def proto(self) -> str | None:
        """The protocol asked for, on the line or by its variable."""
        return self.given.get("proto") or read_variable(PROTO, os.environ)

    def protocol(self) -> ProtocolInfo | None:
        """The protocol that is meant; None while nothing says so."""
        address, proto = self.find("address"), self.proto()
        try:
            if saved := self.saved():
                return saved.info
            if address:
                return registry.find(registry.parse_address(address, proto).protocol)
            return registry.find(proto) if proto else None
        except RpcctlError:
            return None


def complete(words: Sequence[str], program: Program) -> Answer:
    """The candidates for the last of the words that follow the program's name; not all of them begin as it does.

    RpcctlError when the server must be asked and does not answer.
    """
    *before, word = words
    if not before:
        return _offer_commands(program, word)
    try:
        command = program.load(before[0])
    except KeyError:
        return Answer()
    line = read_line(command, before[1:])
    if line.waiting:
        return _offer_value(line, line.waiting, word)
    if not line.ended and (word == "-" or is_option(word)):
        return _offer_options(line, word)
    return _offer_place(line, word, program.ask)


def read_line(command: Command, words: Sequence[str]) -> Line:
    """The words after the command's name, before the one that is being typed; what is not understood is passed over."""
    given: dict[str, str] = {}
    rest: list[str] = []
    waiting = iter(words)
    for word in waiting:
        if word == "--":
            return Line(command, given, [*rest, *waiting], ended=True)
        if not is_option(word):
            rest.append(word)
            continue
        flag, equals, value = word.partition("=")
        option = _find_option(command, flag)
        if option and not equals and _takes_value(option):
            following = next(waiting, None)
            if following is None:
                return Line(command, given, rest, option)
            value = following
        if option:
            given[option.name] = value
    return Line(command, given, rest)


def _find_option(command: Command, flag: str) -> Option | None:
    for option in command.options:
        if flag in flags(option):
            return option
    own = registry.own_options(command.roles, spellings(command))
    return next((option for option in own.values() if flag in flags(option)), None)


def _takes_value(option: Option) -> bool:
    return option.type not in ("switch", "count")


def _offer_commands(program: Program, word: str) -> Answer:
    if word.startswith("-"):
        return Answer((Candidate("--help", "show the commands"), Candidate("--version", "show the version")))
    commands = [program.load(name) for name in program.names]
    return Answer(tuple(Candidate(command.name, command.summary) for command in commands))


def _offer_options(line: Line, word: str) -> Answer:
    flag, equals, value = word.partition("=")
    if equals:
        option = _find_option(line.command, flag)
        return _put_before(f"{flag}=", _offer_value(line, option, value)) if option else Answer()
    again = [each for each in _options(line) if each.name not in line.given or each.multiple or each.type == "count"]
    found = [Candidate(spelling, each.help) for each in again for spelling in flags(each)]
    return Answer((*found, Candidate("--help", "show what the command takes")))


def _options(line: Line) -> list[Option]:
    """The command's options and the protocols' own: of the one in use, or of all while none is known."""
    own = registry.own_options(line.command.roles, spellings(line.command))
    info = line.protocol()
    if info is not None:
        own = {option.name: option for option in info.options if option.name in own}
    return [*line.command.options, *own.values()]


def _put_before(prefix: str, found: Answer) -> Answer:
    candidates = tuple(each._replace(value=prefix + each.value) for each in found.candidates)
    return Answer(candidates, found.paths, found.skip + len(prefix))


def _offer_value(line: Line, option: Option, word: str) -> Answer:
    """Values for an option: its choices, or what the words mean that stand for its value in the help."""
    if option.choices:
        return Answer(tuple(Candidate(each) for each in option.choices))
    if option.type == "seconds_or_off":
        return Answer((Candidate("off", "no limit"),))
    for part in (option.metavar, *option.metavar.split("|")):
        if part in _VALUES:
            return _VALUES[part](line, word)
    return Answer()


def _offer_place(line: Line, word: str, ask: Ask) -> Answer:
    """Words for the next place; options where no place is left."""
    places = line.command.positionals
    if len(line.rest) < len(places):
        place = places[len(line.rest)]
    elif places and places[-1].multiple:
        place = places[-1]
    else:
        return Answer() if line.ended else _offer_options(line, "")
    return _PLACES[place.complete](line, word, ask) if place.complete in _PLACES else Answer()


def _protocols(line: Line) -> list[ProtocolInfo]:
    """The protocol that is meant, or all."""
    info = line.protocol()
    return [info] if info else registry.protocols()


def _offer_protocols() -> Answer:
    found = [Candidate(name, info.summary) for info in registry.protocols() for name in (info.scheme, *info.aliases)]
    return Answer(tuple(found))


def _offer_addresses(infos: Iterable[ProtocolInfo], word: str) -> Answer:
    """Where servers are by default; in full spelling too, once something is typed. A target's file is a path."""
    found = [
        Candidate(spelling, info.summary)
        for info in infos
        for transport in info.transports
        for spelling in _spellings(info, transport)[: None if word else 1]
    ]
    prefix = next((each.value for each in found if each.value.endswith(":") and word.startswith(each.value)), "")
    return Answer(tuple(found), "files" if prefix else "", len(prefix))


def _offer_profiles(mark: str = "@") -> list[Candidate]:
    """The names of saved addresses; what they stand for is not read."""
    from rpcctl.profiles import list_names

    # Told apart, since zsh would put those of one description into a line of their own, the last one first.
    return [Candidate(f"{mark}{name}", f"saved address {name}") for name in list_names(os.environ)]


def _offer_places(line: Line, word: str) -> Answer:
    """Saved addresses, and where servers are."""
    return _offer_saved(_offer_addresses(_protocols(line), word))


def _offer_saved(found: Answer) -> Answer:
    """The same with saved addresses before them."""
    return found._replace(candidates=(*_offer_profiles(), *found.candidates))


def _spellings(info: ProtocolInfo, transport: Transport) -> list[str]:
    """An address as short as it can be, and in full."""
    if transport.kind == "text":
        # What one with a reader of its own means, no list of files can tell.
        return [] if transport.reader else [f"{transport.name}:"]
    if not transport.default:
        return []
    bare = transport.default.removeprefix(f"{info.scheme}+")
    return [bare, f"{info.scheme}+{bare}"] if transport.short else [transport.default]


def _offer_methods(line: Line, word: str, ask: Ask) -> Answer:
    """The server's methods; one whose name would be read as an option is left out."""
    found = [
        Candidate(each.name, f"{each.signature()} {each.summary()}")
        for each in ask(line).methods
        if not each.name.startswith("-")
    ]
    return Answer(tuple(found))


def _offer_arguments(line: Line, word: str, ask: Ask) -> Answer:
    """The files that @ names, and the method's parameters by name where the protocol carries named arguments."""
    name, at, _ = word.partition("@")
    if at and (not name or name.endswith("=")):
        return Answer(paths="files", skip=len(name) + 1)
    info = line.protocol()
    if info is None or "kwargs" not in info.features or "=" in word:
        return Answer()
    method = ask(line).find(line.find("method"))
    free = free_parameters(method, line.rest[len(line.command.positionals) - 1 :]) if method else []
    return Answer(tuple(Candidate(f"{each.name}=", each.source()) for each in free))


def free_parameters(method: MethodDescription, typed: Sequence[str]) -> list[Parameter]:
    """Those that can be named and have no value yet among the arguments typed; a server may call them anything."""
    named = {each.partition("=")[0].rstrip(":=%") for each in typed if "=" in each}
    places = sum("=" not in each for each in typed)
    by_place = [each for each in method.parameters or () if each.kind in ("positional", "either")]
    by_name = [each for each in method.parameters or () if each.kind == "named"]
    free = [each for each in (*by_place[places:], *by_name) if each.kind != "positional" and each.name not in named]
    return [each for each in free if each.name.isidentifier()]


def _offer_targets() -> Answer:
    from rpcctl.service.target import BUILTIN

    return Answer(tuple(Candidate(f"@{name}", "comes with rpcctl") for name in BUILTIN), "files")


def _offer_words(words: Iterable[str]) -> Answer:
    return Answer(tuple(Candidate(each) for each in words))


def _offer_codes(word: str) -> Answer:
    """Numbers; or kinds, once a letter is typed."""
    if word[:1].isalpha():
        kinds = {row.kind: row.means for row in EXITS}
        return Answer(tuple(Candidate(kind, means) for kind, means in kinds.items()))
    return Answer(tuple(Candidate(str(row.code), f"{row.kind}: {row.means}") for row in EXITS))


_VALUES: Mapping[str, Callable[[Line, str], Answer]] = {
    "FILE": lambda line, word: Answer(paths="files"),
    "@FILE": lambda line, word: Answer(paths="files", skip=1) if word.startswith("@") else Answer(),
    "DIR": lambda line, word: Answer(paths="dirs"),
    "PROTOCOL": lambda line, word: _offer_protocols(),
    "ADDRESS|@NAME": lambda line, word: _offer_saved(_offer_addresses(registry.protocols(), word)),
    "ADDRESS": lambda line, word: _offer_addresses([each for each in registry.protocols() if each.server], word),
}
"""By the word that stands for an option's value."""

_PLACES: Mapping[str, Callable[[Line, str, Ask], Answer]] = {
    "address": lambda line, word, ask: _offer_places(line, word),
    "action": lambda line, word, ask: _offer_words(("add", "list", "show", "remove")),
    "profile": lambda line, word, ask: Answer(tuple(_offer_profiles(""))),
    "method": _offer_methods,
    "argument": _offer_arguments,
    "protocol": lambda line, word, ask: _offer_protocols(),
    "target": lambda line, word, ask: _offer_targets(),
    "code": lambda line, word, ask: _offer_codes(word),
    "file": lambda line, word, ask: Answer(paths="files"),
    "shell": lambda line, word, ask: _offer_words(SHELLS),
}
"""By what a Positional says to complete."""
