"""Words to the values of options: `5s`, `off`, `64M`; the same for flags, RPCCTL_ variables and an address's query."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rpcctl.address import Address
from rpcctl.errors import AddressError, UsageError, suggest
from rpcctl.interfaces import Option, ProtocolInfo

_SECONDS = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|s|m|h)?")
_SIZE = re.compile(r"(\d+)([kKmMgG])?(?:i?[bB])?")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_UNIT_BYTES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_OFF = ("off", "none", "never")
OFF = float("-inf")
"""Stands for an option switched off, to tell it from one not given."""
_YES = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
    "": False,
}


def read_value(option: Option, word: str, source: str = "") -> Any:
    """One word as the option's type: seconds as float or None for off, sizes in bytes; UsageError names the source."""
    try:
        return _READERS[option.type](option, word)
    except ValueError as exc:
        raise UsageError(f"{source or '--' + option.name}: {exc}") from None


def read_given(option: Option, given: Any) -> Any:
    """The value of an option given by a program, or typed: texts are read, others taken; None for not given."""
    if given is None or given == () or given == []:
        return None
    if option.multiple:
        return tuple(read_value(option, word) for word in ((given,) if isinstance(given, str) else given))
    return read_value(option, given) if isinstance(given, str) else given


def variable(option: Option) -> str:
    """The environment variable that sets the option too."""
    return "RPCCTL_" + option.name.upper().replace("-", "_")


def read_variable(option: Option, environ: Mapping[str, str]) -> Any:
    """The option's value from its environment variable, or None when it is unset or empty."""
    word = environ.get(variable(option), "") if option.variable else ""
    if not word:
        return None
    if option.multiple:
        return tuple(read_value(option, each, variable(option)) for each in word.split())
    return read_value(option, word, variable(option))


def choose(option: Option, *values: Any) -> Any:
    """The first of the values that was given, else the option's default; None when that one says off."""
    value = next((each for each in values if each is not None), option.default)
    return None if value == OFF else value


def fill_options(
    info: ProtocolInfo, role: str, at: Address, given: Mapping[str, Any], environ: Mapping[str, str]
) -> dict[str, Any]:
    """The protocol's own options for `client` or `server`: as given, in the address, else the default.

    What is given for other protocols is passed over: see `check_given`.
    """
    asked = _own_names(info, at)
    _check_query(info, at, asked, role)
    values = {}
    for option in info.options:
        if role in option.roles:
            in_query = _read_query(option, asked.get(option.name), at)
            values[option.name] = choose(
                option, read_given(option, given.get(option.name)), in_query, read_variable(option, environ)
            )
    return values


def check_given(infos: Iterable[ProtocolInfo], role: str, given: Mapping[str, Any]) -> None:
    """Refuse an option that none of the protocols in use has for that role: it would be ignored in silence."""
    declared = {option.name: info.scheme for info in infos for option in info.options if role in option.roles}
    for name, value in given.items():
        if value is not None and name not in declared:
            schemes = ", ".join(dict.fromkeys(info.scheme for info in infos))
            raise UsageError(f"--{name} has no meaning for {schemes}", hint=suggest(name, declared, "leave it out"))


def check_used(places: Sequence[tuple[Address, ProtocolInfo]], role: str, given: Mapping[str, Any]) -> None:
    """Refuse an option that no address has a use for, as a certificate where nothing is encrypted.

    One in an address's query is for that address alone.
    """
    for name, value in given.items():
        if value is not None:
            _check_used(places, role, name)
    for at, info in places:
        for name, _ in at.options:
            _check_used([(at, info)], role, name)


def _check_used(places: Iterable[tuple[Address, ProtocolInfo]], role: str, name: str) -> None:
    takers = [(at, each) for at, info in places for each in info.options if each.name == name and role in each.roles]
    if not takers or any(not option.transports or at.transport in option.transports for at, option in takers):
        return
    at, option = takers[0]
    scheme = at.scheme.removesuffix(at.transport) + option.transports[0]
    raise UsageError(
        f"{at}: --{name} would do nothing, as it is for {', '.join(option.transports)} only",
        hint=f"{scheme}://{at.location()}{at.path}" if at.kind == "host" else f"leave it out, or bind {scheme}:// too",
    )


def _read_query(option: Option, word: str | None, at: Address) -> Any:
    if word is None:
        return None
    value = read_value(option, word, f"{option.name} in {at}")
    return (value,) if option.multiple else value


def _own_names(info: ProtocolInfo, at: Address) -> dict[str, str]:
    """The query by the protocol's own names; of synonyms for one option the last in their table decides."""
    places = {name: place for place, name in enumerate(info.synonyms, 1)}
    found = {}
    for name, value in at.options:
        whole = f"{name}={value.lower()}"
        key = whole if whole in places else name
        own, equals, fixed = info.synonyms.get(key, name).partition("=")
        found[places.get(key, 0), own] = fixed if equals else value
    return {own: found[place, own] for place, own in sorted(found)}


def _check_query(info: ProtocolInfo, at: Address, asked: Iterable[str], role: str) -> None:
    """An address is good for both ends, so it may have the other one's options; they are not what is suggested."""
    names = {option.name for option in info.options}
    known = list(dict.fromkeys(option.name for option in info.options if role in option.roles))
    for name in asked:
        if name not in names:
            raise AddressError(
                f"{at}: {info.scheme} has no option {name!r}",
                hint=suggest(name, known, f"its options: {', '.join(known) or 'none'}"),
            )


def _read_seconds(option: Option, word: str) -> float:
    match = _SECONDS.fullmatch(word)
    if not match:
        raise ValueError(f"{word!r} is not a number of seconds, as 5, 0.5 or 500ms")
    return float(match[1]) * _UNIT_SECONDS[match[2] or "s"]


def _read_seconds_or_off(option: Option, word: str) -> float:
    if word.lower() in _OFF:
        return OFF
    try:
        return _read_seconds(option, word) or OFF
    except ValueError as exc:
        raise ValueError(f"{exc}, or off") from None


def _read_integer(option: Option, word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 19):
        raise ValueError(f"{word!r} is not a whole number")
    return int(word)


def _read_number(option: Option, word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise ValueError(f"{word!r} is not a number") from None


def _read_size(option: Option, word: str) -> int:
    match = _SIZE.fullmatch(word)
    if not match or len(match[1]) > 15:
        raise ValueError(f"{word!r} is not a size, as 500000, 512K or 64M")
    return int(match[1]) * _UNIT_BYTES[(match[2] or "").lower()]


def _read_switch(option: Option, word: str) -> bool:
    if word.lower() not in _YES:
        raise ValueError(f"{word!r} is neither yes nor no")
    return _YES[word.lower()]


def _read_choice(option: Option, word: str) -> str:
    if word not in option.choices:
        raise ValueError(f"{word!r} is not one of: {', '.join(option.choices)}")
    return word


_READERS: Mapping[str, Callable[[Option, str], Any]] = {
    "text": lambda option, word: word,
    "number": _read_number,
    "integer": _read_integer,
    "count": _read_integer,
    "seconds": _read_seconds,
    "seconds_or_off": _read_seconds_or_off,
    "size": _read_size,
    "switch": _read_switch,
    "choice": _read_choice,
}
