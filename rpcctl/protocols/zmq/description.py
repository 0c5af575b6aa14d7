"""What zerorpc's built-in methods tell of a server: `_zerorpc_inspect` and its relatives to a Description and back.

    _zerorpc_inspect()  {"name": service, "methods": {name: {"args": [{"name", "default"}] or nil, "doc": text or nil}}}
    _zerorpc_name()     service                    _zerorpc_ping()   ["pong", service]
    _zerorpc_list()     [name, ...]                _zerorpc_help(m)  text or nil
    _zerorpc_args(m)    [[name, ...], *args or nil, **kwargs or nil, [default, ...] or nil], or nil

Our servers add keys to a method, `stream`, `returns` and `parameters` (kind and type of each); zerorpc ignores them.
Pure: no socket, thread or clock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rpcctl.described import read_parameter
from rpcctl.errors import LocalProtocolError
from rpcctl.messages import REQUIRED, Description, Failure, MethodDescription, Parameter, Reply, Result

from .codec import pack, text

_SHOWN = ("positional", "either")
"""The kinds of parameters that zerorpc has a place for."""


def answer(name: str, args: Sequence[Any], description: Description) -> Reply:
    """What the built-in method of that name answers."""
    plain = _PLAIN.get(name)
    if plain is not None:
        if args:
            return Failure("arguments", "TypeError", f"{name}() takes no arguments but {len(args)} were given")
        return Result(plain(description))
    if len(args) != 1:
        return Failure("arguments", "TypeError", f"{name}() takes 1 argument but {len(args)} were given")
    method = description.find(text(args[0]))
    if method is None:
        return Failure("remote", "KeyError", repr(args[0]))
    return Result((method.doc or None) if name == "_zerorpc_help" else _args(method))


def to_inspect(description: Description) -> dict[str, Any]:
    """The map that `_zerorpc_inspect` answers with."""
    return {"name": description.name, "methods": {each.name: _inspect_method(each) for each in description.methods}}


def from_inspect(value: Any) -> Description:
    """A server's map as a Description, with whatever of it can be read."""
    value = _texts(value)
    methods = _texts(value.get("methods"))
    found = [_read_method(name, _texts(each)) for name, each in methods.items() if type(name) is str]
    return Description(_text(value.get("name")), tuple(found))


def from_parts(name: str, doc: Any, args: Any) -> MethodDescription:
    """A method as `_zerorpc_help` and `_zerorpc_args` tell of it, for servers that cannot inspect."""
    return MethodDescription(name, _read_args(args), doc=_text(doc))


def _list(description: Description) -> list[str]:
    return [method.name for method in description.methods]


_PLAIN: Mapping[str, Callable[[Description], Any]] = {
    "_zerorpc_inspect": to_inspect,
    "_zerorpc_name": lambda description: description.name,
    "_zerorpc_ping": lambda description: ("pong", description.name),
    "_zerorpc_list": _list,
}
BUILTINS = frozenset(_PLAIN) | {"_zerorpc_help", "_zerorpc_args"}
"""The methods that a zerorpc server has beside its own."""


def _inspect_method(method: MethodDescription) -> dict[str, Any]:
    parameters = method.parameters
    shown = None
    if parameters is not None:
        shown = [_inspect_parameter(each) for each in parameters if each.kind in _SHOWN]
    found: dict[str, Any] = {"args": shown, "doc": method.doc or None, "stream": method.stream}
    if parameters is not None:
        found["parameters"] = [
            {**_inspect_parameter(each), "kind": each.kind, "type": each.type} for each in parameters
        ]
    if method.returns:
        found["returns"] = method.returns
    if not method.exact:
        found["exact"] = False
    return found


def _inspect_parameter(parameter: Parameter) -> dict[str, Any]:
    if parameter.default is REQUIRED:
        return {"name": parameter.name}
    return {"name": parameter.name, "default": _carried(parameter.default)}


def _carried(default: Any) -> Any:
    """The default, or its source where MessagePack has no form for it: one method must not spoil the whole answer."""
    try:
        pack({}, "", default)
    except LocalProtocolError:
        return repr(default)
    return default


def _args(method: MethodDescription) -> list[Any] | None:
    if method.parameters is None:
        return None
    shown = [each for each in method.parameters if each.kind in _SHOWN]
    defaults = [_carried(each.default) for each in shown if each.default is not REQUIRED]
    return [
        [each.name for each in shown],
        _first_name(method.parameters, "rest"),
        _first_name(method.parameters, "more"),
        defaults or None,
    ]


def _first_name(parameters: Iterable[Parameter], kind: str) -> str | None:
    return next((each.name for each in parameters if each.kind == kind), None)


def _read_method(name: str, found: Mapping[str, Any]) -> MethodDescription:
    own = _read_parameters(found.get("parameters"))
    return MethodDescription(
        name,
        _read_parameters(found.get("args")) if own is None else own,
        _text(found.get("returns")),
        _text(found.get("doc")),
        found.get("stream") is True,
        found.get("exact") is not False,
    )


def _read_parameters(found: Any) -> tuple[Parameter, ...] | None:
    if not isinstance(found, list):
        return None
    parameters = [read_parameter(_without_bytes(_texts(each))) for each in found]
    return tuple(_without_self(parameters))


def _read_args(found: Any) -> tuple[Parameter, ...] | None:
    if not isinstance(found, list) or len(found) != 4 or not isinstance(found[0], list):
        return None
    names, rest, more, defaults = found
    values = defaults if isinstance(defaults, list) else []
    padded = [REQUIRED] * (len(names) - len(values)) + values
    parameters = [Parameter(_text(name), default=value) for name, value in zip(names, padded, strict=False)]
    parameters += [Parameter(_text(name), kind) for name, kind in ((rest, "rest"), (more, "more")) if name]
    return tuple(_without_self(parameters))


def _without_self(parameters: list[Parameter]) -> list[Parameter]:
    """zerorpc counts `self` among the arguments; nobody ever passes it."""
    first = parameters[0] if parameters else None
    return parameters[1:] if first and first.name == "self" and first.default is REQUIRED else parameters


def _texts(found: Any) -> dict[str, Any]:
    """A map whose keys an old peer may have written as bin."""
    return {text(key): value for key, value in found.items()} if isinstance(found, dict) else {}


def _without_bytes(found: dict[str, Any]) -> dict[str, Any]:
    """A parameter whose name and kind an old peer may have written as bin; its default is a value."""
    return {key: each if key == "default" else text(each) for key, each in found.items()}


def _text(value: Any) -> str:
    value = text(value)
    return value if type(value) is str else ""
