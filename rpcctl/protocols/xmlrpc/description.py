"""What a server tells of itself in XML-RPC's values, to a Description and back.

    system.listMethods()       [name, ...]     system.methodSignature(name)  [[returns, parameter, ...], ...] or text
    system.methodHelp(name)    text            system.getCapabilities()      {name: {specUrl, specVersion}}
    rpcctl.inspect()           {name, doc, methods: [{name, doc, returns, stream, exact, parameters}]}

The last one is our own: the others have neither names nor defaults of parameters. Pure: no socket, thread or clock.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rpcctl.described import to_plain
from rpcctl.errors import LocalProtocolError
from rpcctl.messages import REQUIRED, Description, MethodDescription, Parameter

from . import codec

UNKNOWN = "undef"
"""The signature of a method whose types are not known, as the introspection extension has it."""
_NAMES: Mapping[str, str] = {
    "int": "int",
    "bool": "boolean",
    "float": "double",
    "str": "string",
    "bytes": "base64",
    "bytearray": "base64",
    "datetime": "dateTime.iso8601",
    "datetime.datetime": "dateTime.iso8601",
    "None": "nil",
    **dict.fromkeys(
        ("list", "tuple", "set", "frozenset", "Sequence", "Iterator", "Iterable", "AsyncIterator"), "array"
    ),
    **dict.fromkeys(("dict", "Mapping"), "struct"),
}
"""Annotation to type; of one with parameters, as `list[int]`, the part before them."""
_TYPES = {wire: annotation for annotation, wire in reversed(list(_NAMES.items()))} | {"i4": "int", "i8": "int"}


def capabilities(description: Description) -> dict[str, Any]:
    """What `system.getCapabilities` answers: our name is in it, for those that ask who is there."""
    return {
        "faults_interop": _capability("http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php", 20010516),
        "introspection": _capability("http://xmlrpc-c.sourceforge.net/xmlrpc-c/introspection.html", 1),
        "nil": _capability("http://ontosys.com/xml-rpc/extensions.php", 20010518),
        "rpcctl": {**_capability("https://pypi.org/project/rpcctl/", 1), "name": codec.printable(description.name)},
    }


def server_name(found: Any) -> str:
    """The name of one of our servers, from its capabilities; empty for others."""
    own = found.get("rpcctl") if isinstance(found, dict) else None
    return _text(own.get("name")) if isinstance(own, dict) else ""


def signatures(method: MethodDescription) -> Any:
    """What `system.methodSignature` answers: one row for each number of arguments, or `undef`."""
    parameters = method.parameters
    if parameters is None or any(each.kind == "rest" for each in parameters):
        return UNKNOWN
    shown = [each for each in parameters if each.kind in ("positional", "either")]
    names = [_type_of(each.type) for each in shown]
    returns = "array" if method.stream else _type_of(method.returns)
    needs_name = any(each.kind == "named" and each.default is REQUIRED for each in parameters)
    if returns is None or None in names or needs_name:
        return UNKNOWN
    least = sum(each.default is REQUIRED for each in shown)
    return [[returns, *names[:count]] for count in range(least, len(names) + 1)]


def to_inspect(description: Description) -> dict[str, Any]:
    """What `rpcctl.inspect` answers."""
    return to_plain(description, _carried, codec.printable)


def from_parts(name: str, doc: Any, signature: Any) -> MethodDescription:
    """A method as `system.methodHelp` and `system.methodSignature` tell of it."""
    from inspect import cleandoc

    doc = cleandoc(_text(doc)).strip()  # Many servers send it indented as it stands in their source.
    rows = _list(signature)
    if rows and all(isinstance(each, str) for each in rows):
        rows = [rows]  # Supervisor leaves the outer array out.
    rows = [row for row in rows if isinstance(row, list) and row and all(isinstance(each, str) for each in row)]
    if not rows:
        return MethodDescription(name, doc=doc, exact=False)
    longest = max(rows, key=len)
    parameters = [
        Parameter(f"p{n}", "positional", type=_TYPES.get(wire, wire)) for n, wire in enumerate(longest[1:], 1)
    ]
    return MethodDescription(name, tuple(parameters), _TYPES.get(longest[0], longest[0]), doc, exact=False)


def _capability(url: str, version: int) -> dict[str, Any]:
    return {"specUrl": url, "specVersion": version}


def _type_of(annotation: str) -> str | None:
    name = annotation.partition("[")[0]
    return _NAMES.get(name) or _NAMES.get(name.rpartition(".")[2])


def _carried(default: Any) -> Any:
    """The default, or its source where the wire has no form for it: one method must not spoil the whole answer."""
    try:
        codec.write_reply(default, codec.STRICT)
    except LocalProtocolError:
        return codec.printable(repr(default))
    return default


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
