"""What an object is made of: another value that stands for it, items, or pairs of key and value.

Recognised by the object's type, never by what the object claims to be, and without importing the libraries concerned: a
value of their types exists only where they are loaded. What no built-in container holds in memory is listed up to a
limit. Knows no encoding, no depth and no path.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, MappingView, Sequence, Set
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple


class Instead(NamedTuple):
    """Another value to take in place of the object."""

    value: Any


class Items(NamedTuple):
    """A list that nobody else holds."""

    items: list[Any]


class Pairs(NamedTuple):
    """Keys with their values, in a list that nobody else holds."""

    pairs: list[tuple[Any, Any]]


class Refused(NamedTuple):
    """Nothing to be sent, and why."""

    reason: str
    shapeless: bool = False
    """Whether it is so for every object of the type: then its repr() may do."""


Shape = Instead | Items | Pairs | Refused
_Reader = Callable[[Any, int], Shape]
"""An object and the limit to its shape."""


def recognise(value: Any, limit: int) -> Shape:
    """The shape of an object that is not plain; at most `limit` items of it are listed. Its own exceptions pass."""
    kind: Any = type(value)
    # Classes that their metaclass takes for equal must not share an entry of the cache.
    reader = _recall_reader(kind) if getattr(type(kind), "__hash__", None) is _HASH else _find_reader(kind)
    return reader(value, limit)


def name_type(kind: type) -> str:
    """The name of a class, whatever its metaclass says."""
    name: str = type.__dict__["__name__"].__get__(kind)
    return name


def refuse(value: Any, limit: int = 0) -> Refused:
    """The shape of what has none: a class, function, lock or socket."""
    kind = type(value)
    what = f"class {name_type(value)}" if issubclass(kind, type) else f"type {name_type(kind)}"
    return Refused(f"no plain form for {what}", shapeless=True)


def whole_seconds(value: Any) -> Any:
    """A plain datetime for one of whole seconds and without a zone, of which a wire's date loses nothing; else None."""
    kind = type(value)
    if not _descends(kind, "datetime", "datetime") or value.microsecond or value.tzinfo is not None:
        return None
    base = sys.modules["datetime"].datetime
    return value if kind is base else base(*value.timetuple()[:6])


def exact_number(value: Any) -> Any:
    """A plain Decimal for one that is a number; else None."""
    kind = type(value)
    if not _descends(kind, "decimal", "Decimal") or not value.is_finite():
        return None
    base = sys.modules["decimal"].Decimal
    return value if kind is base else base(value)


def _read_instead(convert: Callable[[Any], Any]) -> _Reader:
    return lambda value, limit: Instead(convert(value))


def _read_call(name: str) -> _Reader:
    """Of what a method without arguments gives."""

    def read(value: Any, limit: int) -> Shape:
        method = getattr(type(value), name, None)
        made = method(value) if callable(method) else value
        # What stands for itself, as numpy's long double does, cannot be had in any other form.
        return refuse(value) if type(made) is type(value) else Instead(made)

    return read


def _read_held(base: Any) -> _Reader:
    """Of a container that holds its items in memory: those, whatever a subclass makes of iteration."""
    return lambda value, limit: Items(list(base.__iter__(value)))


def _read_bytes(value: Any, limit: int) -> Shape:
    try:
        return Instead(bytes(memoryview(value)))
    except (ValueError, BufferError) as exc:
        return Refused(f"unreadable {name_type(type(value))}: {exc}")


def _read_exception(value: BaseException, limit: int) -> Shape:
    return Pairs([("type", name_type(type(value))), ("message", type(value).__str__(value))])


def _read_set(base: Any) -> _Reader:
    return lambda value, limit: Items(_sort(list(base.__iter__(value))))


def _sort(items: list[Any]) -> list[Any]:
    try:
        return sorted(items)
    except Exception:  # Not sortable: TypeError by contract, anything from a __lt__ of the user's.
        return items


def _read_dict(value: dict[Any, Any], limit: int) -> Shape:
    if type(value).items is dict.items:
        return Pairs(list(dict.items(value)))
    return _read_mapping(value, max(limit, dict.__len__(value)))


def _read_mapping(value: Any, limit: int) -> Shape:
    items = getattr(value, "items", None)
    listed = _list(items(), limit) if callable(items) else refuse(value)
    if isinstance(listed, Refused):
        return listed
    if any(type(each) is not tuple or len(each) != 2 for each in listed.items):
        return Refused(f"the items of {name_type(type(value))} are no pairs")
    return Pairs(listed.items)


def _read_iterable(value: Iterable[Any], limit: int) -> Shape:
    return _list(value, limit)


def _read_abstract_set(value: Iterable[Any], limit: int) -> Shape:
    listed = _list(value, limit)
    return listed if isinstance(listed, Refused) else Items(_sort(listed.items))


