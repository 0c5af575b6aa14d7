"""JSON as RFC 8259 has it, bytes to values and back, with limits on what a stranger may send. Pure.

Refused beyond what the standard library refuses: NaN and Infinity, numbers that only infinity could hold, lone
surrogates, which UTF-8 cannot carry back, and depth.
"""

import json
from collections.abc import Callable
from typing import Any

_PLACES = 40
"""Digits before or after the point up to which a Decimal is written without an exponent."""
DEPTH = 100
"""Levels of containers within each other, unless told otherwise."""


class JSONError(ValueError):
    """The bytes are not JSON, or more than is taken; its text says why."""


def write(value: Any) -> bytes:
    """Plain data as one line of UTF-8, a Decimal with all its digits; ValueError for NaN, TypeError for the rest."""
    try:
        return _encode(value).encode()
    except TypeError:
        return _encode_exactly(value).encode()


def read(data: bytes, *, depth: int = DEPTH, decimal: bool = False) -> Any:
    """The value that the bytes are, a leading byte order mark aside; JSONError.

    `decimal` keeps numbers with a fraction or an exponent exact.
    """
    try:
        value = (_read_decimals if decimal else _read_floats)(data.decode().removeprefix("\ufeff"))
    except UnicodeDecodeError as exc:
        raise JSONError(f"byte {exc.start + 1} is not UTF-8") from None
    except RecursionError:
        raise JSONError(_too_deep(depth)) from None
    except ValueError as exc:  # The interpreter's limit on digits too.
        raise JSONError(str(exc)) from None
    if data.count(b"[") + data.count(b"{") > depth:
        _check_depth(value, depth)
    if b"\\ud" in data or b"\\uD" in data:
        _check_surrogates(value)
    return value


def _read_float(text: str) -> float:
    number = float(text)
    if number - number:  # NaN for infinity, which is true.
        raise ValueError(f"the number {text[:40]} is out of range")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_encode: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_read_floats: Callable[[str], Any] = json.JSONDecoder(parse_float=_read_float, parse_constant=_refuse_constant).decode


def _encode_exactly(value: Any) -> str:
    """The same with Decimals, of which the standard library's encoder knows no form."""
    kind = type(value)
    if kind is list:
        return f"[{','.join(map(_encode_exactly, value))}]"
    if kind is dict:
        return f"{{{','.join(f'{_encode(str(name))}:{_encode_exactly(each)}' for name, each in value.items())}}}"
    if (kind.__module__, kind.__name__) == ("decimal", "Decimal"):
        # Without an exponent where that is short: not all readers take one.
        return format(value, "f") if abs(value.adjusted()) <= _PLACES else str(value)
    return _encode(value)


def _read_decimals(text: str) -> Any:
    from decimal import Decimal  # Here: few calls want it, and each would pay for its import.

    return json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant).decode(text)


def _check_depth(value: Any, depth: int) -> None:
    level = [value]
    for _ in range(depth):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return
    raise JSONError(_too_deep(depth))


def _inside(value: Any) -> list[Any]:
    """The containers within a container."""
    inner = value.values() if type(value) is dict else value if type(value) is list else ()
    return [each for each in inner if type(each) is dict or type(each) is list]


def _too_deep(depth: int) -> str:
    return f"nested too deep, {depth} levels are allowed"


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except (UnicodeEncodeError, RecursionError):
        raise JSONError("text with half of a surrogate pair, or nested too deep") from None
