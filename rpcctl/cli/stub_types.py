"""Annotations as servers tell them, which may be any text, to types that a client's module can name. Pure.

Nothing of a server's text is copied but numbers, texts and names from the tables below; what is in none of them is Any.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

_STREAMS = frozenset({"Iterator", "Iterable", "Generator", "AsyncIterator", "AsyncIterable", "AsyncGenerator"})
_ARRAYS = frozenset({"list", "tuple", "set", "frozenset", "deque", "List", "Tuple", "Set", "FrozenSet"})
_LISTS = _STREAMS | _ARRAYS | {"Sequence", "MutableSequence", "Collection", "AbstractSet", "KeysView", "ValuesView"}
_MAPS = frozenset({"dict", "Dict", "Mapping", "MutableMapping", "OrderedDict", "defaultdict"})
_SCALARS = frozenset({"int", "float", "str", "bytes", "bool", "None"})
_DEPTH = 8
NAMES = frozenset({*_SCALARS, "Any", "Iterator", "Literal", "Mapping", "Sequence", "dict", "list"})
"""All names that can stand in such a type, or before it."""


class Side(NamedTuple):
    """One direction of values."""

    list: str
    map: str
    binary: bool = True
    """Whether bytes arrive as bytes; otherwise as text."""
    any_key: bool = True
    """Whether keys of maps keep their type; otherwise they are text."""


ARGUMENTS = Side("Sequence", "Mapping")
"""What a caller gives: whatever the wire's encoding makes of it."""


def results(*, binary: bool, any_key: bool) -> Side:
    """What a caller gets over a wire of those properties."""
    return Side("list", "dict", binary, any_key)


def read_type(text: str, side: Side) -> str:
    """The annotation as a type that is known here."""
    node = _parse(text)
    return _convert(node, side, _DEPTH) if node is not None else "Any"


def read_item_type(text: str, side: Side) -> str:
    """The type of one item, for an annotation such as `Iterator[int]`."""
    node = _parse(text)
    if isinstance(node, ast.Subscript) and _name(node.value) in _STREAMS:
        return _convert(_arguments(node)[0], side, _DEPTH)
    return "Any"


def _parse(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _convert(node: ast.expr, side: Side, depth: int) -> str:
    if not depth:
        return "Any"
    if isinstance(node, ast.Constant):
        return "None" if node.value is None else _convert_quoted(node.value, side, depth)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _join([node.left, node.right], side, depth)
    if isinstance(node, ast.Subscript):
        return _convert_subscript(_name(node.value), _arguments(node), side, depth)
    return _convert_name(_name(node), side)


def _convert_quoted(value: object, side: Side, depth: int) -> str:
    node = _parse(value) if isinstance(value, str) else None
    return _convert(node, side, depth - 1) if node is not None else "Any"


def _convert_name(name: str, side: Side) -> str:
    if name == "bytes" and not side.binary:
        return "str"
    if name in _SCALARS:
        return name
    if name in _LISTS:
        return f"{side.list}[Any]"
    return f"{side.map}[{_key('Any', side)}, Any]" if name in _MAPS else "Any"


def _convert_subscript(name: str, args: Sequence[ast.expr], side: Side, depth: int) -> str:
    special = _SPECIAL.get(name)
    if special is not None:
        return special(args, side, depth)
    if name in _MAPS and len(args) == 2:
        key, value = (_convert(each, side, depth - 1) for each in args)
        return f"{side.map}[{_key(key, side)}, {value}]"
    if name in ("tuple", "Tuple") and not (len(args) == 2 and _is_ellipsis(args[1])):
        return f"{side.list}[Any]"
    if name in _LISTS:
        return f"{side.list}[{_convert(args[0], side, depth - 1)}]"
    return "Any"


def _key(key: str, side: Side) -> str:
    return key if side.any_key else "str"


def _join(nodes: Sequence[ast.expr], side: Side, depth: int) -> str:
    found = [_convert(each, side, depth - 1) for each in nodes]
    return "Any" if "Any" in found else " | ".join(dict.fromkeys(" | ".join(found).split(" | ")))


def _optional(args: Sequence[ast.expr], side: Side, depth: int) -> str:
    return _join([args[0], ast.Constant(None)], side, depth)


def _literal(args: Sequence[ast.expr], side: Side, depth: int) -> str:
    values = [each.value for each in args if isinstance(each, ast.Constant)]
    if len(values) < len(args) or not all(type(each) in (int, str, bool, type(None)) for each in values):
        return "Any"
    return f"Literal[{', '.join(ascii(each) for each in values)}]"


_SPECIAL: Mapping[str, Callable[[Sequence[ast.expr], Side, int], str]] = {
    "Annotated": lambda args, side, depth: _convert(args[0], side, depth - 1),
    "Literal": _literal,
    "Optional": _optional,
    "Union": _join,
}


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _arguments(node: ast.Subscript) -> Sequence[ast.expr]:
    return node.slice.elts or [ast.Constant("")] if isinstance(node.slice, ast.Tuple) else [node.slice]


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...
