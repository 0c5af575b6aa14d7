"""Plain data to what a type hint asks for: the way back from `rpcctl.service.plain`.

Only what a wire cannot carry is converted: text to a date, a list to a set, a dict to a dataclass. Hints are not
enforced: a value of a type that no conversion takes goes on as it is, and text never becomes an int or a bool. Dates,
numbers and their like are in `rpcctl.service.scalars`. Knows no signature and no wire.
"""

import types
import typing
from collections import abc, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from rpcctl.service.scalars import Converter, find_converter, show, taking

_LISTS = (list, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable)
_DICTS = (dict, abc.Mapping, abc.MutableMapping)
_SETS: Mapping[Any, Callable[[Iterable[Any]], Any]] = {
    set: set,
    frozenset: frozenset,
    deque: deque,
    abc.Set: set,
    abc.MutableSet: set,
}


def converter(hint: Any) -> Converter | None:
    """What turns a plain value into the hinted type; None when nothing ever needs converting.

    The converter raises ValueError, worded `'x' is no date: write it as 2024-01-31`, for a value of the right type
    that has no such meaning. For a dataclass the exceptions of its `__post_init__` pass.
    """
    try:
        return _converter(hint, ())
    except Exception:  # An annotation is any object: one without a hash, or with an __eq__ that raises.
        return None


def _converter(hint: Any, aliases: tuple[Any, ...]) -> Converter | None:
    """`aliases` are those within which the hint was found."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    base: Any = origin or hint
    if origin is typing.Annotated:
        return _converter(args[0], aliases)
    if origin is typing.Union or origin is types.UnionType:
        return _union([_Member(each, _converter(each, aliases)) for each in args])
    if isinstance(base, typing.NewType):
        return _converter(base.__supertype__, aliases)
    if type(base) is getattr(typing, "TypeAliasType", None):
        # An alias may be part of what it stands for: then it is followed when there is a value.
        return _later(base) if base in aliases else _converter(base.__value__, (*aliases, base))
    if not isinstance(base, type):
        return None
    inner = [_converter(each, aliases) for each in args if each is not Ellipsis]
    return _container(base, inner, repeated=args[1:] == (Ellipsis,)) or _record(base) or find_converter(base)


def _later(alias: Any) -> Converter:
    def convert(value: Any) -> Any:
        found = _recall(alias)
        return found(value) if found else value

    return convert


_recall = lru_cache(maxsize=256)(converter)


class _Member(NamedTuple):
    """One of a union's types."""

    hint: Any
    convert: Converter | None

    def has(self, value: Any) -> bool:
        """Whether the value is of that type as it stands."""
        base = typing.get_origin(self.hint) or self.hint
        if base is typing.Literal:
            return value in typing.get_args(self.hint)
        if type(value) in (str, bytes) and base in _LISTS:
            return False  # Python's own sequences of characters are not meant by Sequence[date].
        try:
            return isinstance(value, base)
        except TypeError:  # No class, or one that is compared with nothing: Any, a type variable, a protocol.
            return self.convert is None


def _union(members: Sequence[_Member]) -> Converter | None:
    if not any(member.convert for member in members):
        return None

    def convert(value: Any) -> Any:
        fitting = [(member, True) for member in members if member.has(value)]
        others = [(member, False) for member in members if not member.has(value)]
        error: ValueError | None = None
        for member, fits in (*fitting, *others):
            try:
                result = member.convert(value) if member.convert else value
            except ValueError as exc:
                error = error or exc
                continue
            if fits or result is not value:
                return result
        if error:
            raise error
        return value

    return convert


def _container(base: type, inner: Sequence[Converter | None], *, repeated: bool) -> Converter | None:
    if base in _SETS:
        return _collection(_SETS[base], inner[0] if inner else None)
    if base is tuple:
        return _tuple(inner, repeated=repeated)
    if base in _LISTS and any(inner):
        return _collection(list, inner[0])
    if base in _DICTS and any(inner):
        return _dict(*inner)
    return None


def _collection(make: Callable[[Iterable[Any]], Any], each: Converter | None) -> Converter:
    def convert(value: Any) -> Any:
        if type(value) not in (list, tuple):
            return value
        items = [_part("item", index, each, item) for index, item in enumerate(value)]
        try:
            return make(items)
        except TypeError as exc:
            raise ValueError(f"{show(value)} cannot be a set: {exc}") from exc

    return convert


def _tuple(inner: Sequence[Converter | None], *, repeated: bool) -> Converter:
    def convert(value: Any) -> Any:
        if type(value) not in (list, tuple):
            return value
        known = [inner[0]] * len(value) if repeated else [*inner, *[None] * len(value)]
        return tuple(_part("item", index, known[index], item) for index, item in enumerate(value))

    return convert


def _dict(key: Converter | None, each: Converter | None) -> Converter:
    def convert(value: Any) -> Any:
        if type(value) is not dict:
            return value
        return {_part("key", name, key, name): _part("item", name, each, item) for name, item in value.items()}

    return convert


def _part(what: str, name: Any, convert: Converter | None, value: Any) -> Any:
    try:
        return convert(value) if convert else value
    except ValueError as exc:
        raise ValueError(f"{what} {show(name)}: {exc}") from exc


def _record(base: type) -> Converter | None:
    """Of a class with named fields: a dataclass is made of a dict, a named tuple of a list."""
    if "__dataclass_fields__" in vars(base):
        return taking((dict,), lambda value: _make_dataclass(base, value))
    if issubclass(base, tuple) and hasattr(base, "_fields"):
        return taking((list, tuple), lambda value: _make_namedtuple(base, value))
    return None


def _make_dataclass(base: type, value: dict[str, Any]) -> Any:
    known = _field_converters(base)
    fields = {name: _part("field", name, known.get(name), item) for name, item in value.items()}
    try:
        return base(**fields)
    except TypeError as exc:
        raise ValueError(f"{show(value)} is no {base.__name__}: {exc}") from exc


def _make_namedtuple(base: type, value: Sequence[Any]) -> Any:
    if type(value) is base:
        return value
    known = _field_converters(base)
    names = [*base._fields, *[""] * len(value)]  # type: ignore[attr-defined]
    try:
        return base(*(_part("field", name, known.get(name), item) for name, item in zip(names, value, strict=False)))
    except TypeError as exc:
        raise ValueError(f"{show(value)} is no {base.__name__}: {exc}") from exc


@lru_cache(maxsize=256)
def _field_converters(base: type) -> Mapping[str, Converter | None]:
    """Made on first use, when the classes that the hints name are there; a class may have fields of itself."""
    try:
        hints = typing.get_type_hints(base, include_extras=True)
    except Exception:  # Whatever evaluating a stranger's text may raise.
        return {}
    return {name: converter(_plain_hint(hint)) for name, hint in hints.items()}


def _plain_hint(hint: Any) -> Any:
    # InitVar[date] says of itself only what type it holds.
    return hint.type if type(hint).__name__ == "InitVar" else hint
