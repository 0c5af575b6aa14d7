"""Any value to plain data that one wire can carry, or an error that says where in it and why not.

    plain(Point(1, 2), encoding) -> {"x": 1, "y": 2}

Plain data is None, bool, int, float, str, bytes, list and dict of exactly these types, datetime where a wire has dates,
and Decimal where it has exact numbers; the tree that is returned shares no container with the one given, so its owner
may go on changing it. Types are taken for what they inherit, never for what an object claims to be. Knows encodings by
their properties and no wire; the kinds of objects are in `shapes`.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from rpcctl.messages import NATIVE, Encoding
from rpcctl.service.shapes import (
    Instead,
    Items,
    Pairs,
    Shape,
    exact_number,
    name_type,
    recognise,
    refuse,
    whole_seconds,
)

DEPTH = 64
"""Levels of containers within each other, beyond which a value is refused: a cycle has no end."""
MAX_ITEMS = 10_000
"""Longest list made of an iterator, unless told otherwise."""

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What XML 1.0 cannot hold in any spelling (section 2.2, the production Char), surrogates aside."""
_LONGEST_KEY = 40
_FEW = 8
"""Items of a list for which a look at all types at once takes longer than a look at each."""

_Rule = Callable[[Any, int], Any]
"""A value and its depth to its plain form."""


class NotPlainError(ValueError):
    """A value that has no plain form, or none that the wire can carry: `$.rows[3]: no plain form for type lock`."""

    def __init__(self, reason: str, path: str = "$") -> None:
        """Keep the reason and the `path` from the root, `$`, to the value at fault."""
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def __str__(self) -> str:
        """The reason, after the path where that says more than that it is the value itself."""
        return self.reason if self.path == "$" else f"{self.path}: {self.reason}"

    def put_inside(self, step: str) -> None:
        """Note that the value at fault is part of a container, below `step`: `.name` or `[3]`."""
        self.path = f"${step}{self.path[1:]}"


def plain(value: Any, encoding: Encoding = NATIVE, *, max_items: int = MAX_ITEMS, use_repr: bool = False) -> Any:
    """The value as plain data; NotPlainError where it has no such form or the encoding cannot carry it.

    An iterator becomes a list of at most `max_items`; `use_repr` takes the repr() of what has no plain form.
    Exceptions of the value's own code pass: of a generator, a property, a `__str__`.
    """
    kind = type(value)
    if kind is int:
        if -0x80000000 <= value <= 0x7FFFFFFF:  # No wire has less.
            return value
    elif kind is str:
        if encoding.control_characters and value.isascii():
            return value
    elif value is None or kind is bool:
        return value
    return _normaliser(encoding, max_items, use_repr).convert(value, 0)


