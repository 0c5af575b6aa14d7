"""The methods by which servers tell what they offer, both ends: `rpc.discover` and the `system.*` trio. Pure.

rpc.discover()             an OpenRPC document
system.listMethods()       [name, ...]
system.methodHelp(m)       text
system.methodSignature(m)  [[type of the result, type of each parameter, ...]]
"""

from collections.abc import Mapping
from typing import Any

from rpcctl.messages import Description, Failure, MethodDescription, Parameter, Result
from rpcctl.openrpc import schema_of, to_document

DISCOVER, LIST, HELP, SIGNATURE = "rpc.discover", "system.listMethods", "system.methodHelp", "system.methodSignature"
_TAKES: Mapping[str, int] = {DISCOVER: 0, LIST: 0, HELP: 1, SIGNATURE: 1}
BUILTINS = frozenset(_TAKES)
"""The methods that a server has beside its own."""


def answer(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], description: Description) -> Result | Failure:
    """What the built-in method of that name answers."""
    given = (*args, *kwargs.values())
    if len(given) != _TAKES[name]:
        return Failure("arguments", "TypeError", f"{name}() takes {_TAKES[name]} arguments but {len(given)} were given")
    if name == DISCOVER:
        return Result(to_document(description))
    if name == LIST:
        return Result(sorted([*(each.name for each in description.methods), *BUILTINS]))
    return _tell(name, given[0], description)


def from_parts(name: str, help: Any, signature: Any) -> MethodDescription:
    """A method as `system.methodHelp` and `system.methodSignature` tell of it, whatever they answered."""
    from inspect import cleandoc

    # Many servers send it indented as it stands in their source.
    doc = cleandoc(help).strip() if isinstance(help, str) else ""
    form = signature[0] if isinstance(signature, list) and signature else None
    if not isinstance(form, list) or not form or not all(isinstance(each, str) for each in form):
        return MethodDescription(name, None, doc=doc)
    parameters = tuple(Parameter(f"arg{n}", "positional", type=each) for n, each in enumerate(form[1:], 1))
    return MethodDescription(name, parameters, form[0], doc, exact=False)


def _tell(name: str, method: Any, description: Description) -> Result | Failure:
    found = description.find(method) if isinstance(method, str) else None
    if found is None and not (isinstance(method, str) and method in _TAKES):
        return Failure("remote", "KeyError", repr(method))
    if name == HELP:
        return Result(found.doc if found else f"Built in: {method}")
    return Result(_signature(found) if found else [])


def _signature(method: MethodDescription) -> list[list[str]]:
    if method.parameters is None:
        return []
    types = [method.returns, *(each.type for each in method.parameters if each.kind in ("positional", "either"))]
    return [[str(schema_of(each).get("type", "any")) for each in types]]
