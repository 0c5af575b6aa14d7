"""What servers tell of themselves, to a Description and back: our own methods, and Neovim's. Pure.

    rpcctl.ping()        the server's name
    rpcctl.list()        [name, ...]
    rpcctl.describe(m)   a method, as `rpcctl.described` has it
    rpcctl.describe()    {"name", "doc", "methods": [the same of each]}

    nvim_get_api_info()  [channel, {"functions": [{"name", "parameters": [[type, name]], "return_type", "since",
                         "deprecated_since"?}], "version": {...}}]                          (Neovim 0.7.2, api-metadata)

MessagePack-RPC itself has no introspection.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rpcctl import described
from rpcctl.messages import Description, Failure, MethodDescription, Parameter, Result

PING, LIST, DESCRIBE = "rpcctl.ping", "rpcctl.list", "rpcctl.describe"
BUILTINS = frozenset({PING, LIST, DESCRIBE})
"""The methods that our servers have beside their target's."""
NEOVIM = "nvim_get_api_info"
_PLAIN = (type(None), bool, int, float, str, bytes)


def answer(name: str, args: Sequence[Any], description: Description) -> Result | Failure:
    """What the built-in method of that name answers."""
    most = 1 if name == DESCRIBE else 0
    if len(args) > most:
        return Failure("arguments", "TypeError", f"{name}() takes {most} arguments but {len(args)} were given")
    if not args:
        return Result(_WHOLE[name](description))
    found = description.find(args[0]) if isinstance(args[0], str) else None
    return Result(described.method_to_plain(found, _carried)) if found else Failure("remote", "KeyError", repr(args[0]))


def from_map(value: Any) -> Description | None:
    """The answer of `rpcctl.describe` as a Description, with whatever of it can be read; None when it is none."""
    if not isinstance(value, dict) or not isinstance(value.get("methods"), list):
        return None
    return described.from_plain(value)


def from_neovim(value: Any) -> Description | None:
    """The answer of `nvim_get_api_info` as a Description; None when it is none."""
    metadata = value[1] if isinstance(value, list) and len(value) == 2 else None
    functions = metadata.get("functions") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(functions, list):
        return None
    methods = tuple(_read_function(each) for each in functions if isinstance(each, dict))
    return Description(_neovim_name(metadata.get("version")), methods)


def _list(description: Description) -> list[str]:
    return [method.name for method in description.methods]


_WHOLE: Mapping[str, Callable[[Description], Any]] = {
    PING: lambda description: description.name,
    LIST: _list,
    DESCRIBE: lambda description: described.to_plain(description, _carried),
}


def _carried(default: Any) -> Any:
    """The default, or its source where it is no simple value: one method must not spoil the whole answer."""
    fits = type(default) in _PLAIN and not (type(default) is int and not -(1 << 63) <= default < 1 << 64)
    return default if fits else repr(default)


def _read_function(found: Mapping[Any, Any]) -> MethodDescription:
    pairs = found.get("parameters")
    parameters = [
        Parameter(_text(pair[1]), "positional", type=_text(pair[0]))
        for pair in (pairs if isinstance(pairs, list) else [])
        if isinstance(pair, list) and len(pair) == 2
    ]
    return MethodDescription(
        _text(found.get("name")) or "?", tuple(parameters), _text(found.get("return_type")), _neovim_doc(found)
    )


def _neovim_doc(found: Mapping[Any, Any]) -> str:
    if "deprecated_since" in found:
        return f"Deprecated since API level {found['deprecated_since']}."
    return f"Since API level {found['since']}." if "since" in found else ""


def _neovim_name(version: Any) -> str:
    parts = [version.get(each) for each in ("major", "minor", "patch")] if isinstance(version, dict) else []
    return f"Neovim {'.'.join(map(str, parts))}" if parts else "Neovim"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
