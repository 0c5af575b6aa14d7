"""A file of records that outlives its process, whenever that is killed: the memory of `@kv`.

    ["kv", 1]                 what sort of file it is
    ["set", "a", 1]           one JSON array per record and line
    ["incr", "a", 2]

A record is handed to the system by one write before `append` returns, so a killed process leaves whole lines and at
most one without its end: a record that nobody was told of, left out on reading. The disk is waited for once a second at
most: a machine that loses power may forget the records since. `rewrite` goes through a file beside it, flushed to the
disk, then renamed. Knows no operations.
"""

import errno
import json
import os
import stat
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Any

from rpcctl.errors import TargetError

SYNC_INTERVAL = 1.0
"""Seconds between two waits for the disk, as long as records come."""
SHORTEST = 1024 * 1024
"""Bytes below which a file is not worth rewriting."""

_HEADER = ["kv", 1]
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class Journal:
    """An open file of records, locked against other processes. For one thread at a time."""

    def __init__(self, path: str) -> None:
        """Open the file, or make it, for its owner alone; TargetError if it cannot be used or is of another sort."""
        self._path = os.path.realpath(path)
        try:
            self._file = _open_locked(self._path)
        except OSError as exc:
            raise TargetError(f"{path} cannot be used: {exc.strerror}", hint="name another file") from exc
        self._size = os.fstat(self._file).st_size
        self._enough = 0
        self._synced = monotonic()

    def read(self) -> Iterator[list[Any]]:
        """All records, whole ones; TargetError at a line that is none, and for a file that is not ours."""
        with open(self._path, "rb") as file:
            whole, newline, torn = file.read().rpartition(b"\n")
        lines = whole.split(b"\n") if newline else []
        if _parse(lines[0] if lines else torn or _format(_HEADER)) != _HEADER:
            raise TargetError(f"{self._path} was not written by @kv", hint="name another file; this one is left alone")
        for number, line in enumerate(lines[1:], 2):
            record = _parse(line)
            if not isinstance(record, list):
                raise TargetError(f"{self._path}: line {number} is damaged", hint="mend or remove the line")
            yield record

    def append(self, record: list[Any]) -> None:
        """Write a record, or raise OSError and leave the file as was; ValueError for an integer too long to write."""
        line = _format(record)
        try:
            if os.write(self._file, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)
            self._sync()
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)

    def _sync(self) -> None:
        if monotonic() - self._synced >= SYNC_INTERVAL:
            os.fsync(self._file)
            self._synced = monotonic()

    def is_long(self) -> bool:
        """Whether it has doubled since it was rewritten."""
        return self._size > self._enough

    def rewrite(self, records: Iterable[list[Any]]) -> None:
        """Put a file of these records in place of it, in one instant; OSError, and the old one stays, if that fails."""
        beside = f"{self._path}.new"
        try:
            file = self._write_beside(beside, records)
            if sys.platform == "win32":
                os.close(self._file)  # Windows replaces no open file.
            os.replace(beside, self._path)
        except OSError:
            self._enough = 2 * self._size
            _remove(beside)
            raise
        if sys.platform != "win32":
            os.close(self._file)
            _sync_folder(os.path.dirname(self._path))
        self._file = file
        self._size = os.fstat(file).st_size
        self._enough = max(SHORTEST, 2 * self._size)

    def _write_beside(self, path: str, records: Iterable[list[Any]]) -> int:
        _remove(path)
        file = os.open(path, _FLAGS | os.O_EXCL, stat.S_IMODE(os.fstat(self._file).st_mode))
        try:
            _lock(file)
            with open(file, "ab", closefd=False) as buffered:
                buffered.write(_format(_HEADER))
                buffered.writelines(map(_format, records))
            os.fsync(file)
        except BaseException:
            os.close(file)
            raise
        return file

    def close(self) -> None:
        """Free the file for others; nothing can be appended any more."""
        os.close(self._file)


def _open_locked(path: str) -> int:
    while True:
        file = os.open(path, _FLAGS, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(errno.EINVAL, "it is no ordinary file")
            _lock(file)
            # Whoever held the lock may have renamed another file onto the path since it was opened.
            if os.path.samestat(os.fstat(file), os.stat(path)):
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _lock(file: int) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        raise OSError(exc.errno, "another server uses it") from exc


def _remove(path: str) -> None:
    try:
        os.remove(path)
    except FileNotFoundError:
        pass


def _sync_folder(path: str) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _format(record: list[Any]) -> bytes:
    text = json.dumps([_to_json(each) for each in record], ensure_ascii=False, separators=(",", ":"))
    return text.encode() + b"\n"


def _parse(line: bytes) -> Any:
    """The record on a line; None if it is none."""
    try:
        return json.loads(line, object_hook=_from_json)
    except (ValueError, TypeError, RecursionError):
        return None


def _to_json(value: Any) -> Any:
    """Plain data, of which JSON has no bytes and no keys but text, to what `_from_json` brings back the same."""
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    if isinstance(value, list):
        return [_to_json(each) for each in value]
    if not isinstance(value, dict):
        return value
    if any(not isinstance(key, str) or key.startswith("$") for key in value):
        return {"$pairs": [[_to_json(key), _to_json(each)] for key, each in value.items()]}
    return {key: _to_json(each) for key, each in value.items()}


def _from_json(value: dict[str, Any]) -> Any:
    if "$bytes" in value:
        return b64decode(value["$bytes"], validate=True)
    return dict(value["$pairs"]) if "$pairs" in value else value
