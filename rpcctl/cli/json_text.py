"""Strict JSON to values, as RFC 8259 has it: what the standard library lets pass beyond that is refused here.

No NaN or Infinity, no name twice in one object, no number that only infinity could hold, no integer of more than 4000
digits. Pure text in, value out; knows neither words nor files.
"""

import json
from math import isinf
from typing import Any

MAX_DIGITS = 4000
"""Longest integer; reading takes time by the square of its length."""


class JSONError(ValueError):
    """The text is not JSON; its text says why and where, counting characters from 1."""


class JSONRangeError(JSONError):
    """The text is JSON, but what it says cannot be held: a number out of range, a name twice, nested too deep."""


def parse(text: str, *, exact: bool = False) -> Any:
    """The value that the text is, `exact` with a Decimal for every fraction; JSONError or JSONRangeError."""
    return _Reading(exact).run(text)


class _Reading:
    """One reading of one text. What the hooks object to is kept until the end: the text may turn out not to be JSON."""

    def __init__(self, exact: bool) -> None:
        self._exact = exact
        self._problem: JSONError | None = None

    def run(self, text: str) -> Any:
        decoder = json.JSONDecoder(
            object_pairs_hook=self._read_object,
            parse_int=self._read_integer,
            parse_float=self._read_float,
            parse_constant=self._refuse_constant,
        )
        try:
            value = decoder.decode(text)
        except json.JSONDecodeError as exc:
            raise JSONError(_describe(exc)) from None
        except RecursionError:
            raise JSONRangeError("nested too deep") from None
        if self._problem:
            raise self._problem
        return value

    def _object_to(self, problem: JSONError) -> None:
        self._problem = self._problem or problem

    def _read_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            self._object_to(JSONRangeError(f"the name {_first_repeated(pairs)!r} is there twice"))
        return found

    def _read_integer(self, digits: str) -> int:
        if len(digits.lstrip("-")) <= MAX_DIGITS:
            try:
                return int(digits)
            except ValueError:  # the interpreter was started with a lower limit
                pass
        self._object_to(JSONRangeError(f"an integer of {len(digits)} digits is too long"))
        return 0

    def _read_float(self, digits: str) -> Any:
        if self._exact:
            return self._read_exactly(digits)
        number = float(digits)
        if isinf(number):
            self._object_to(JSONRangeError("a number out of range"))
        return number

    def _read_exactly(self, digits: str) -> Any:
        from decimal import Decimal, InvalidOperation  # Here: few lines want it, and each would pay for its import.

        if len(digits) <= MAX_DIGITS:
            try:
                return Decimal(digits)
            except InvalidOperation:  # Of an exponent that no number has.
                pass
        self._object_to(JSONRangeError("a number out of range"))
        return 0

    def _refuse_constant(self, name: str) -> None:
        self._object_to(JSONError(f"{name} is not JSON"))


def _describe(exc: json.JSONDecodeError) -> str:
    reason = exc.msg.rstrip(": ")
    place = f"character {exc.pos + 1}" if exc.lineno == 1 else f"line {exc.lineno}, character {exc.colno}"
    return f"{reason[:1].lower()}{reason[1:]} ({place})"


def _first_repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    raise AssertionError("no name is repeated")
