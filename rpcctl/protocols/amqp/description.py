"""What our servers tell of themselves, both ends: a Description as plain data and back. Pure.

{"name", "doc", "methods": [{"name", "doc", "returns", "stream", "exact", "parameters": [{"name", "kind", "type",
"default"}] or null}]}; what is empty or usual is left out.
"""

from collections.abc import Mapping
from typing import Any

from rpcctl.messages import REQUIRED, Description, MethodDescription, Parameter

_KINDS = ("positional", "either", "rest", "named", "more")


def to_plain(description: Description) -> dict[str, Any]:
    """The answer of a server."""
    methods = [_method(each) for each in description.methods]
    return {"name": description.name, "doc": description.doc, "methods": methods}


def from_plain(found: Any) -> Description:
    """A server's answer as a Description, with whatever of it can be read."""
    if not isinstance(found, dict):
        return Description("", ())
    methods = found.get("methods")
    read = [_read_method(each) for each in methods if isinstance(each, dict)] if isinstance(methods, list) else []
    return Description(_text(found, "name"), tuple(each for each in read if each.name), _text(found, "doc"))


def _method(method: MethodDescription) -> dict[str, Any]:
    parameters = method.parameters
    return {
        "name": method.name,
        "doc": method.doc,
        "returns": method.returns,
        "stream": method.stream,
        "exact": method.exact,
        "parameters": None if parameters is None else [_parameter(each) for each in parameters],
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    found: dict[str, Any] = {"name": parameter.name, "kind": parameter.kind, "type": parameter.type}
    if parameter.default is not REQUIRED:
        found["default"] = parameter.default
    return found


def _read_method(found: Mapping[str, Any]) -> MethodDescription:
    parameters = found.get("parameters")
    known = (
        tuple(_read_parameter(each) for each in parameters if isinstance(each, dict))
        if isinstance(parameters, list)
        else None
    )
    return MethodDescription(
        _text(found, "name"),
        known,
        _text(found, "returns"),
        _text(found, "doc"),
        found.get("stream") is True,
        found.get("exact") is not False,
    )


def _read_parameter(found: Mapping[str, Any]) -> Parameter:
    kind = found.get("kind")
    return Parameter(
        _text(found, "name") or "?",
        kind if kind in _KINDS else "either",
        found.get("default", REQUIRED),
        _text(found, "type"),
    )


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""
