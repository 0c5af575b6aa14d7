"""The flat table of methods that a server offers, built once from targets; a call is one look-up of an exact name.

`Method` is a row: what to call, how arguments fit it, what to tell of it. What a target offers is found by `exposure`,
what is known of a function by `signatures`. Knows no request, thread or wire.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from inspect import Signature
from typing import Any

from rpcctl.errors import InvalidArgumentsError, TargetError
from rpcctl.messages import INSPECT, MethodDescription
from rpcctl.service import arguments, kinds, signatures
from rpcctl.service.contexts import Slot
from rpcctl.service.dangers import dangers
from rpcctl.service.exposure import Attribute, Scan, Selection
from rpcctl.service.target import Target

__all__ = ["Method", "Selection", "dangers", "expose", "skipped"]

PUBLIC = Selection()
"""Public functions only."""

_NOTHING: Mapping[str, Any] = {}
_NEVER = (1, 0)
"""Least and most positional arguments of the quick way, as no call can have them."""
_ALWAYS = (0, sys.maxsize)

_PERMISSIONS = {
    "imported": "--only {} exposes what a module merely imported",
    "commands": "--only {} exposes the function under a command",
    "classes": "--classes exposes classes as constructors",
    "methods of instances": "leave out --class to serve an instance",
    "constants": "--constants exposes plain data",
}
"""What was left out, to the hint that tells how to have it all the same; the first that applies."""
_SINGULARS = {"classes": "class", "commands": "command", "constants": "constant", "objects": "object"}

Bound = tuple[tuple[Any, ...], dict[str, Any]]


class Method:
    """One row of the table. Signature and description are made on first use: a table of hundreds must cost nothing."""

    __slots__ = (
        "_conversions",
        "_description",
        "_least",
        "_most",
        "_prepared",
        "_signature",
        "_slot",
        "function",
        "kind",
        "name",
    )

    def __init__(self, name: str, function: Callable[..., Any], kind: str = "") -> None:
        """Take the name under which it is called; `kind` is found out if it is not given.

        Kinds are `plain`, `coroutine`, `generator` and `async_generator`; a plain function may still return an
        awaitable or an iterator.
        """
        self.name = name
        self.function = function
        self.kind = kind or kinds.kind(function)
        self._description: MethodDescription | None = None
        self._least, self._most = _NEVER
        self._prepared = False
        self._signature: Signature | None = None
        self._slot: Slot | None = None
        self._conversions: arguments.Conversions | None = None

    @property
    def description(self) -> MethodDescription:
        """What `list` and `describe` tell."""
        if self._description is None:
            found = signatures.describe(self.name, self.function, self.kind)
            self._description = found._replace(attribute=isinstance(self.function, Attribute))
        return self._description

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], context: Mapping[str, Any] = _NOTHING) -> Bound:
        """The arguments to call the function with, converted to what its type hints ask for, the context among them.

        Raises InvalidArgumentsError, worded as Python does, before anything has run. Without an exact signature
        everything is let through: the function decides.
        """
        if not kwargs and self._least <= len(args) <= self._most:
            return args, {}
        bound = self._bind_slowly(args, kwargs)
        return bound if self._slot is None else self._add_context(self._slot, *bound, context)

    def _bind_slowly(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Bound:
        if not self._prepared:
            self._prepare()
        if self._signature is not None:
            arguments.check(self.name, self._signature, args, kwargs)
        if self._conversions is not None:
            return self._conversions.convert(self.name, args, kwargs)
        return args, dict(kwargs)

    def _add_context(self, slot: Slot, args: tuple[Any, ...], kwargs: dict[str, Any], context: Any) -> Bound:
        if slot.name in kwargs:  # As one of `**kwargs` it would have been let through.
            text = f"{self.name}() got an unexpected keyword argument '{slot.name}'"
            raise InvalidArgumentsError(text, type="TypeError")
        return slot.fill(args, kwargs, context)

    def _prepare(self) -> None:
        # Two threads may both get here: they set the same, and `_prepared` last.
        signature, self._slot = signatures.public_signature(self.function)
        self._signature = signature
        if signature is None:
            self._least, self._most = _ALWAYS
        else:
            self._conversions = arguments.conversions(signature, signatures.type_hints(self.function, signature))
            if self._conversions is None and self._slot is None:
                self._least, self._most = arguments.count_positional(signature) or _NEVER
        self._prepared = True


Scanned = tuple[Target, str, Scan]


def expose(targets: Sequence[Target], selection: Selection = PUBLIC) -> dict[str, Method]:
    """The table of all that the targets offer, in their order.

    Several targets: each name gets its target's name as prefix. Raises TargetError for a target that offers nothing
    (with counts of what was left out, and why), two equal names, or a name of `selection.only` that nothing bears.
    """
    scans = _scan(targets, selection)
    _refuse_unmatched(scans, selection)
    sources: dict[str, str] = {}
    table: dict[str, Method] = {}
    for target, prefix, scan in scans:
        for name in _choose(target, prefix, scan, selection):
            full = prefix + name
            _refuse_taken(full, target.text, sources)
            sources[full] = target.text
            table[full] = Method(full, scan.functions[name])
    if not table:
        raise TargetError(f"0 exposed: no name fits --only {' '.join(selection.only)}", hint="leave out --only")
    return table


def skipped(targets: Sequence[Target], selection: Selection = PUBLIC) -> dict[str, list[str]]:
    """What `expose` leaves out: reason, as a plural noun, to full names; `commands` deserve a mention to the user."""
    found: dict[str, list[str]] = {}
    for _, prefix, scan in _scan(targets, selection):
        for reason, names in scan.skipped.items():
            found.setdefault(reason, []).extend(prefix + name for name in names)
    return found


def _scan(targets: Sequence[Target], selection: Selection) -> list[Scanned]:
    scans = []
    for target in targets:
        prefix = _prefix(target, selection, several=len(targets) > 1)
        scan = Scan(selection, partial(_is_spelled_out, prefix, frozenset(selection.only)))
        scan.target(target)
        scans.append((target, prefix, scan))
    return scans


def _prefix(target: Target, selection: Selection, *, several: bool) -> str:
    name = selection.prefix if selection.prefix is not None else target.name if several else ""
    return f"{name.rstrip('.')}." if name else ""


def _is_spelled_out(prefix: str, only: frozenset[str], name: str) -> bool:
    return name in only or prefix + name in only


def _choose(target: Target, prefix: str, scan: Scan, selection: Selection) -> list[str]:
    chosen = [
        name
        for name in scan.functions
        if (not selection.only or _fits(name, prefix, selection.only)) and not _fits(name, prefix, selection.exclude)
    ]
    if not chosen and not selection.only:
        raise _empty(target, scan)
    return chosen


def _fits(name: str, prefix: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, each) or fnmatchcase(prefix + name, each) for each in patterns)


def _empty(target: Target, scan: Scan) -> TargetError:
    counts = [
        f"{len(names)} {_SINGULARS.get(reason, reason) if len(names) == 1 else reason}"
        for reason, names in scan.skipped.items()
    ]
    if scan.functions:
        counts.insert(0, f"{len(scan.functions)} left out by --except")
    reasons = ", ".join(counts) or "it has no public functions"
    return TargetError(f"{target.text}: 0 exposed: {reasons}", hint=_permission(scan))


def _permission(scan: Scan) -> str:
    for reason, hint in _PERMISSIONS.items():
        if reason in scan.skipped:
            return hint.format(scan.skipped[reason][0])
    return ""


def _refuse_taken(name: str, text: str, sources: Mapping[str, str]) -> None:
    if name == INSPECT:
        raise TargetError(f"{text}: the name {name!r} is reserved", hint="another --prefix, or --except it")
    if name in sources:
        hint = "name each target once, or serve them without --prefix"
        raise TargetError(f"two methods have the name {name!r}: of {sources[name]} and of {text}", hint=hint)


def _refuse_unmatched(scans: Sequence[Scanned], selection: Selection) -> None:
    known = {each for _, prefix, scan in scans for name in scan.functions for each in (name, prefix + name)}
    for name in selection.only:
        if name in known or any(each in name for each in "*?["):
            continue
        close = get_close_matches(name, known, 1)
        reason = _reason(name, scans)
        raise TargetError(f"--only {name} exposes nothing{reason}", hint=f"did you mean {close[0]!r}?" if close else "")


def _reason(name: str, scans: Sequence[Scanned]) -> str:
    if any(part.startswith("_") for part in name.split(".")):
        return ": names that begin with an underscore are never exposed"
    for _, prefix, scan in scans:
        for reason, names in scan.skipped.items():
            if name in names or name in {prefix + each for each in names}:
                return f": it is one of the {reason}"
    return ""
