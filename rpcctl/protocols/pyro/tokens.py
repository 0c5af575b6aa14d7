"""The token that clients show in the handshake: from a file or from RPCCTL_TOKEN, read when it is needed."""

import os
from collections.abc import Mapping
from typing import Any

from rpcctl.errors import InputError, UsageError

VARIABLE = "RPCCTL_TOKEN"
_LARGEST = 64 * 1024


def has_token() -> bool:
    """Whether the environment holds one."""
    return bool(os.environ.get(VARIABLE))


def read_token(options: Mapping[str, Any]) -> str:
    """The first line of the file, else the variable, else nothing; InputError or UsageError for a useless file."""
    path = options.get("token-file")
    if not path:
        return os.environ.get(VARIABLE, "")
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            token = (file.read(_LARGEST).splitlines() or [""])[0].strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{path}: {getattr(exc, 'strerror', None) or 'no text file'}") from exc
    if not token:
        raise UsageError(f"--token-file {path}: its first line is empty", hint="write the token into it")
    return token
