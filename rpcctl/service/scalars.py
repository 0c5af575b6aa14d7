"""Text and numbers to what they stand for on a wire: dates, decimals, bytes, members of an Enum.

A class exists only where its module is loaded, so nothing is imported to compare with. Knows one class at a time, and
neither hints nor containers.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from rpcctl.service.plain import plain

Converter = Callable[[Any], Any]

_LONGEST = 60
_SPECIAL_FLOATS = ("NaN", "Infinity", "-Infinity")


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
            raise ValueError(f"{show(value)} is no {base.__name__}: write it as {self.example}") from exc


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


def find_converter(base: type) -> Converter | None:
    """What turns the plain form into an object of the class; None when the class has no such form, or is one itself.

    It raises ValueError with an example of how such a value is written.
    """
    found = next((each for each in _SCALARS if each.describes(base)), None)
    if found:
        return taking(found.kinds, partial(found.convert, base))
    known = getattr(sys.modules.get("enum"), "Enum", None)
    return partial(_make_member, base) if isinstance(known, type) and issubclass(base, known) else None


def _make_member(base: Any, value: Any) -> Any:
    """An Enum's member by its value, by the plain form of its value, or by its name."""
    if isinstance(value, base):
        return value
    try:
        return base(value)
    except (ValueError, TypeError):
        pass
    if type(value) is str and value in base.__members__:
        return base[value]
    for member in base:
        if plain(member.value, use_repr=True) == value:
            return member
    names = ", ".join(list(base.__members__)[:10])
    raise ValueError(f"{show(value)} is no {base.__name__}: write it as one of {names}")


def taking(kinds: tuple[type, ...], convert: Converter) -> Converter:
    """Convert values of exactly these types; others go on as they are."""
    return lambda value: convert(value) if type(value) in kinds else value


def show(value: Any) -> str:
    """A plain value for an error message: itself if it is short, else what sort of value it is."""
    text = repr(value) if type(value) in (str, float, bool) else f"the {type(value).__name__}"
    if type(value) is int and value.bit_length() <= 128:
        text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
