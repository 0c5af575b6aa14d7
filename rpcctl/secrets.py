"""Where a secret is kept, not the secret: `env:NAME`, `file:PATH` or `cmd:COMMAND`. Read each time it is used."""

import os

from rpcctl.errors import InputError, UsageError

_WAYS = ("env:", "file:", "cmd:")
_HINT = "as env:NAME, file:PATH or cmd:COMMAND"
_LARGEST = 64 * 1024
_PATIENCE = 60.0
"""Seconds that a command may take, since it may ask somebody."""


def is_place(text: str) -> bool:
    """Whether the text names a place and is no secret itself."""
    return text.startswith(_WAYS)


def read_secret(place: str, what: str = "") -> str:
    """The first line of what is kept there; UsageError when there is none, InputError for a file or command.

    A command is run by the shell, with an empty standard input. `what` needs the secret, and is named in errors.
    """
    way, _, rest = place.partition(":")
    if not is_place(place) or not rest:
        # What was given may be the secret itself: it is not repeated.
        raise UsageError(f"{what or 'a secret'} names no place of a secret", hint=_HINT)
    text = {"env": _read_variable, "file": _read_file, "cmd": _run}[way](rest)
    secret = (text.splitlines() or [""])[0].strip()
    if not secret or not secret.isprintable():
        raise UsageError(f"{what + ' ' if what else ''}{place}: there is no secret", hint=_HINT)
    return secret


def _read_variable(name: str) -> str:
    return os.environ.get(name, "")


def _read_file(path: str) -> str:
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            return file.read(_LARGEST)
    except (OSError, ValueError) as exc:
        raise InputError(f"{path}: {getattr(exc, 'strerror', None) or 'no text file'}") from exc


def _run(command: str) -> str:
    import subprocess

    try:
        # The user's own command, as git and docker run those that keep their passwords.
        done = subprocess.run(
            command, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=_PATIENCE, check=True
        )
        return done.stdout[:_LARGEST].decode()
    except subprocess.TimeoutExpired as exc:
        raise InputError(f"cmd:{command}: gave no secret within {_PATIENCE:g} s") from exc
    except subprocess.CalledProcessError as exc:
        raise InputError(f"cmd:{command}: ended with exit code {exc.returncode}") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"cmd:{command}: {getattr(exc, 'strerror', None) or 'no text'}") from exc
