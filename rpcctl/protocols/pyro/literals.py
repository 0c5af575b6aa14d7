"""Serpent, the text in which Pyro's clients write unless told otherwise: Python literals in UTF-8, and back. Pure.

    # serpent utf-8 python3.2
    ('obj','add',(2,3),{})

What has no literal is spelled otherwise, by serpent 1.41: bytes as {'data': BASE64, 'encoding': 'base64'}, infinity as
1e30000, NaN as {'__class__':'float','value':'nan'}, an empty set as (). Read here and not by ast, whose trees take a
hundred times the memory of the text and whose parser recurses as deep as a peer likes.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from math import isinf, isnan
from typing import Any

DEPTH = 200
"""Levels within each other, beyond which a text is refused; Python's own parser takes no more either."""
HEAD = "# serpent utf-8 python3.2\n"

_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_TOKEN = re.compile(
    rf"""\s*(?:
    (?P<text>b?(?:'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"))
    |(?P<complex>\(\s*[-+]?{_NUMBER}[-+]{_NUMBER}j\s*\)|[-+]?{_NUMBER}j)
    |(?P<number>[-+]?{_NUMBER})
    |(?P<word>None|True|False)\b
    |(?P<sign>[][(){{}},:])
    )\s*""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"', "0": "\0", "a": "\a", "b": "\b"}
_ESCAPED |= {"f": "\f", "v": "\v", "\n": ""}
_WORDS = {"None": None, "True": True, "False": False}
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class LiteralError(ValueError):
    """A text that is no such literal, or a value that has none."""


def read(data: bytes) -> Any:
    """The value of a text; LiteralError when it is none."""
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        raise LiteralError(f"not UTF-8: {exc.reason} at byte {exc.start}") from None
    if text.startswith("#"):
        text = text.partition("\n")[2]
    reading = _Reading(text)
    value = reading.value(0)
    if reading.at != len(text):
        raise reading.error()
    return value


def write(value: Any) -> bytes:
    """The text of plain data; LiteralError for what has none."""
    out = [HEAD]
    _write(value, out.append, 0)
    return "".join(out).encode()


class _Reading:
    def __init__(self, text: str) -> None:
        self.at = 0
        self._text = text

    def error(self) -> LiteralError:
        """What stands where something else should."""
        found = self._text[self.at : self.at + 20]
        return LiteralError(f"no literal at character {self.at + 1}: {found!r}" if found else "it ends too early")

    def value(self, depth: int) -> Any:
        """The next value."""
        match = _TOKEN.match(self._text, self.at)
        if match is None:
            raise self.error()
        kind = match.lastgroup
        if kind == "sign":
            return self._container(match, depth + 1)
        self.at = match.end()
        return _SCALARS[kind or ""](match[kind or ""])

    def _container(self, match: "re.Match[str]", depth: int) -> Any:
        sign = match["sign"]
        if sign not in _CLOSING:
            raise self.error()
        if depth > DEPTH:
            raise LiteralError(f"more than {DEPTH} levels within each other")
        self.at = match.end()
        if sign == "{":
            return self._braces(depth)
        found = []
        while not self._take(_CLOSING[sign]):
            found.append(self.value(depth))
            if not self._take(","):
                if not self._take(_CLOSING[sign]):
                    raise self.error()
                # Without a comma in them, parentheses are no tuple.
                return found[0] if sign == "(" and len(found) == 1 else tuple(found) if sign == "(" else found
        return tuple(found) if sign == "(" else found

    def _braces(self, depth: int) -> Any:
        keys, values = [], []
        while not self._take("}"):
            keys.append(self.value(depth))
            if self._take(":"):
                values.append(self.value(depth))
            if not self._take(","):
                if not self._take("}"):
                    raise self.error()
                break
        if values and len(values) != len(keys):
            raise LiteralError("a dict with a key that has no value")
        try:
            return _meant(dict(zip(keys, values, strict=True))) if values or not keys else set(keys)
        except TypeError:
            raise LiteralError("a container as key of a dict or in a set") from None

    def _take(self, sign: str) -> bool:
        text, at = self._text, self.at
        if text.startswith(sign, at):
            self.at = at + 1
            return True
        match = _TOKEN.match(text, at) if text[at : at + 1].isspace() else None
        if match is None or match["sign"] != sign:
            return False
        self.at = match.end()
        return True


def _meant(found: dict[Any, Any]) -> Any:
    """What a dict stands for, where it stands for something that has no literal."""
    if len(found) == 2 and found.get("encoding") == "base64" and isinstance(found.get("data"), str):
        try:
            return b64decode(found["data"], validate=True)
        except ValueError:
            return found
    if found.get("__class__") == "float" and found.get("value") == "nan":
        return float("nan")
    if found.get("__class__") == "complex" and found.keys() == {"__class__", "real", "imag"}:
        return complex(_part(found["real"]), _part(found["imag"]))
    return found


def _part(found: Any) -> float:
    if type(found) not in (int, float):
        raise LiteralError("a complex number without its parts")
    return float(found)


def _read_text(source: str) -> str | bytes:
    body = source[2 if source[0] == "b" else 1 : -1]
    if "\\" in body:
        body = _ESCAPE.sub(_unescape, body)
    if source[0] != "b":
        return body
    try:
        return body.encode("latin-1")
    except UnicodeEncodeError:
        raise LiteralError("bytes with a character beyond 255") from None


def _unescape(match: "re.Match[str]") -> str:
    digits = match[1] or match[2] or match[3]
    if digits:
        code = int(digits, 16)
        if code > 0x10FFFF:
            raise LiteralError(f"no character has the number {digits}")
        return chr(code)
    return _ESCAPED.get(match[4], match[0])


def _read_number(source: str) -> int | float:
    try:
        return int(source)
    except ValueError:
        pass  # It has a fraction or an exponent, or more digits than are allowed.
    try:
        return float(source) if not source.lstrip("+-").isdecimal() else _refuse_digits()
    except ValueError:
        raise LiteralError("no number") from None


def _refuse_digits() -> float:
    raise LiteralError("an integer of too many digits")


def _read_complex(source: str) -> complex:
    return complex(source.strip("() \t\r\n"))


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "text": _read_text,
    "number": _read_number,
    "complex": _read_complex,
    "word": _WORDS.__getitem__,
}


def _write(value: Any, put: Callable[[str], None], depth: int) -> None:
    if depth > DEPTH:
        raise LiteralError(f"more than {DEPTH} levels within each other")
    write = _WRITERS.get(type(value))
    if write is None:
        raise LiteralError(f"no literal for {type(value).__name__}")
    write(value, put, depth + 1)


def _write_plainly(value: Any, put: Callable[[str], None], depth: int) -> None:
    try:
        put(repr(value))
    except ValueError as exc:
        raise LiteralError(str(exc)) from None


def _write_float(value: float, put: Callable[[str], None], depth: int) -> None:
    if isnan(value):
        put("{'__class__':'float','value':'nan'}")
    elif isinf(value):
        put("1e30000" if value > 0 else "-1e30000")
    else:
        put(repr(value))


def _write_bytes(value: bytes, put: Callable[[str], None], depth: int) -> None:
    put(f"{{'data':'{b64encode(value).decode()}','encoding':'base64'}}")


def _write_list(value: list[Any], put: Callable[[str], None], depth: int) -> None:
    put("[")
    for item in value:
        _write(item, put, depth)
        put(",")
    put("]")


def _write_tuple(value: tuple[Any, ...], put: Callable[[str], None], depth: int) -> None:
    put("(")
    for item in value:
        _write(item, put, depth)
        put(",")
    put(")")


def _write_dict(value: dict[Any, Any], put: Callable[[str], None], depth: int) -> None:
    put("{")
    for key, item in value.items():
        if type(key) not in _KEYS:
            raise LiteralError(f"a dict with a key of type {type(key).__name__}")
        _write(key, put, depth)
        put(":")
        _write(item, put, depth)
        put(",")
    put("}")


_KEYS = frozenset({str, int, float, bool, type(None)})
_WRITERS: Mapping[type, Callable[[Any, Callable[[str], None], int], None]] = {
    **dict.fromkeys((str, int, bool, type(None)), _write_plainly),
    float: _write_float,
    bytes: _write_bytes,
    list: _write_list,
    tuple: _write_tuple,
    dict: _write_dict,
}
