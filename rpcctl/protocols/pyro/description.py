"""What can be called, as Pyro tells it and as our servers tell more of it. Pure.

    metadata    {"methods": [name], "oneway": [name], "attrs": [name]}, without signatures and documentation
    ours        {"name", "doc", "methods": [{"name", "doc", "returns", "stream", "exact", "attribute", "parameters":
                [{"name", "kind", "type", "default"}] or null}]}: the method `describe` of the object META

What a client is told comes from a peer, so it is read leniently.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from rpcctl.messages import Description, MethodDescription

from . import literals

DAEMON = "Pyro.Daemon"
"""The object that every server has, and that tells of the others."""
WHOLE = "rpcctl"
"""The object of our servers that has all methods, so that clients need not know what is served."""
META = "rpcctl.meta"
"""The object of our servers that describes them."""


class Metadata(NamedTuple):
    """The names that an object has."""

    methods: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()


def to_metadata(methods: Iterable[MethodDescription]) -> dict[str, Any]:
    """What a stock client is told when it connects."""
    found = list(methods)
    return {
        "methods": [each.name for each in found if not each.attribute],
        "oneway": [],
        "attrs": [each.name for each in found if each.attribute],
    }


def read_metadata(found: Any) -> Metadata:
    """The names in what a server tells; none where it tells something else."""
    found = found if isinstance(found, dict) else {}
    return Metadata(_names(found.get("methods")), _names(found.get("attrs")))


def from_metadata(found: Metadata, prefix: str = "") -> list[MethodDescription]:
    """All that is known of a stock server's methods, by name."""
    methods = [MethodDescription(prefix + name) for name in sorted(found.methods)]
    return methods + [MethodDescription(prefix + name, (), attribute=True) for name in sorted(found.attributes)]


def objects_of(description: Description) -> dict[str, str]:
    """Our server's objects that are parts of the whole: `math` for methods `math.…`, to that prefix."""
    names = [each.name.rpartition(".")[0] for each in description.methods]
    parts = {name[: at or None] for name in names if name for at in (*_dots(name), 0)}
    return {name: f"{name}." for name in sorted(parts - {DAEMON, WHOLE, META})}


def part_of(description: Description, prefix: str) -> list[MethodDescription]:
    """The methods whose names begin so, under what follows."""
    return [
        each._replace(name=each.name.removeprefix(prefix))
        for each in description.methods
        if each.name.startswith(prefix)
    ]


def _dots(name: str) -> list[int]:
    return [at for at, sign in enumerate(name) if sign == "."]


def _names(found: Any) -> frozenset[str]:
    known = isinstance(found, (list, tuple, set, frozenset))
    return frozenset(each for each in found if isinstance(each, str)) if known else frozenset()


def carry(default: Any) -> Any:
    """A default, or its source where the encodings differ: they have no common form for bytes, and keys but texts."""
    if isinstance(default, (bytes, dict)):
        return repr(default)
    try:
        literals.write(default)
    except literals.LiteralError:
        return repr(default)
    return default
