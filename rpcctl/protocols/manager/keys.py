"""The key that both ends know: from a file or the environment, never from the command line. Kept out of every message.

A file's content is the key as it stands, one newline at its end cut off: what `open(path, "rb").read().strip()` gives a
program that uses `multiprocessing` itself.
"""

import os
import stat
import sys
from collections.abc import Mapping
from typing import Any

from rpcctl.errors import InputError, UsageError

VARIABLE = "RPCCTL_AUTHKEY"
_FILE_VARIABLE = "RPCCTL_AUTHKEY_FILE"
_SHORTEST = 8
_LONGEST = 64 * 1024
_BYTES = 32
_HINT = f"--authkey-file FILE, or {VARIABLE}=KEY in the environment"


def client_key(options: Mapping[str, Any], environ: Mapping[str, str]) -> bytes:
    """The key to call with; UsageError when there is none, InputError when its file cannot be read."""
    path = options.get("authkey-file")
    key = _read(path) if path else os.fsencode(environ.get(VARIABLE, ""))
    if not key:
        raise UsageError("a manager lets nobody in without its key", hint=_HINT)
    return key


def server_key(options: Mapping[str, Any], environ: Mapping[str, str]) -> bytes:
    """The key to serve with, made if that was asked for; UsageError when there is none, or one that can be guessed."""
    path, other = options.get("gen-authkey"), options.get("authkey-file")
    # What a shell has for the calls it makes must not keep it from serving with a key that is named on the spot.
    if path and other and other != environ.get(_FILE_VARIABLE):
        raise UsageError("--gen-authkey and --authkey-file name two keys", hint="one of the two is enough")
    if path:
        generate(path)
        options = {"authkey-file": path}
    elif not other and not environ.get(VARIABLE):
        raise UsageError("a manager serves nobody without a key", hint=f"--gen-authkey FILE makes one; {_HINT}")
    key = client_key(options, environ)
    if len(key) < _SHORTEST:
        raise UsageError(f"the key is shorter than {_SHORTEST} characters", hint="--gen-authkey FILE makes a good one")
    return key


def generate(path: str) -> None:
    """Write a new key to a file that only its owner can read; a file that is there already is left as it is."""
    from secrets import token_hex

    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as exc:
        raise InputError(f"{path}: {exc.strerror}", hint="--gen-authkey names a file that can be made") from exc
    try:
        os.write(file, f"{token_hex(_BYTES)}\n".encode())
    finally:
        os.close(file)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_LONGEST + 1)
    except OSError as exc:
        raise InputError(f"{path}: {exc.strerror}", hint="--authkey-file names the file with the key") from exc
    if stat.S_ISREG(mode) and mode & 0o077 and sys.platform != "win32":
        raise UsageError(f"{path} can be read by others: the key is no secret", hint=f"chmod 600 {path}")
    if len(content) > _LONGEST:
        raise UsageError(f"{path} is no key: more than {_LONGEST} bytes")
    key = content.removesuffix(b"\n").removesuffix(b"\r")
    if not key:
        raise UsageError(f"{path} is empty: there is no key in it", hint="serve --gen-authkey FILE makes one")
    return key
