"""A Description as plain data, of maps, lists and texts, for wires on which our servers tell our clients of it. Pure.

{"name", "doc", "methods": [{"name", "doc", "returns", "stream", "exact", "attribute"?,
                             "parameters"?: [{"name", "kind", "type", "default"?}]}]}
"""

from collections.abc import Callable, Mapping
from typing import Any

from rpcctl.messages import REQUIRED, Description, MethodDescription, Parameter

KINDS = ("positional", "either", "rest", "named", "more")
"""What a parameter can be."""


def _as_it_is(text: str) -> str:
    return text


def to_plain(
    description: Description, carry: Callable[[Any], Any], text: Callable[[str], str] = _as_it_is
) -> dict[str, Any]:
    """What is sent. `carry` gives a default, or its source where the wire has no form for it; `text` the same of texts.

    One method must not spoil the whole answer.
    """

    methods = [method_to_plain(each, carry, text) for each in description.methods]
    return {"name": text(description.name), "doc": text(description.doc), "methods": methods}


def method_to_plain(
    method: MethodDescription, carry: Callable[[Any], Any], text: Callable[[str], str] = _as_it_is
) -> dict[str, Any]:
    """The same of one method."""
    found: dict[str, Any] = {"name": text(method.name), "doc": text(method.doc), "returns": text(method.returns)}
    found |= {"stream": method.stream, "exact": method.exact}
    if method.attribute:
        found["attribute"] = True
    if method.parameters is not None:
        found["parameters"] = [_parameter_to_plain(each, carry, text) for each in method.parameters]
    return found


def _parameter_to_plain(
    parameter: Parameter, carry: Callable[[Any], Any], text: Callable[[str], str]
) -> dict[str, Any]:
    found = {"name": text(parameter.name), "kind": parameter.kind, "type": text(parameter.type)}
    if parameter.default is not REQUIRED:
        found["default"] = carry(parameter.default)
    return found


def from_plain(found: Any) -> Description:
    """The way back, with whatever of it can be read."""
    found = found if isinstance(found, dict) else {}
    methods = found.get("methods")
    read = [_read_method(each) for each in methods if isinstance(each, dict)] if isinstance(methods, list) else []
    return Description(_text(found.get("name")), tuple(read), _text(found.get("doc")))


def read_parameter(found: Any) -> Parameter:
    """One parameter, with whatever of it can be read."""
    found = found if isinstance(found, dict) else {}
    kind = found.get("kind")
    return Parameter(
        _text(found.get("name")) or "?",
        kind if kind in KINDS else "either",
        found.get("default", REQUIRED),
        _text(found.get("type")),
    )


def _read_method(found: Mapping[Any, Any]) -> MethodDescription:
    parameters = found.get("parameters")
    return MethodDescription(
        _text(found.get("name")) or "?",
        tuple(map(read_parameter, parameters)) if isinstance(parameters, list) else None,
        _text(found.get("returns")),
        _text(found.get("doc")),
        found.get("stream") is True,
        found.get("exact") is not False,
        found.get("attribute") is True,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
