"""Plain data to what a type hint asks for: the way back from `rpcctl.service.plain`.

Only what a wire cannot carry is converted: text to a date, a list to a set, a dict to a dataclass. Hints are not
enforced: a value of a type that no conversion takes goes on as it is, and text never becomes an int or a bool. A hint's
class exists only where its module is loaded, so nothing is imported to compare with. Knows no signature and no wire.
"""

import sys
import types
import typing
from collections import abc, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from rpcctl.service.plain import plain

Converter = Callable[[Any], Any]

_DEPTH = 8
"""Levels of a hint that are looked at: an alias may name itself."""
_LONGEST = 60
_LISTS = (list, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable)
_DICTS = (dict, abc.Mapping, abc.MutableMapping)
_SETS: Mapping[Any, Callable[[Iterable[Any]], Any]] = {
    set: set,
    frozenset: frozenset,
    deque: deque,
    abc.Set: set,
    abc.MutableSet: set,
}
_SPECIAL_FLOATS = ("NaN", "Infinity", "-Infinity")


def converter(hint: Any) -> Converter | None:
    """What turns a plain value into the hinted type; None when nothing ever needs converting.

    The converter raises ValueError, worded `'x' is no date: write it as 2024-01-31`, for a value of the right type
    that has no such meaning. For a dataclass the exceptions of its `__post_init__` pass.
    """
    try:
        return _converter(hint, _DEPTH)
    except Exception:  # An annotation is any object: one without a hash, or with an __eq__ that raises.
        return None


def _converter(hint: Any, depth: int) -> Converter | None:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    base: Any = origin or hint
    if depth == 0:
        return None
    if origin is typing.Annotated:
        return _converter(args[0], depth)
    if origin is typing.Union or origin is types.UnionType:
        return _union([_Member(each, _converter(each, depth - 1)) for each in args])
    if isinstance(base, typing.NewType):
        return _converter(base.__supertype__, depth - 1)
    if type(base) is getattr(typing, "TypeAliasType", None):
        return _converter(base.__value__, depth - 1)
    if not isinstance(base, type):
        return None
    inner = [_converter(each, depth - 1) for each in args if each is not Ellipsis]
    return _container(base, inner, repeated=args[1:] == (Ellipsis,)) or _record(base) or _scalar(base)


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
            raise ValueError(f"{_show(value)} cannot be a set: {exc}") from exc

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
        raise ValueError(f"{what} {_show(name)}: {exc}") from exc


def _record(base: type) -> Converter | None:
    """Of a class with named fields: a dataclass is made of a dict, a named tuple of a list."""
    if "__dataclass_fields__" in vars(base):
        return _taking((dict,), lambda value: _make_dataclass(base, value))
    if issubclass(base, tuple) and hasattr(base, "_fields"):
        return _taking((list, tuple), lambda value: _make_namedtuple(base, value))
    return None


def _make_dataclass(base: type, value: dict[str, Any]) -> Any:
    known = _field_converters(base)
    fields = {name: _part("field", name, known.get(name), item) for name, item in value.items()}
    try:
        return base(**fields)
    except TypeError as exc:
        raise ValueError(f"{_show(value)} is no {base.__name__}: {exc}") from exc


def _make_namedtuple(base: type, value: Sequence[Any]) -> Any:
    if type(value) is base:
        return value
    known = _field_converters(base)
    names = [*base._fields, *[""] * len(value)]  # type: ignore[attr-defined]
    try:
        return base(*(_part("field", name, known.get(name), item) for name, item in zip(names, value, strict=False)))
    except TypeError as exc:
        raise ValueError(f"{_show(value)} is no {base.__name__}: {exc}") from exc


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


class _Scalar(NamedTuple):
    """A class of which one value travels as text or number."""

    module: str
    name: str
    kinds: tuple[type, ...]
    """What is converted; anything else goes on as it is."""
    make: Callable[[Any, Any], Any]
    """The class and the plain value to the object."""
    example: str

    def describes(self, base: type) -> bool:
        """Whether it is about that class; about its subclasses too where the constructor of each reads text."""
        known = getattr(sys.modules.get(self.module), self.name, None)
        return base is known or (self.name == "PurePath" and isinstance(known, type) and issubclass(base, known))

    def convert(self, base: type, value: Any) -> Any:
        """The object; ValueError with an example of how it is written."""
        try:
            return self.make(base, value)
        except (ValueError, TypeError, ArithmeticError) as exc:
            raise ValueError(f"{_show(value)} is no {base.__name__}: write it as {self.example}") from exc


def _read_datetime(base: Any, text: str) -> Any:
    # Python 3.10 does not know the Z of UTC.
    return base.fromisoformat(f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text)


def _read_fraction(base: Any, text: str) -> Any:
    if "e" in text.lower():
        raise ValueError("ten to the power of a large exponent fills the memory")
    return base(text)


def _read_float(base: Any, value: int | str) -> Any:
    if type(value) is str and value not in _SPECIAL_FLOATS:
        return value
    return float(value)


def _read_base64(base: Any, value: str | bytes) -> Any:
    from base64 import b64decode

    return base(b64decode(value, validate=True) if isinstance(value, str) else value)


_SCALARS = (
    _Scalar("builtins", "float", (int, str), _read_float, "a number of at most 308 digits"),
    _Scalar("builtins", "bytes", (str,), _read_base64, "base64"),
    _Scalar("builtins", "bytearray", (str, bytes), _read_base64, "base64"),
    _Scalar("builtins", "complex", (str,), lambda base, text: base(text), "1+2j"),
    _Scalar("datetime", "datetime", (str,), _read_datetime, "2024-01-31T12:30:00"),
    _Scalar("datetime", "date", (str,), lambda base, text: base.fromisoformat(text), "2024-01-31"),
    _Scalar("datetime", "time", (str,), _read_datetime, "12:30:00"),
    _Scalar("datetime", "timedelta", (int, float), lambda base, number: base(seconds=number), "a number of seconds"),
    _Scalar("decimal", "Decimal", (str, int, float), lambda base, number: base(str(number)), "12.50"),
    _Scalar("fractions", "Fraction", (str,), _read_fraction, "3/4"),
    _Scalar("uuid", "UUID", (str,), lambda base, text: base(text), "00000000-0000-0000-0000-000000000000"),
    _Scalar("pathlib", "PurePath", (str,), lambda base, text: base(text), "a path"),
)


def _scalar(base: type) -> Converter | None:
    found = next((each for each in _SCALARS if each.describes(base)), None)
    if found:
        return _taking(found.kinds, lambda value: found.convert(base, value))
    known = getattr(sys.modules.get("enum"), "Enum", None)
    return (lambda value: _make_member(base, value)) if isinstance(known, type) and issubclass(base, known) else None


def _make_member(base: Any, value: Any) -> Any:
    """An Enum's member by its value, by the plain form of its value, or by its name."""
    if isinstance(value, base):
        return value
    try:
        return base(value)
    except (ValueError, TypeError):
        pass
    for name, member in base.__members__.items():
        if plain(member.value) == value or name == value:
            return member
    names = ", ".join(list(base.__members__)[:10])
    raise ValueError(f"{_show(value)} is no {base.__name__}: write it as one of {names}")


def _taking(kinds: tuple[type, ...], convert: Converter) -> Converter:
    return lambda value: convert(value) if type(value) in kinds else value


def _show(value: Any) -> str:
    text = repr(value) if type(value) in (str, float, bool) else f"the {type(value).__name__}"
    if type(value) is int and value.bit_length() <= 128:
        text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
