"""Extension types and undecodable text to plain values and back. Pure.

ext 0, 1, 2   Neovim's Buffer, Window and Tabpage, a packed integer within: the integer, which Neovim takes as well
any other     {"$ext": [code, "base64"]}, both as a result and as an argument
"""

from typing import Any

import msgpack

_HANDLES = (0, 1, 2)
_KEY = "$ext"


def to_plain(code: int, data: bytes) -> Any:
    """An extension type as a map."""
    from base64 import b64encode

    return {_KEY: [code, b64encode(data).decode()]}


def to_plain_or_handle(code: int, data: bytes) -> Any:
    """The same, but a Neovim handle as its integer."""
    if code in _HANDLES:
        try:
            number = msgpack.unpackb(data)
        except Exception:
            return to_plain(code, data)  # Somebody else's type of the same code.
        if type(number) is int:
            return number
    return to_plain(code, data)


def restored(value: Any) -> Any:
    """The value with its `$ext` maps as extension types again; the value itself when it has no containers."""
    kind = type(value)
    if kind is tuple or kind is list:
        return [restored(each) for each in value] if any(type(each) in _CONTAINERS for each in value) else value
    if kind is not dict:
        return value
    if len(value) == 1 and _KEY in value:
        return _to_ext(value)
    return {key: restored(each) for key, each in value.items()}


_CONTAINERS = (dict, list, tuple)


def bytes_restored(value: Any) -> Any:
    """The value with text that was no UTF-8, decoded with surrogates in its place, as the bytes that it was."""
    kind = type(value)
    if kind is str:
        raw = value.encode("utf-8", "surrogateescape")
        return value if value.isascii() or _is_utf8(raw) else raw
    if kind is list:
        return [bytes_restored(each) for each in value]
    if kind is dict:
        return {bytes_restored(key): bytes_restored(each) for key, each in value.items()}
    return value


def _to_ext(value: dict[str, Any]) -> Any:
    from base64 import b64decode

    found = value[_KEY]
    if type(found) is list and len(found) == 2 and type(found[0]) is int and 0 <= found[0] < 128:
        try:
            data = found[1] if type(found[1]) is bytes else b64decode(found[1], validate=True)
        except (TypeError, ValueError):
            return value  # A map of the user's own.
        return msgpack.ExtType(found[0], data)
    return value


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
