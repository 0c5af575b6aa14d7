"""What a function's signature takes: how many arguments, why given ones do not fit, and what they are converted to.

Pure: nothing is called but the converters. The complaint is worded as Python words it, so that a remote caller reads
what a local one would. Knows no method, no table and no wire.
"""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rpcctl.errors import InvalidArgumentsError
from rpcctl.service.coerce import converter

Converter = Callable[[Any], Any]

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def count_positional(signature: inspect.Signature) -> tuple[int, int] | None:
    """Least and most positional arguments of a call without named ones; None when such a call never fits."""
    least = most = 0
    for parameter in signature.parameters.values():
        required = parameter.default is parameter.empty
        if parameter.kind in _POSITIONAL:
            least, most = least + required, most + 1
        elif parameter.kind is parameter.VAR_POSITIONAL:
            most = sys.maxsize
        elif parameter.kind is parameter.KEYWORD_ONLY and required:
            return None
    return least, most


def check(name: str, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise InvalidArgumentsError, in Python's words, if the signature does not take the arguments.

    Not by `Signature.bind`: its words are others, and in some releases it takes `f(0, b=0)` for `def f(a, b, /, **c)`.
    """
    complaint = _complain(list(signature.parameters.values()), args, kwargs)
    if complaint:
        raise InvalidArgumentsError(f"{name}() {complaint}", type="TypeError")


def _complain(parameters: Sequence[inspect.Parameter], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    positional = [each for each in parameters if each.kind in _POSITIONAL]
    filled = {each.name for each in positional[: len(args)]}
    return (
        _wrong_names(parameters, filled, kwargs)
        or _too_many(parameters, positional, len(args))
        or _missing("positional", [each for each in positional if each.name not in filled], kwargs)
        or _missing("keyword-only", [each for each in parameters if each.kind is each.KEYWORD_ONLY], kwargs)
    )


def _wrong_names(parameters: Sequence[inspect.Parameter], filled: set[str], kwargs: Mapping[str, Any]) -> str:
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        nameable = {each.name: each for each in parameters if each.kind is not each.POSITIONAL_ONLY}
        return next((_twice(name) for name in kwargs if name in filled and name in nameable), "")
    known = {each.name: each.kind for each in parameters}
    unnamed = [name for name in kwargs if known.get(name) is inspect.Parameter.POSITIONAL_ONLY]
    if unnamed:
        return f"got some positional-only arguments passed as keyword arguments: '{', '.join(unnamed)}'"
    stars = (None, inspect.Parameter.VAR_POSITIONAL)
    strange = next((name for name in kwargs if known.get(name) in stars), None)
    if strange is not None:
        return f"got an unexpected keyword argument '{strange}'"
    return next((_twice(name) for name in kwargs if name in filled), "")


def _twice(name: str) -> str:
    return f"got multiple values for argument '{name}'"


def _too_many(parameters: Sequence[inspect.Parameter], positional: Sequence[inspect.Parameter], given: int) -> str:
    most = len(positional)
    if given <= most or any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return ""
    least = sum(each.default is each.empty for each in positional)
    span = (
        f"{most} positional argument{'s'[: most != 1]}"
        if least == most
        else f"from {least} to {most} positional arguments"
    )
    return f"takes {span} but {given} {'was' if given == 1 else 'were'} given"


def _missing(flavour: str, parameters: Sequence[inspect.Parameter], kwargs: Mapping[str, Any]) -> str:
    names = [
        each.name
        for each in parameters
        if each.default is each.empty and (each.kind is each.POSITIONAL_ONLY or each.name not in kwargs)
    ]
    return f"missing {len(names)} required {flavour} argument{'s'[: len(names) - 1]}: {_list(names)}" if names else ""


def _list(names: Sequence[str]) -> str:
    quoted = [repr(name) for name in names]
    if len(quoted) <= 2:
        return " and ".join(quoted)
    return f"{', '.join(quoted[:-1])}, and {quoted[-1]}"


class Conversions(NamedTuple):
    """What turns plain data into what the hints ask for, by position and by name; arguments that fit are given."""

    positional: tuple[tuple[str, Converter | None], ...]
    """Name and converter of each parameter that takes a position."""
    named: Mapping[str, Converter | None]
    rest: tuple[str, Converter | None]
    """Those of `*args`."""
    more: Converter | None
    """That of `**kwargs`."""

    def convert(
        self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments converted; InvalidArgumentsError names the parameter whose value cannot be."""
        slots = (*self.positional, *(self.rest,) * (len(args) - len(self.positional)))
        return (
            tuple(_apply(method, name, turn, value) for (name, turn), value in zip(slots, args, strict=False)),
            {name: _apply(method, name, self.named.get(name, self.more), kwargs[name]) for name in kwargs},
        )


def conversions(signature: inspect.Signature, hints: Mapping[str, Any]) -> Conversions | None:
    """The conversions that the hints ask for; None when no parameter needs any."""
    turns = {name: converter(hint) for name, hint in hints.items() if not isinstance(hint, str)}
    if not any(turns.values()):
        return None
    parameters = signature.parameters.values()
    rest = next((each.name for each in parameters if each.kind is each.VAR_POSITIONAL), "")
    more = next((each.name for each in parameters if each.kind is each.VAR_KEYWORD), "")
    nameable = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return Conversions(
        tuple((each.name, turns.get(each.name)) for each in parameters if each.kind in _POSITIONAL),
        {each.name: turns.get(each.name) for each in parameters if each.kind in nameable},
        (rest, turns.get(rest)),
        turns.get(more),
    )


def _apply(method: str, name: str, turn: Converter | None, value: Any) -> Any:
    if turn is None:
        return value
    try:
        return turn(value)
    except Exception as exc:  # ValueError by contract; anything when a user's class checks its own fields.
        raise InvalidArgumentsError(f"{method}() argument '{name}': {exc}", type="TypeError") from exc
