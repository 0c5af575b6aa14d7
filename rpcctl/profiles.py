"""Saved addresses with their options: one file of TOML each, `$XDG_CONFIG_HOME/rpcctl/profiles/NAME.toml`, mode 0600.

    address = "https://rpc.example/"
    timeout = "5"
    auth = "bearer:env:TOKEN"

Options stand as they are typed. Knows files, and neither commands nor what an option means.
"""

import json
import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from rpcctl.errors import AddressError, InputError, OutputError, UsageError, suggest

Value = str | list[str] | bool
"""An option as typed: a word, the words of one that may be repeated, or true for a switch."""
_SUFFIX = ".toml"
_LARGEST = 64 * 1024
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Profile(NamedTuple):
    """A saved address with its options."""

    name: str
    address: str
    options: Mapping[str, Value] = {}
    """By the names of their flags, without dashes."""


def find_folder(environ: Mapping[str, str]) -> str:
    """Where profiles are kept, whether it exists or not."""
    home = environ.get("HOME") or os.path.expanduser("~")
    base = environ.get("XDG_CONFIG_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.join(home, ".config"), "rpcctl", "profiles")


def find_path(name: str, environ: Mapping[str, str]) -> str:
    """The file of a profile; UsageError for what cannot be a name."""
    plain = name.replace(".", "").replace("_", "").replace("-", "")
    if not (plain.isascii() and plain.isalnum() and name[0].isalnum() and len(name) <= 100):
        raise UsageError(
            f"{name!r} cannot be the name of a profile", hint="letters, digits and - _ . inside, as prod or eu-1"
        )
    return os.path.join(find_folder(environ), name + _SUFFIX)


def list_names(environ: Mapping[str, str]) -> list[str]:
    """The names of all profiles, sorted."""
    try:
        found = os.listdir(find_folder(environ))
    except OSError:
        return []
    return sorted(each.removesuffix(_SUFFIX) for each in found if each.endswith(_SUFFIX) and each[0] != ".")


def load(name: str, environ: Mapping[str, str]) -> Profile:
    """Read a profile. AddressError when there is none, InputError for a file that cannot be read or trusted."""
    path = find_path(name, environ)
    try:
        with open(path, "rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            data = file.read(_LARGEST)
    except FileNotFoundError:
        known = list_names(environ)
        listed = f"one of: {', '.join('@' + each for each in known)}" if known else "rpcctl profile add NAME ADDRESS"
        raise AddressError(f"there is no saved profile {name!r}", hint=suggest(name, known, listed)) from None
    except OSError as exc:
        raise InputError(f"{path}: {exc.strerror}") from exc
    return _read(name, path, data)


def save(profile: Profile, environ: Mapping[str, str]) -> str:
    """Write a new profile, whole or not at all; the path of its file. UsageError when there is one of that name."""
    path = find_path(profile.name, environ)
    if os.path.lexists(path):
        raise UsageError(f"there is a profile {profile.name!r} already", hint=f"rpcctl profile remove {profile.name}")
    temporary = f"{path}.{os.urandom(6).hex()}.part"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(to_toml({"address": profile.address, **profile.options}))
        os.replace(temporary, path)
    except OSError as exc:
        with suppress(OSError):
            os.unlink(temporary)
        raise OutputError(f"cannot write {path}: {exc.strerror}") from exc
    return path


def remove(name: str, environ: Mapping[str, str]) -> None:
    """Delete a profile; AddressError when there is none."""
    path = find_path(name, environ)
    try:
        os.unlink(path)
    except FileNotFoundError:
        raise AddressError(f"there is no saved profile {name!r}", hint=suggest(name, list_names(environ))) from None
    except OSError as exc:
        raise OutputError(f"cannot remove {path}: {exc.strerror}") from exc


def to_toml(values: Mapping[str, Value]) -> str:
    """Words, lists of words and switches as TOML, a line each."""
    return "".join(f"{name} = {_write(value)}\n" for name, value in values.items())


def _write(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's texts are TOML's basic strings, but for the one control character that JSON does not escape.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return f"[{', '.join(map(_write, value))}]"


def _check_owner(path: str, found: os.stat_result) -> None:
    """A profile can name commands: it is ours, and nobody else may have written it."""
    if found.st_mode & _OTHERS_WRITE or found.st_uid not in (0, os.geteuid()):
        raise InputError(f"{path}: others may have written it, and it can name commands", hint=f"chmod 600 {path}")


def _read(name: str, path: str, data: bytes) -> Profile:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        values = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise InputError(f"{path}: not TOML: {exc}", hint=f"rpcctl profile remove {name}") from exc
    address = values.pop("address", None)
    if not isinstance(address, str) or address.startswith("@"):
        raise InputError(f"{path}: it names no address", hint='a line as address = "tcp://127.0.0.1:4242"')
    return Profile(name, address, {key: _plain(path, key, value) for key, value in values.items()})


def _plain(path: str, key: str, value: object) -> Value:
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)):
        return f"{value}"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise InputError(f"{path}: {key} is neither a text, a number, a switch nor a list of texts")
