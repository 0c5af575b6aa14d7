"""Values to text: JSON, YAML, Python's notation, cells of a table. Pure; knows no stream and no terminal.

What JSON lacks is told so that nothing is lost in silence: bytes as base64 text, dates as ISO 8601, NaN and the
infinities by name, map keys as text, integers in full.
"""

import json
import sys
from binascii import b2a_base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from typing import Any

from rpcctl.errors import OutputError

_YAML_CANNOT = "cannot represent an object"


def to_json(value: Any, *, indent: bool = False) -> str:
    """The value as one JSON text, in one line unless `indent`; OutputError for what has no JSON form."""
    with _refusing("JSON"), _integers_of_any_length():
        try:
            return _dump(value, indent)
        except (TypeError, ValueError):
            return _dump(_to_jsonable(value), indent)


def to_repr(value: Any) -> str:
    """The value in Python's notation; OutputError when its own code fails."""
    with _refusing("Python"), _integers_of_any_length():
        return repr(value)


def to_yaml(value: Any, *, document: bool = False) -> str:
    """The value as YAML, as a document of its own with `document`; OutputError for what has no such form."""
    with _refusing("YAML"), _integers_of_any_length():
        from rpcctl.cli.yaml_text import write

        return write(value, document=document)


def to_cell(value: Any) -> str:
    """The value as a table shows it: text as it is, None as nothing, the rest as JSON, without quotes around it."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return _unquote(to_json(value))


def _unquote(text: str) -> str:
    return text[1:-1] if text.startswith('"') else text


def _dump(value: Any, indent: bool) -> str:
    write: Callable[..., str] = json.dumps
    try:
        return write(value, ensure_ascii=False, allow_nan=False, default=_to_text, indent=2 if indent else None)
    except RecursionError:
        if not indent:
            raise
        # The indenting writer recurses in Python, the other one in C, which carries further.
        return _dump(value, indent=False)


def _to_text(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return b2a_base64(value, newline=False).decode("ascii")
    module = type(value).__module__
    if module == "datetime":
        return str(value.isoformat())
    if module == "decimal":
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__}")


def _to_jsonable(value: Any) -> Any:
    """The same with names for numbers that JSON lacks, and with text for keys."""
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        found = {_to_key(key): _to_jsonable(each) for key, each in value.items()}
        if len(found) < len(value):
            raise TypeError("two keys of a map are the same as text")
        return found
    if isinstance(value, (list, tuple)):
        return [_to_jsonable(each) for each in value]
    return value


def _to_key(key: Any) -> str:
    return key if isinstance(key, str) else _unquote(_dump(_to_jsonable(key), indent=False))


@contextmanager
def _refusing(form: str) -> Iterator[None]:
    try:
        yield
    except RecursionError:
        raise OutputError(f"the result is nested too deep to be written as {form}") from None
    except Exception as exc:
        raise OutputError(f"the result cannot be written as {form}: {_why(exc)}", hint="try -f repr") from exc


def _why(exc: Exception) -> object:
    """What a library says; PyYAML gives the value beside its words."""
    return f"a value of type {type(exc.args[1]).__name__}" if exc.args[:1] == (_YAML_CANNOT,) else exc


@contextmanager
def _integers_of_any_length() -> Iterator[None]:
    """Lift the interpreter's limit on digits: it guards readers of foreign text, and this is our own number."""
    limit = getattr(sys, "get_int_max_str_digits", int)()
    if limit:
        sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        if limit:
            sys.set_int_max_str_digits(limit)
