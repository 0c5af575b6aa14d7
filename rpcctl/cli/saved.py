"""What a profile adds to a command line that names it in place of an address. Secrets are read when they are used."""

from collections.abc import Mapping
from typing import Any

from rpcctl import profiles, registry
from rpcctl.address import Address
from rpcctl.cli.options import CONNECT, EXPLAIN, ITEM_TIMEOUT, PASSWORD
from rpcctl.errors import UsageError, suggest
from rpcctl.interfaces import Option
from rpcctl.profiles import Value
from rpcctl.secrets import is_place, read_secret
from rpcctl.settings import read_value, read_variable

SAVED = tuple(option for option in (*CONNECT, ITEM_TIMEOUT) if option is not EXPLAIN)
"""The options that can be saved beside a protocol's own; a command that has not all of them passes over the others."""


class Saved:
    """A profile, its options checked against those that there are."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        """Read it; AddressError when there is none, UsageError for an option that its protocol does not have."""
        self.profile = profiles.load(name, environ)
        self._environ = environ
        at = registry.parse_address(self.profile.address, self._proto())
        common = {option.name for option in SAVED}
        self.info = registry.find(at.protocol)
        self.own = {
            option.name: option
            for option in self.info.options
            if "client" in option.roles and option.name not in common
        }
        for name in self.profile.options:
            if name not in common | self.own.keys():
                raise UsageError(
                    f"{self.label()}: {at.protocol} has no option {name!r}",
                    hint=suggest(name, common | self.own.keys()),
                )

    def label(self) -> str:
        """How it is named in messages."""
        return f"profile {self.profile.name}"

    def address(self) -> Address:
        """Where the server is, with the password that is kept elsewhere."""
        at = registry.parse_address(self.profile.address, self._proto())
        place = self.read(PASSWORD)
        return at._replace(password=read_secret(place, self.label())) if place else at

    def read(self, option: Option) -> Any:
        """The value of one of the options; None when the profile has none."""
        value = self.profile.options.get(option.name)
        if value is None or isinstance(value, bool):
            return value
        words = [value] if isinstance(value, str) else value
        read = tuple(
            read_value(option, self._resolve(option, word), f"{option.name} in {self.label()}") for word in words
        )
        return read if option.multiple else read[-1] if read else None

    def read_own(self) -> dict[str, Any]:
        """The values of the protocol's own options, but for those that a variable sets."""
        found = {
            name: self.read(option)
            for name, option in self.own.items()
            if name in self.profile.options and read_variable(option, self._environ) is None
        }
        return {name: value for name, value in found.items() if value not in (None, False)}

    def runs_commands(self) -> bool:
        """Whether a secret is what a command prints."""
        return any("cmd:" in word for value in self.profile.options.values() for word in _words(value))

    def _proto(self) -> str | None:
        proto = self.profile.options.get("proto")
        return proto if isinstance(proto, str) else None

    def _resolve(self, option: Option, word: str) -> str:
        """The word with the secret in place of where it is kept; options that know places themselves get those."""
        name, colon, rest = word.partition(": ")
        if colon and is_place(rest):
            return f"{name}: {read_secret(rest, name)}"
        return word if option.secret or not is_place(word) else read_secret(word, option.name)


def show_value(option: Option, value: Value | Any) -> str:
    """A value as it may be seen: of what holds a secret only the place where that is kept."""
    if isinstance(value, (list, tuple)):
        return ", ".join(show_value(option, each) for each in value)
    text = f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
    if not option.secret:
        return text
    name, colon, rest = text.partition(": ")
    if colon:
        return f"{name}: {rest if is_place(rest) else '***'}"
    return text if is_place(text) or is_place(text.partition(":")[2]) else "***"


def _words(value: Value) -> list[str]:
    return [] if isinstance(value, bool) else [value] if isinstance(value, str) else value
