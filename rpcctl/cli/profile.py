"""`rpcctl profile`: addresses saved under a name, with their options."""

from collections.abc import Callable, Mapping

from rpcctl import profiles, registry
from rpcctl.cli.command import Command, Positional, Values, attribute
from rpcctl.cli.options import FORMAT, MESSAGES
from rpcctl.cli.saved import SAVED, Saved, show_value
from rpcctl.cli.session import Session
from rpcctl.errors import UsageError, suggest
from rpcctl.interfaces import Option
from rpcctl.profiles import Profile, Value
from rpcctl.settings import check_given, fill_options

COMMAND = Command(
    "profile",
    "Save an address with its options under a name",
    "About rpcctl",
    "rpcctl.cli.profile:run",
    (
        Positional("action", "add, list, show or remove", complete="action"),
        Positional("name", "name of the profile", required=False, complete="profile"),
        Positional("address", "with add: the address", required=False, complete="address"),
    ),
    (*SAVED, FORMAT, *MESSAGES),
    roles=("client",),
    details=(
        "@NAME then stands for the address in every command, and the options given to add for those that are given "
        "neither as flags nor by variables. Kept in $XDG_CONFIG_HOME/rpcctl/profiles, readable by you alone. A secret "
        "is named by its place: --password env:NAME, file:PATH or cmd:COMMAND, and so in -H 'NAME: env:NAME'."
    ),
    examples=(
        "rpcctl profile add prod tcp://rpc.example:4242 --timeout 5",
        "rpcctl call @prod add 2 3",
        "rpcctl call @prod add 2 3 --explain",
        "rpcctl profile list",
    ),
)


def run(values: Values, session: Session) -> None:
    """Do what the action says; UsageError for another one."""
    action = ACTIONS.get(values.action)
    values.name = values.name and values.name.removeprefix("@")
    if action is None:
        raise UsageError(
            f"profile has no action {values.action!r}",
            hint=suggest(values.action, ACTIONS, f"one of: {', '.join(ACTIONS)}"),
        )
    if (values.name is None) != (values.action == "list") or (values.address is None) == (values.action == "add"):
        raise UsageError(f"profile {values.action} takes {_TAKES[values.action]}", hint="rpcctl profile --help")
    action(values, session)


def add(values: Values, session: Session) -> None:
    """Save what was typed, once it is sure to mean something; nothing is asked of a server."""
    environ = session.environment.environ
    # Saved from another profile, it begins with that one's options.
    options: dict[str, Value] = dict(values.saved.profile.options) if values.saved else {}
    own = list(getattr(values, "own", {}).values())
    options.update(_read_typed([*SAVED, *own], values.given))
    _check(values.address, options, own, environ)
    path = profiles.save(Profile(values.name, values.address, options), environ)
    session.output.note(f"saved in {path}: rpcctl call @{values.name} METHOD")


def list_all(values: Values, session: Session) -> None:
    """Print names, with addresses where there is room."""
    environ = session.environment.environ
    found = [profiles.load(name, environ) for name in profiles.list_names(environ)]
    session.output.listing([(each.name, each.address) for each in found], ("NAME", "ADDRESS"))


def show(values: Values, session: Session) -> None:
    """Print one; of secrets their places."""
    environ = session.environment.environ
    saved = Saved(values.name, environ)
    known: dict[str, Option] = {option.name: option for option in SAVED} | saved.own
    options = {name: show_value(known[name], value) for name, value in saved.profile.options.items()}
    path = profiles.find_path(values.name, environ)
    session.output.records([{"name": values.name, "address": saved.profile.address, **options, "file": path}])


def remove(values: Values, session: Session) -> None:
    """Delete one."""
    profiles.remove(values.name, session.environment.environ)


ACTIONS: Mapping[str, Callable[[Values, Session], None]] = {
    "add": add,
    "list": list_all,
    "show": show,
    "remove": remove,
}
_TAKES = {"add": "a NAME and an ADDRESS", "list": "no further word", "show": "a NAME", "remove": "a NAME"}


def _read_typed(options: list[Option], given: Mapping[str, object]) -> dict[str, Value]:
    typed = {option.name: given.get(attribute(option.name)) for option in options}
    return {name: value for name, value in typed.items() if (isinstance(value, (str, list)) and value) or value is True}


def _check(address: str, options: Mapping[str, Value], own: list[Option], environ: Mapping[str, str]) -> None:
    proto = options.get("proto")
    at = registry.parse_address(address, proto if isinstance(proto, str) else None)
    if "***" in str(at) and "***" not in address:
        raise UsageError(
            "a secret in the address would be saved in the clear", hint="leave it out, and --password env:NAME"
        )
    info = registry.find(at.protocol)
    given = {option.name: options[option.name] for option in own if option.name in options}
    check_given([info], "client", given)
    fill_options(info, "client", at, given, environ)
