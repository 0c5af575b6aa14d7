"""`@kv`: a dictionary that several clients share, with operations that are atomic where reading and writing are not.

    rpcctl serve @kv
    rpcctl serve '@kv("counts.kv")'         kept in a file, and read from it at the next start

Every public method is one operation under one lock. Keys are text, values plain data; what is returned is a copy. With
a file, a change is written before it is answered: `rpcctl.service.journal` says what it survives. Knows no wire.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rpcctl.errors import TargetError
from rpcctl.messages import Encoding
from rpcctl.service.plain import plain

if TYPE_CHECKING:
    from rpcctl.service.journal import Journal

_KEYS = Encoding("@kv", any_key=False)


class KV:
    """A shared dictionary with atomic operations."""

    # No public name but the operations: each is a method that every client can call.

    def __init__(self, save: str | None = None) -> None:
        """`save` is the path of a file that keeps it; TargetError if it cannot be used."""
        self._lock = threading.Lock()
        self._data: dict[str, Any] = {}
        self._journal: Journal | None = None
        if save is not None:
            self._load(save)

    def __enter__(self) -> "KV":
        """Itself, for code that opens the same file again."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Free the file."""
        if self._journal is not None:
            self._journal.close()

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or the default."""
        name = _read_key(key)
        with self._lock:
            found = _detach(self._data.get(name, default))
        return plain(found)

    def set(self, key: str, value: Any) -> None:
        """Store a value."""
        name = _read_key(key)
        stored = plain({name: value})[name]
        with self._lock:
            self._change("set", name, stored)

    def incr(self, key: str, by: int | float = 1) -> int | float:
        """Add to a number, which is 0 if there is none yet; returns the sum."""
        name = _read_key(key)
        amount = plain(by)
        with self._lock:
            total = _add(self._data, name, amount)
            self._change("incr", name, amount)
        return total

    def append(self, key: str, value: Any) -> int:
        """Add an item to a list, which is empty if there is none yet; returns its new length."""
        name = _read_key(key)
        # Looked at where it will lie, so that the whole is not too deep to be read.
        stored = plain({name: [value]})[name][0]
        with self._lock:
            items = self._data.get(name, [])
            if type(items) is not list:
                raise TypeError(f"{name!r} holds {type(items).__name__}, not a list")
            self._change("append", name, stored)
            return len(self._data[name])

    def update(self, mapping: Mapping[str, Any]) -> None:
        """Store all values of a mapping at once."""
        if not isinstance(mapping, Mapping):
            raise TypeError(f"a mapping is wanted, not {type(mapping).__name__}")
        values = plain(mapping)
        stored = dict(zip(plain(dict.fromkeys(values), _KEYS), values.values(), strict=True))
        with self._lock:
            self._change("update", stored)

    def delete(self, key: str) -> bool:
        """Remove a key; tells whether it was there."""
        name = _read_key(key)
        with self._lock:
            found = name in self._data
            if found:
                self._change("delete", name)
        return found

    def pop(self, key: str, default: Any = None) -> Any:
        """Remove a key and return its value; the default if it was not there."""
        name = _read_key(key)
        with self._lock:
            if name not in self._data:
                return default
            found = self._data[name]
            self._change("delete", name)
        return found

    def cas(self, key: str, old: Any, new: Any) -> bool:
        """Store a value if the present one equals `old`, where None also stands for no value; tells whether it did."""
        name = _read_key(key)
        expected, stored = plain(old), plain({name: new})[name]
        with self._lock:
            equal = bool(self._data.get(name) == expected)
            if equal:
                self._change("set", name, stored)
        return equal

    def keys(self) -> list[str]:
        """All keys, the oldest first."""
        with self._lock:
            return list(self._data)

    def snapshot(self) -> dict[str, Any]:
        """The whole dictionary as it is at one instant."""
        with self._lock:
            found = {key: _detach(value) for key, value in self._data.items()}
        copy: dict[str, Any] = plain(found)
        return copy

    def clear(self) -> None:
        """Remove everything."""
        with self._lock:
            self._change("clear")

    def _change(self, operation: str, *args: Any) -> None:
        """Write down what is going to be done, then do it; if it cannot be written nothing is done."""
        journal = self._journal
        if journal is not None:
            journal.append([operation, *args])
        _OPERATIONS[operation](self._data, *args)
        if journal is not None and journal.is_long():
            try:
                journal.rewrite(self._records())
            except OSError:
                pass  # The longer file holds the same; it is tried again when it has doubled.

    def _records(self) -> Iterator[list[Any]]:
        return (["set", key, value] for key, value in self._data.items())

    def _load(self, path: str) -> None:
        from rpcctl.service.journal import Journal

        journal = Journal(path)
        try:
            for record in journal.read():
                self._replay(record, path)
            journal.rewrite(self._records())
        except OSError as exc:
            journal.close()
            raise TargetError(f"{path} cannot be written: {exc.strerror}", hint="name another file") from exc
        except TargetError:
            journal.close()
            raise
        self._journal = journal

    def _replay(self, record: list[Any], path: str) -> None:
        try:
            operation, *args = record
            _OPERATIONS[operation](self._data, *args)
        except (ValueError, TypeError, LookupError, AttributeError) as exc:
            raise TargetError(
                f"{path}: {str(record)[:60]} cannot be done: {exc}", hint="mend or remove the line"
            ) from exc


def _set(data: dict[str, Any], key: str, value: Any) -> None:
    data[key] = value


def _add(data: dict[str, Any], key: str, amount: Any) -> int | float:
    present: int | float = data.get(key, 0)
    if type(present) not in (int, float):
        raise TypeError(f"{key!r} holds {type(present).__name__}, not a number")
    if type(amount) not in (int, float):
        raise TypeError(f"a number is wanted, not {type(amount).__name__}")
    total: int | float = present + amount
    return total


def _increase(data: dict[str, Any], key: str, amount: Any) -> None:
    data[key] = _add(data, key, amount)


def _append(data: dict[str, Any], key: str, value: Any) -> None:
    data.setdefault(key, []).append(value)


def _delete(data: dict[str, Any], key: str) -> None:
    del data[key]


_OPERATIONS: Mapping[str, Callable[..., None]] = {
    "set": _set,
    "incr": _increase,
    "append": _append,
    "update": dict.update,
    "delete": _delete,
    "clear": dict.clear,
}
"""What changes a dictionary, by the name under which it is written down."""


def _read_key(key: Any) -> str:
    """The key as text: numbers become text, as they do in JSON's objects."""
    if isinstance(key, (list, dict)):
        raise TypeError(f"a key is text, not {type(key).__name__}")
    (name,) = plain({key: None}, _KEYS)
    return str(name)


def _detach(value: Any) -> Any:
    # The list of `append` alone is ever changed in place.
    return value.copy() if type(value) is list else value
