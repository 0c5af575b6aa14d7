"""Expressions that choose from a value or judge it, for `--select` and `--until`: JMESPath, by its own library.

JMESPath has a specification and its reference implementation in plain Python; an expression always ends, reads no file
and runs no code. What is wrong with one is told before anything is sent, functions that do not exist included.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rpcctl.errors import UsageError, suggest

Select = Callable[[Any], Any]
_SHOWN = 60
"""Characters of an expression that a message shows, around the place at fault."""
_FALSE: tuple[Any, ...] = (None, "", [], {})
_HINT = "https://jmespath.org has the language; as in 'items[?price > `10`].name'"


def compile_expression(text: str, option: str) -> Select:
    """The expression as a function from a value to what it chooses; UsageError points at what is wrong with it.

    The function raises UsageError, too, for a value that the expression cannot be applied to.
    """
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        parsed: Any = jmespath.compile(text)
    except JMESPathError as exc:
        raise _explain(exc, text, option) from None
    except RecursionError:
        raise UsageError(f"--{option}: the expression is nested too deep") from None
    for name, count in _find_calls(parsed.parsed):
        _check_call(name, count, text, option)

    def select(value: Any) -> Any:
        try:
            return parsed.search(_with_lists(value))
        except JMESPathError as exc:
            raise _explain(exc, text, option) from None
        except Exception as exc:  # The library takes values for those of JSON, which has no bytes or dates.
            raise UsageError(f"--{option}: it does not fit the value: {exc or type(exc).__name__}") from exc

    return select


def is_true(value: Any) -> bool:
    """Whether JMESPath takes the value for true: all but false, null and what is empty; 0 is true."""
    return value is not False and not any(type(value) is type(each) and value == each for each in _FALSE)


def _with_lists(value: Any) -> Any:
    """The value with lists for tuples, which the library does not know."""
    if isinstance(value, (list, tuple)):
        return [_with_lists(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _with_lists(each) for key, each in value.items()}
    return value


def _find_calls(node: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Each function that the expression calls, with the number of its arguments."""
    if node["type"] == "function_expression":
        yield node["value"], len(node["children"])
    for child in node["children"]:
        if isinstance(child, Mapping):
            yield from _find_calls(child)


def _check_call(name: str, count: int, text: str, option: str) -> None:
    from jmespath.functions import Functions

    known: Mapping[str, Any] = Functions.FUNCTION_TABLE
    if name not in known:
        hint = suggest(name, known, f"its functions: {', '.join(sorted(known))}")
        raise UsageError(_point(f"no function {name}()", text, _find_call(text, name), option), hint=hint)
    takes = known[name]["signature"]
    variadic = bool(takes) and bool(takes[-1].get("variadic"))
    if count < len(takes) or (count > len(takes) and not variadic):
        wanted = f"at least {len(takes)}" if variadic else str(len(takes))
        message = f"{name}() takes {wanted} arguments, {count} are given"
        raise UsageError(_point(message, text, _find_call(text, name), option), hint=_HINT)


def _find_call(text: str, name: str) -> int:
    found = re.search(rf"\b{re.escape(name)}\s*\(", text)
    return found.start() if found else 0


def _explain(exc: Any, text: str, option: str) -> UsageError:
    function = getattr(exc, "function_name", "")
    if function:
        wanted = " or ".join(exc.expected_types)
        message = f"{function}() takes {wanted}, here it is given {exc.actual_type}"
        return UsageError(_point(message, text, _find_call(text, function), option), hint=_HINT)
    if not text.strip():
        return UsageError(f"--{option}: the expression is empty", hint=_HINT)
    place = getattr(exc, "lex_position", None)
    if place is None or place >= len(text) or getattr(exc, "token_type", "") == "EOF":
        return UsageError(_point("the expression ends too early", text, len(text), option), hint=_HINT)
    return UsageError(_point(f"unexpected {text[place]!r}", text, place, option), hint=_HINT)


def _point(message: str, text: str, place: int, option: str) -> str:
    """The message, and below it the part of the expression that is at fault with a mark under the place."""
    start = max(0, place - _SHOWN // 2)
    shown = "".join(char if char.isprintable() else " " for char in text[start : start + _SHOWN])
    before = "…" if start else ""
    mark = " " * (len(before) + place - start) + "^"
    return f"--{option}: {message} (character {place + 1})\n  {before}{shown}\n  {mark}"
