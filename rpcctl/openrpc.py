"""A Description as an OpenRPC 1.3.2 document and back: for servers that answer in it, and for `describe`. Pure.

    {"openrpc", "info": {"title", "version"}, "methods": [
        {"name", "summary", "description", "paramStructure", "params": [{"name", "required", "schema"}],
         "result": {"name", "schema"}}]}

What OpenRPC has no place for goes into extension members, which others ignore: `x-kind` and `x-type` of a parameter,
`x-returns`, `x-stream` and `x-known` of a method. OpenRPC wants required parameters first; by their kinds they are put
back into order.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from rpcctl.messages import REQUIRED, Description, MethodDescription, Parameter

VERSION = "1.3.2"
_KINDS = ("positional", "either", "rest", "named", "more")
"""In the order in which a signature has them."""
_SCALARS: Mapping[str, str] = {
    "int": "integer",
    "float": "number",
    "str": "string",
    "bytes": "string",
    "bool": "boolean",
    "None": "null",
    "list": "array",
    "tuple": "array",
    "set": "array",
    "dict": "object",
}
_NAMES: Mapping[str, str] = {
    "integer": "int",
    "number": "float",
    "string": "str",
    "boolean": "bool",
    "null": "None",
    "array": "list",
    "object": "dict",
}
_PLAIN = (type(None), bool, int, float, str)
_DEPTH = 8


def to_document(description: Description) -> dict[str, Any]:
    """The document."""
    info = {"title": description.name or "rpcctl", "version": "0"}
    if description.doc:
        info["description"] = description.doc
    return {"openrpc": VERSION, "info": info, "methods": [_write_method(each) for each in description.methods]}


def from_document(found: Any) -> Description:
    """What of a server's document can be read, whatever it is."""
    document = _object(found)
    info = _object(document.get("info"))
    methods = [_read_method(_object(each)) for each in _array(document.get("methods"))]
    named = tuple(method for method in methods if method.name)
    return Description(_text(info.get("title")), named, _text(info.get("description")))


def schema_of(type: str) -> dict[str, Any]:
    """A JSON Schema for an annotation, as far as it has one; the empty schema, which takes anything, otherwise."""
    return _schema(type.strip(), _DEPTH)


def _write_method(method: MethodDescription) -> dict[str, Any]:
    parameters = sorted(method.parameters or (), key=lambda each: not _is_required(each))
    returns = {"type": "array"} if method.stream else schema_of(method.returns)
    found: dict[str, Any] = {
        "name": method.name,
        "params": [_write_parameter(each) for each in parameters],
        "paramStructure": _structure(parameters),
        "result": {"name": "result", "schema": returns},
        "x-returns": method.returns,
        "x-stream": method.stream,
        "x-known": method.parameters is not None,
        "x-exact": method.exact,
    }
    if method.doc:
        found |= {"summary": method.summary(), "description": method.doc}
    return found


def _write_parameter(parameter: Parameter) -> dict[str, Any]:
    schema = schema_of(parameter.type)
    if parameter.default is not REQUIRED:
        schema["default"] = _carried(parameter.default, _DEPTH)
    return {
        "name": parameter.name,
        "required": _is_required(parameter),
        "schema": schema,
        "x-kind": parameter.kind,
        "x-type": parameter.type,
    }


def _structure(parameters: Iterable[Parameter]) -> str:
    kinds = {each.kind for each in parameters}
    if kinds & {"positional", "rest"}:
        return "by-position"
    return "by-name" if kinds & {"named", "more"} else "either"


def _is_required(parameter: Parameter) -> bool:
    return parameter.default is REQUIRED and parameter.kind not in ("rest", "more")


def _carried(default: Any, depth: int) -> Any:
    """A default as JSON, or its source where JSON has no form for it: one method must not spoil the document."""
    kind = type(default)
    if kind in _PLAIN and default == default and default not in (float("inf"), float("-inf")):
        return default
    if kind is list and depth:
        return [_carried(each, depth - 1) for each in default]
    if kind is dict and depth and all(type(key) is str for key in default):
        return {key: _carried(each, depth - 1) for key, each in default.items()}
    return repr(default)


def _schema(type: str, depth: int) -> dict[str, Any]:
    if type in _SCALARS:
        return {"type": _SCALARS[type]}
    parts = _split(type, "|")
    if len(parts) > 1 and depth:
        return {"anyOf": [_schema(part, depth - 1) for part in parts]}
    outer, bracket, inner = type.partition("[")
    if not bracket or not type.endswith("]") or not depth:
        return {}
    args = _split(inner[:-1], ",")
    if outer in ("list", "set", "Sequence", "Iterable", "Iterator", "Generator", "AsyncIterator"):
        return {"type": "array", "items": _schema(args[0], depth - 1)}
    if outer in ("dict", "Mapping") and len(args) == 2:
        return {"type": "object", "additionalProperties": _schema(args[1], depth - 1)}
    if outer == "Optional":
        return {"anyOf": [_schema(args[0], depth - 1), {"type": "null"}]}
    return {"type": "array"} if outer == "tuple" else {}


def _split(text: str, sign: str) -> list[str]:
    """The parts between those signs that stand in no bracket."""
    parts, level, start = [], 0, 0
    for index, char in enumerate(text):
        level += (char == "[") - (char == "]")
        if char == sign and not level:
            parts.append(text[start:index].strip())
            start = index + 1
    return [*parts, text[start:].strip()]


def _read_method(found: Mapping[str, Any]) -> MethodDescription:
    parameters = [_read_parameter(_object(each), found) for each in _array(found.get("params"))]
    parameters.sort(key=lambda each: _KINDS.index(each.kind))
    result = _object(found.get("result"))
    returns = found.get("x-returns")
    return MethodDescription(
        _text(found.get("name")),
        None if found.get("x-known") is False else tuple(parameters),
        _type_of(result) if returns is None else _text(returns),
        _text(found.get("description")) or _text(found.get("summary")),
        found.get("x-stream") is True,
        found.get("x-exact") is not False,
    )


def _read_parameter(found: Mapping[str, Any], method: Mapping[str, Any]) -> Parameter:
    kind, type_, schema = found.get("x-kind"), found.get("x-type"), _object(found.get("schema"))
    named = method.get("paramStructure") == "by-name"
    own = kind in _KINDS
    optional = not own and found.get("required") is not True
    return Parameter(
        _text(found.get("name")) or "?",
        str(kind) if own else "named" if named else "either",
        schema.get("default", None if optional else REQUIRED),
        _type_of(found) if type_ is None else _text(type_),
    )


def _type_of(descriptor: Mapping[str, Any]) -> str:
    """The type of a foreign server's parameter or result, in Python's words."""
    type_ = _object(descriptor.get("schema")).get("type")
    names = type_ if isinstance(type_, list) else [type_]
    return " | ".join(_NAMES[each] for each in names if isinstance(each, str) and each in _NAMES)


def _object(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _array(found: Any) -> list[Any]:
    return found if isinstance(found, list) else []


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""