def _list(value: Iterable[Any], limit: int) -> Items | Refused:
    try:
        iterator = iter(value)
    except TypeError as exc:
        return Refused(f"unreadable {name_type(type(value))}: {exc}")
    items = list(islice(iterator, limit + 1))
    return Items(items) if len(items) <= limit else Refused(f"more than {limit} items (--max-items)")


def _read_dataclass(value: Any, limit: int) -> Shape:
    from dataclasses import fields

    try:
        names = [field.name for field in fields(type(value))]
    except (TypeError, AttributeError):  # A table of fields that dataclasses did not make.
        return refuse(value)
    return _read_fields(value, names)


def _read_attrs(value: Any, limit: int) -> Shape:
    table = type(value).__attrs_attrs__
    return _read_fields(value, [getattr(each, "name", None) for each in table] if _is_tuple(table) else None)


def _read_struct(value: Any, limit: int) -> Shape:
    return _read_fields(value, type(value).__struct_fields__)


def _read_fields(value: Any, names: Any) -> Shape:
    if not (type(names) is list or _is_tuple(names)) or any(type(name) is not str for name in names):
        return refuse(value)
    pairs = []
    for name in names:
        try:
            pairs.append((name, getattr(value, name)))
        except AttributeError:
            return Refused(f"the field {name} of {name_type(type(value))} is not set")
    return Pairs(pairs)


def _is_tuple(value: Any) -> bool:
    return issubclass(type(value), tuple)


_HELD: tuple[type, ...] = (list, tuple, deque, type({}.keys()), type({}.values()), type({}.items()))
_READERS: tuple[tuple[type, _Reader], ...] = (
    (int, _read_instead(int.__int__)),
    (float, _read_instead(float.__float__)),
    (str, _read_instead(str.__str__)),
    (bytes, _read_bytes),
    (bytearray, _read_bytes),
    (memoryview, _read_bytes),
    (complex, _read_call("__str__")),
    (BaseException, _read_exception),
    *((base, _read_held(base)) for base in _HELD),
    (set, _read_set(set)),
    (frozenset, _read_set(frozenset)),
    (dict, _read_dict),
)
"""Built-in types, in the order in which a type that descends from two of them is taken."""
_MODELS: tuple[tuple[tuple[str, ...], _Reader], ...] = (
    (("__dataclass_fields__",), _read_dataclass),
    (("__attrs_attrs__",), _read_attrs),
    (("model_dump",), _read_call("model_dump")),
    (("__struct_fields__",), _read_struct),
    (("dtype", "tolist"), _read_call("tolist")),
    (("dtype", "item"), _read_call("item")),
)
"""What the classes of dataclasses, attrs, pydantic, msgspec and numpy have."""
_LIBRARY: tuple[tuple[str, str, _Reader], ...] = (
    ("datetime", "datetime", _read_call("isoformat")),
    ("datetime", "date", _read_call("isoformat")),
    ("datetime", "time", _read_call("isoformat")),
    ("datetime", "timedelta", _read_call("total_seconds")),
    ("decimal", "Decimal", _read_call("__str__")),
    ("fractions", "Fraction", _read_call("__str__")),
    ("uuid", "UUID", _read_call("__str__")),
    ("pathlib", "PurePath", _read_call("__str__")),
    ("array", "array", _read_call("tolist")),
)
"""Module, class and reader of the standard library's types."""
_ABSTRACT: tuple[tuple[type, _Reader], ...] = (
    (Mapping, _read_mapping),
    (Set, _read_abstract_set),
    (Sequence, _read_iterable),
    (MappingView, _read_iterable),
    (Iterator, _read_iterable),
)


def _find_reader(kind: type) -> _Reader:
    if _descends(kind, "enum", "Enum"):
        return _read_instead(lambda value: value.value)
    candidates = (
        *(reader for base, reader in _READERS if issubclass(kind, base)),
        *(reader for names, reader in _MODELS if _has(kind, *names)),
        *(reader for module, name, reader in _LIBRARY if _descends(kind, module, name)),
        *(reader for base, reader in _ABSTRACT if issubclass(kind, base)),
    )
    return candidates[0] if candidates else refuse


_recall_reader = lru_cache(maxsize=1024)(_find_reader)
_HASH = type.__hash__


def _descends(kind: type, module: str, name: str) -> bool:
    base = getattr(sys.modules.get(module), name, None)
    return isinstance(base, type) and issubclass(kind, base)


def _has(kind: type, *attributes: str) -> bool:
    # Not hasattr: a metaclass with a __getattr__ has everything.
    spaces = [type.__getattribute__(base, "__dict__") for base in type.__getattribute__(kind, "__mro__")]
    return all(any(name in space for space in spaces) for name in attributes)