class _Normaliser:
    """The rules for one encoding. It keeps nothing of the values, so that threads share it."""

    def __init__(self, encoding: Encoding, max_items: int, use_repr: bool) -> None:
        self._encoding = encoding
        self._max_items = max_items
        self._use_repr = use_repr
        self._any_ascii = encoding.control_characters
        # As text, every integer and float makes a key; bytes do not, lest they be mixed up with their base64 text.
        self._key_encoding = encoding._replace(binary=True, int_bits=None, nan=False, exact=False, dates=False)
        self._low, self._high = _integer_range(encoding)
        self._rules = self._exact_rules()
        self._untouched = frozenset(kind for kind, rule in self._rules.items() if rule is None)

    def _exact_rules(self) -> dict[type, _Rule | None]:
        """Type to rule; None for those of which every value passes."""
        encoding = self._encoding
        text_wire = (
            not encoding.any_key
        )  # Where keys are text, so are numbers, and Python writes no text of any length.
        return {
            type(None): None,
            bool: None,
            int: None if encoding.int_bits is None and not text_wire else self._integer,
            float: None if encoding.nan else self._float,
            str: self._text,
            bytes: None if encoding.binary else self._base64,
            list: self._list,
            dict: self._dict,
        }

    def convert(self, value: Any, depth: int) -> Any:
        """The plain form of a value that lies `depth` containers deep."""
        kind = type(value)
        if kind is str:
            if value.isascii() and (self._any_ascii or value.isprintable()):
                return value
        elif kind is int:
            if self._low <= value <= self._high:
                return value
        elif kind is float and value - value == 0:
            return value
        try:
            rule = self._rules.get(kind, self._other)
        except TypeError:  # A class that cannot be hashed, because its metaclass says so.
            return self._by_shape(value, refuse(value), depth)
        return value if rule is None else rule(value, depth)

    def _integer(self, value: int, depth: int) -> int:
        if self._low <= value <= self._high:
            return value
        if self._encoding.int_bits is None:
            try:
                str(value)
                return value
            except ValueError:  # More digits than Python agrees to write or read.
                pass
        shown = str(value) if value.bit_length() <= 256 else f"of {value.bit_length()} bits"
        raise NotPlainError(f"integer {shown} does not fit {self._encoding.name}")

    def _float(self, value: float, depth: int) -> float | str:
        return value if value - value == 0 else _name_special(value)

    def _text(self, value: str, depth: int) -> str:
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as exc:
                code = ord(value[exc.start])
                raise NotPlainError(f"text with the lone surrogate U+{code:04X} at index {exc.start}") from None
        if not self._encoding.control_characters and (found := _UNWRITABLE.search(value)):
            name = f"U+{ord(found[0]):04X}"
            raise NotPlainError(
                f"text with the character {name} at index {found.start()} does not fit {self._encoding.name}"
            )
        return value

    def _base64(self, value: bytes, depth: int) -> str:
        from binascii import b2a_base64

        return b2a_base64(value, newline=False).decode("ascii")

    def _list(self, value: list[Any], depth: int) -> list[Any]:
        return self._convert_items(value.copy(), depth)

    def _convert_items(self, items: list[Any], depth: int) -> list[Any]:
        """Convert in place a list that is ours."""
        _check_depth(depth)
        if len(items) > _FEW and self._is_untouched(items):
            return items
        index = 0
        convert = self.convert
        try:
            for index, item in enumerate(items):
                items[index] = convert(item, depth + 1)
        except NotPlainError as exc:
            exc.put_inside(f"[{index}]")
            raise
        return items

    def _is_untouched(self, items: list[Any]) -> bool:
        """Whether the types alone tell that every item passes: many times faster than a look at each."""
        try:
            kinds: set[type] = set(map(type, items))
        except TypeError:
            return False
        if kinds <= self._untouched:
            return True
        return kinds == {int} and min(items) >= self._low and max(items) <= self._high

    def _dict(self, value: dict[Any, Any], depth: int) -> dict[Any, Any]:
        result = value.copy()
        any_ascii = self._any_ascii
        for key in result:
            if type(key) is not str or not key.isascii() or not (any_ascii or key.isprintable()):
                return self._convert_pairs(result.items(), depth)
        _check_depth(depth)
        convert = self.convert
        try:
            for key, item in result.items():
                result[key] = convert(item, depth + 1)
        except NotPlainError as exc:
            exc.put_inside(_step(key))
            raise
        return result

    def _convert_pairs(self, pairs: Iterable[tuple[Any, Any]], depth: int) -> dict[Any, Any]:
        _check_depth(depth)
        result: dict[Any, Any] = {}
        for original, item in pairs:
            key = self._key(original, depth)
            if key in result:
                raise NotPlainError(f"two keys become {_show(key)}")
            try:
                result[key] = self.convert(item, depth + 1)
            except NotPlainError as exc:
                exc.put_inside(_step(key))
                raise
        return result

    def _key(self, original: Any, depth: int) -> Any:
        any_key = self._encoding.any_key
        rules = self if any_key else _normaliser(self._key_encoding, self._max_items, self._use_repr)
        try:
            key = rules.convert(original, depth + 1)
        except NotPlainError as exc:
            raise NotPlainError(f"a key: {exc.reason}") from exc
        kind = type(key)
        if kind is str or (any_key and kind not in (list, dict)):
            return key
        if kind not in (int, float):
            raise NotPlainError(f"a key of type {name_type(type(original))} does not fit {self._encoding.name}")
        return repr(key)

    def _other(self, value: Any, depth: int) -> Any:
        """Of a value whose type is none of the plain ones."""
        if depth > DEPTH:
            raise _too_deep()
        if self._encoding.dates and (date := whole_seconds(value)) is not None:
            return date
        if self._encoding.exact and (number := exact_number(value)) is not None:
            return number
        return self._by_shape(value, recognise(value, self._max_items), depth)

    def _by_shape(self, value: Any, shape: Shape, depth: int) -> Any:
        if isinstance(shape, Instead):
            return self.convert(shape.value, depth + 1)
        if isinstance(shape, Items):
            return self._convert_items(shape.items, depth)
        if isinstance(shape, Pairs):
            return self._convert_pairs(shape.pairs, depth)
        if shape.shapeless and self._use_repr:
            kind: Any = type(value)
            return self.convert(kind.__repr__(value), depth + 1)
        raise NotPlainError(shape.reason)


@lru_cache(maxsize=64)
def _normaliser(encoding: Encoding, max_items: int, use_repr: bool) -> _Normaliser:
    return _Normaliser(encoding, max_items, use_repr)


def _integer_range(encoding: Encoding) -> tuple[int, int]:
    """What certainly passes; all that passes, if the encoding has a width."""
    half = 1 << ((encoding.int_bits or 64) - 1)
    return -half, 2 * half - 1 if encoding.unsigned else half - 1


def _name_special(value: float) -> str:
    """NaN or an infinity, as JavaScript spells it."""
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def _check_depth(depth: int) -> None:
    if depth >= DEPTH:
        raise _too_deep()


def _too_deep() -> NotPlainError:
    return NotPlainError(f"more than {DEPTH} levels within each other, or a cycle")


def _step(key: Any) -> str:
    """From a mapping to the value of a plain key."""
    if type(key) is str and key.isidentifier() and len(key) <= _LONGEST_KEY:
        return f".{key}"
    return f"[{_show(key)}]"


def _show(key: Any) -> str:
    if type(key) is int and key.bit_length() > 128:
        return f"integer of {key.bit_length()} bits"
    text = repr(key)
    return text if len(text) <= _LONGEST_KEY else f"{text[: _LONGEST_KEY - 3]}..."
