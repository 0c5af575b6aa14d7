"""What our servers tell of themselves over a manager's wire, to a Description and back. Pure.

    rpcctl.inspect()   {name, doc, methods: [{name,
                       doc, returns, stream, exact, parameters: [[name, kind, type, default]]}]}

Stock servers tell the names of an object's methods only, and only when it is created.
"""

from collections.abc import Iterable, Mapping
from keyword import iskeyword
from typing import Any

from rpcctl.messages import REQUIRED, Description, MethodDescription, Parameter

from .codec import OWN_IDENT

_KINDS = ("positional", "either", "rest", "named", "more")


def to_plain(description: Description, prefix: str = "") -> dict[str, Any]:
    """What is sent; of the methods under a prefix, as `math.`, these only, without it."""
    methods = [
        _method_to_plain(each._replace(name=each.name.removeprefix(prefix)))
        for each in description.methods
        if each.name.startswith(prefix)
    ]
    return {"name": prefix[:-1] or description.name, "doc": description.doc, "methods": methods}


def from_plain(found: Any) -> Description:
    """The way back, with whatever of it can be read."""
    found = _map(found)
    methods = [_read_method(_map(each)) for each in _list(found.get("methods"))]
    return Description(_text(found.get("name")), tuple(methods), _text(found.get("doc")))


def from_names(name: str, exposed: Iterable[str]) -> Description:
    """All that a stock server tells; those of `method_to_typeid` come a second time."""
    return Description(name, tuple(MethodDescription(each) for each in dict.fromkeys(exposed)))


def find_object(typeid: str, description: Description) -> str | None:
    """The ident of what a typeid means: all that is served, or one of several targets; None for no such thing."""
    name = description.name
    if typeid in (OWN_IDENT, name, name.rpartition(".")[2]):
        return OWN_IDENT
    prefix = f"{typeid}."
    if typeid and any(each.name.startswith(prefix) for each in description.methods):
        return f"{OWN_IDENT}/{typeid}"
    return None


def prefix_of(ident: str | None) -> str | None:
    """What stands before an ident's methods in the table of all: nothing, or `math.`; None for no ident of ours."""
    if ident == OWN_IDENT:
        return ""
    start, slash, typeid = (ident or "").partition("/")
    return f"{typeid}." if start == OWN_IDENT and slash else None


def exposed_by(ident: str, description: Description) -> tuple[str, ...]:
    """The methods that a stock proxy can have: it makes a Python method of each name."""
    prefix = prefix_of(ident) or ""
    names = [each.name.removeprefix(prefix) for each in description.methods if each.name.startswith(prefix)]
    return tuple(name for name in names if name.isidentifier() and not iskeyword(name))


def _method_to_plain(method: MethodDescription) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": method.name,
        "doc": method.doc,
        "returns": method.returns,
        "stream": method.stream,
        "exact": method.exact,
    }
    if method.parameters is not None:
        found["parameters"] = [_parameter_to_plain(each) for each in method.parameters]
    return found


def _parameter_to_plain(parameter: Parameter) -> list[Any]:
    default = [] if parameter.default is REQUIRED else [parameter.default]
    return [parameter.name, parameter.kind, parameter.type, *default]


def _read_method(found: Mapping[str, Any]) -> MethodDescription:
    parameters = found.get("parameters")
    return MethodDescription(
        _text(found.get("name")),
        tuple(_read_parameter(_list(each)) for each in parameters) if type(parameters) is list else None,
        _text(found.get("returns")),
        _text(found.get("doc")),
        found.get("stream") is True,
        found.get("exact") is not False,
    )


def _read_parameter(found: list[Any]) -> Parameter:
    name, kind, type_, *default = [*found, "", "", ""][:3] if len(found) < 3 else found
    return Parameter(
        _text(name) or "?",
        kind if kind in _KINDS else "either",
        default[0] if default else REQUIRED,
        _text(type_),
    )


def _map(value: Any) -> Mapping[str, Any]:
    return value if type(value) is dict else {}


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _text(value: Any) -> str:
    return value if type(value) is str else ""
