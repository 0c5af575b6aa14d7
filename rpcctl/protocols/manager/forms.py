"""What was read of a peer's objects to plain data: dates to text, sets to lists, unknown objects to what they hold.

    datetime, date, time        ISO 8601 text         set, frozenset, deque       a list, of sets the sorted one
    timedelta                   seconds               Counter, OrderedDict, …     a dict
    Decimal, Fraction, UUID     text                  any other object            {"class": name, "args": …, "state": …}

The forms are those that rpcctl's own servers send over every wire. How deep and how large the whole may be is looked
after as well, since a pickle of a few bytes can mean petabytes. Pure.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rpcctl.errors import RemoteProtocolError

from .pickles import Made

DEPTH = 100
"""Levels of containers within each other."""
MOST_ITEMS = 8_000_000
MOST_CHARACTERS = 256 * 1024 * 1024
"""Each counted as often as it is referred to."""
_CONTAINER = 8
"""Items that a list or dict itself counts for: to look into one takes as long."""
_FEW = 8
"""Items of a list that a look at their types is enough for, when they are the arguments of most calls."""
_LONGEST_RANGE = 10_000
_PLAIN = (bool, int, float, type(None))
_TIMES = {"datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta", "datetime.timezone"}
TOKEN = "multiprocessing.managers.Token"
ALLOWED = frozenset(
    {TOKEN, *_TIMES, "decimal.Decimal", "fractions.Fraction", "uuid.UUID"}
    | {f"collections.{name}" for name in ("deque", "OrderedDict", "Counter", "defaultdict")}
    | {f"builtins.{name}" for name in ("set", "frozenset", "complex", "bytearray", "range")}
    | {f"builtins.{name}" for name in ("int", "float", "str", "bool", "list", "dict")}
)
"""The names that a request may hold: of values, and of what a defaultdict makes its values with."""


def settle(value: Any) -> Any:
    """The plain form of what `pickles.read` gave; RemoteProtocolError when it is too deep or too large."""
    kind = type(value)
    if kind in _PLAIN or (kind is list and len(value) <= _FEW and all(type(each) in _PLAIN for each in value)):
        return value
    return _Settling().settle(value, 0)


class _Settling:
    """One walk over a value; lists and dicts are changed in place."""

    def __init__(self) -> None:
        self._items = MOST_ITEMS
        self._characters = MOST_CHARACTERS

    def settle(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if depth > DEPTH:
            raise RemoteProtocolError(f"the value is nested deeper than {DEPTH} levels")
        if kind is Made:
            return self._settle_made(value, depth)
        if kind is list or kind is dict:
            self._items -= _CONTAINER + len(value)
        else:
            self._characters -= len(value)
        if self._items < 0 or self._characters < 0:
            raise RemoteProtocolError(f"a value of more than {MOST_ITEMS} items or {MOST_CHARACTERS} characters")
        if kind is list:
            self._settle_each(value, enumerate(value), depth)
        elif kind is dict:
            self._settle_each(value, list(value.items()), depth)
        return value

    def _settle_each(self, target: Any, pairs: Any, depth: int) -> None:
        for key, item in pairs:
            if type(item) not in _PLAIN:
                found = self.settle(item, depth + 1)
                if found is not item:
                    target[key] = found

    def _settle_made(self, made: Made, depth: int) -> Any:
        args = self.settle(made.args, depth + 1)
        items, pairs = self.settle(made.items, depth + 1), self.settle(made.pairs, depth + 1)
        state = self.settle(made.state, depth + 1)
        if args is None:
            return made.name.removeprefix("builtins.")
        form = _FORMS.get(made.name)
        try:
            found = form(args, items, pairs, state) if form else None
        except (ValueError, TypeError, LookupError, ArithmeticError) as exc:
            raise RemoteProtocolError(f"a {made.name} that cannot be read") from exc
        return _describe(made.name, args, items, pairs, state) if found is None else found


def _describe(name: str, args: Any, items: Any, pairs: Any, state: Any) -> dict[str, Any]:
    parts = {"args": args, "items": items, "pairs": pairs, "state": state}
    return {"class": name, **{key: part for key, part in parts.items() if part}}


def _sorted(args: Any, items: Any, pairs: Any, state: Any) -> Any:
    values = [*(args[0] if args else ()), *items]
    try:
        return sorted(values) if {type(each) for each in values} <= {int, float, bool} else sorted(values, key=_as_text)
    except TypeError:
        return values


def _as_text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _list(args: Any, items: Any, pairs: Any, state: Any) -> Any:
    """What servers make of the keys, values and items of a dict; a deque."""
    return [*(args[0] if args else ()), *items]


def _mapping(args: Any, items: Any, pairs: Any, state: Any) -> Any:
    first = args[0] if args and type(args[0]) is dict else {}
    return {**first, **pairs}


def _range(args: Any, items: Any, pairs: Any, state: Any) -> Any:
    found = range(*args)
    if len(found) > _LONGEST_RANGE:
        raise ValueError
    return list(found)


def _bytes(args: Any, items: Any, pairs: Any, state: Any) -> Any:
    value = args[0] if args else b""
    if type(value) is not bytes:
        raise TypeError
    return value


def _fraction(args: Any, items: Any, pairs: Any, state: Any) -> Any:
    return "/".join(map(str, args)) if len(args) == 2 else _expect_text(args)


def _uuid(args: Any, items: Any, pairs: Any, state: Any) -> Any:
    number = state["int"]
    if type(number) is not int or not 0 <= number < 1 << 128:
        raise ValueError
    text = f"{number:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _expect_text(args: Any) -> str:
    (text,) = args
    return _as_text(text)


def _complex(args: Any, items: Any, pairs: Any, state: Any) -> Any:
    return str(complex(*args))


def _delta(args: Any, items: Any, pairs: Any, state: Any) -> Any:
    from datetime import timedelta

    return timedelta(*args).total_seconds()


def _zone(args: Any, items: Any, pairs: Any, state: Any) -> Any:
    """Seconds east of Greenwich."""
    return args[0]


def _time_of(kind: str) -> Callable[[Any, Any, Any, Any], Any]:
    """A date or time from the bytes that its pickle has (CPython's Modules/_datetimemodule.c, `__reduce__`)."""

    def read(args: Any, items: Any, pairs: Any, state: Any) -> Any:
        import datetime

        data = args[0]
        if type(data) is not bytes:
            raise TypeError
        if len(args) < 2 or args[1] is None:
            return getattr(datetime, kind)(data).isoformat()
        if type(args[1]) is not float:
            return None  # A zone of a class that is not known here.
        zone = datetime.timezone(datetime.timedelta(seconds=args[1]))
        return getattr(datetime, kind)(data, zone).isoformat()

    return read


_FORMS: Mapping[str, Callable[[Any, Any, Any, Any], Any]] = {
    "builtins.bytearray": _bytes,
    "builtins.complex": _complex,
    "builtins.frozenset": _sorted,
    "builtins.list": _list,
    "builtins.range": _range,
    "builtins.set": _sorted,
    "collections.Counter": _mapping,
    "collections.OrderedDict": _mapping,
    "collections.defaultdict": _mapping,
    "collections.deque": _list,
    "datetime.date": _time_of("date"),
    "datetime.datetime": _time_of("datetime"),
    "datetime.time": _time_of("time"),
    "datetime.timedelta": _delta,
    "datetime.timezone": _zone,
    "decimal.Decimal": lambda args, items, pairs, state: _expect_text(args),
    "fractions.Fraction": _fraction,
    "uuid.UUID": _uuid,
}
"""By name: arguments, items, pairs and state to the plain form, or None where it has none."""
