"""The scalar types of XML-RPC: the text inside an element to a value. Pure; knows neither structure nor messages.

    int i1 i2 i4 i8 biginteger   digits with a sign       boolean            0 or 1
    double float bigdecimal      decimal, exponent or not dateTime.iso8601   20260130T14:08:55, dashes and a zone too
    base64                       bytes                    nil                None

Names as in the specification of 1999, its nil extension and Apache's; what no specification has is refused.
"""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from typing import Any

MAX_DIGITS = 4300
"""Longest integer; reading takes time by the square of its length."""
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DOUBLE = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_DATE = re.compile(
    r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})T([0-9]{2}):?([0-9]{2}):?([0-9]{2})(?:\.([0-9]{1,6})[0-9]*)?"
    r"(?:(Z)|([+-])([0-9]{2}):?([0-9]{2}))?"
)
_BOOLEANS = {"0": False, "1": True}


def read_integer(text: str) -> int:
    """An integer of any width; ValueError when it is none."""
    text = text.strip()
    if len(text) > MAX_DIGITS:
        raise ValueError(f"an integer of {len(text)} digits, {MAX_DIGITS} are allowed")
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{_shorten(text)} is no integer")
    return int(text)


def read_boolean(text: str) -> bool:
    """0 or 1; ValueError for all else, `true` included, as Python's own reader has it."""
    found = _BOOLEANS.get(text.strip())
    if found is None:
        raise ValueError(f"{_shorten(text)} is no boolean: 0 or 1")
    return found


def read_double(text: str) -> float:
    """A finite number; ValueError for NaN and the infinities, which most readers refuse."""
    text = text.strip()
    if len(text) > MAX_DIGITS or not _DOUBLE.fullmatch(text):
        raise ValueError(f"{_shorten(text)} is no double")
    value = float(text)
    if value - value != 0:
        raise ValueError(f"{_shorten(text)} is too large for a double")
    return value


def read_base64(text: str) -> bytes:
    """Bytes; ValueError when the text is no base64. Line breaks inside are part of it."""
    try:
        return a2b_base64(text)
    except Base64Error as exc:
        raise ValueError(f"bad base64: {exc}") from None


def read_date(text: str) -> Any:
    """A datetime, with a zone only where one is written; ValueError when it is none."""
    from datetime import datetime, timedelta, timezone

    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{_shorten(text)} is no dateTime: write it as 20260130T14:08:55")
    *numbers, fraction, utc, sign, hours, minutes = match.groups()
    zone = timezone.utc if utc else None
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        zone = timezone(-offset if sign == "-" else offset)
    year, month, day, hour, minute, second = map(int, numbers)
    return datetime(year, month, day, hour, minute, second, int((fraction or "0").ljust(6, "0")), zone)


def read_nil(text: str) -> None:
    """None; ValueError when something is written inside."""
    if text.strip():
        raise ValueError("nil is not empty")


def read_string(text: str) -> str:
    """Itself."""
    return text


SCALARS: Mapping[str, Callable[[str], Any]] = {
    "string": read_string,
    "int": read_integer,
    "i4": read_integer,
    "i8": read_integer,
    "boolean": read_boolean,
    "double": read_double,
    "base64": read_base64,
    "dateTime.iso8601": read_date,
    "nil": read_nil,
    "i1": read_integer,
    "i2": read_integer,
    "biginteger": read_integer,
    "bigdecimal": read_double,
    "float": read_double,
}
"""Element to reader; each raises ValueError."""


def _shorten(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
