"""What can be called, as Pyro tells it and as our servers tell more of it. Pure.

    metadata    {"methods": [name], "oneway": [name], "attrs": [name]}, without signatures and documentation
    ours        {"name", "doc", "methods": [{"name", "doc", "returns", "stream", "exact", "attribute", "parameters":
                [{"name", "kind", "type", "default"}] or null}]}: the method `describe` of the object META

What a client is told comes from a peer, so it is read leniently.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from rpcctl.messages import REQUIRED, Description, MethodDescription, Parameter

from . import literals

DAEMON = "Pyro.Daemon"
"""The object that every server has, and that tells of the others."""
WHOLE = "rpcctl"
"""The object of our servers that has all methods, so that clients need not know what is served."""
META = "rpcctl.meta"
"""The object of our servers that describes them."""
_KINDS = frozenset({"positional", "either", "rest", "named", "more"})


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


def to_plain(description: Description) -> dict[str, Any]:
    """A Description as every encoding can carry it."""
    methods = [_plain_method(each) for each in description.methods]
    return {"name": description.name, "doc": description.doc, "methods": methods}


def from_plain(found: Any) -> Description:
    """What one of our servers tells."""
    found = found if isinstance(found, dict) else {}
    methods = found.get("methods")
    read = [_read_method(each) for each in methods if isinstance(each, dict)] if isinstance(methods, list) else []
    return Description(_text(found.get("name")), tuple(read), _text(found.get("doc")))


def _dots(name: str) -> list[int]:
    return [at for at, sign in enumerate(name) if sign == "."]


def _names(found: Any) -> frozenset[str]:
    known = isinstance(found, (list, tuple, set, frozenset))
    return frozenset(each for each in found if isinstance(each, str)) if known else frozenset()


def _plain_method(method: MethodDescription) -> dict[str, Any]:
    found = {**method._asdict()}
    if method.parameters is not None:
        found["parameters"] = [_plain_parameter(each) for each in method.parameters]
    return found


def _plain_parameter(parameter: Parameter) -> dict[str, Any]:
    found = parameter._asdict()
    if parameter.default is REQUIRED:
        del found["default"]
    elif not _is_carried(parameter.default):
        found["default"] = repr(parameter.default)
    return found


def _is_carried(default: Any) -> bool:
    """Whether every encoding has the same form for it: bytes and keys that are no text have not."""
    if isinstance(default, (bytes, dict)):
        return False
    try:
        literals.write(default)
    except literals.LiteralError:
        return False
    return True


def _read_method(found: Mapping[str, Any]) -> MethodDescription:
    listed = found.get("parameters")
    parameters = None
    if isinstance(listed, list):
        parameters = tuple(_read_parameter(each) for each in listed if isinstance(each, dict))
    return MethodDescription(
        _text(found.get("name")),
        parameters,
        _text(found.get("returns")),
        _text(found.get("doc")),
        found.get("stream") is True,
        found.get("exact") is not False,
        found.get("attribute") is True,
    )


def _read_parameter(found: Mapping[str, Any]) -> Parameter:
    kind = found.get("kind")
    known = kind if isinstance(kind, str) and kind in _KINDS else "either"
    return Parameter(_text(found.get("name")) or "?", known, found.get("default", REQUIRED), _text(found.get("type")))


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""
