"""The process's own streams while it serves: nothing to read for the target, and standard output kept for us.

Knows no command and no wire.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, TextIO


def warn(text: str) -> None:
    """One line on standard error about what nobody is left to be told of; never raises."""
    try:
        print(f"rpcctl: warning: {text}", file=sys.stderr, flush=True)
    except (OSError, ValueError, AttributeError):
        pass  # Standard error is closed.


@contextmanager
def guarded_streams(*, empty_input: bool = True) -> Iterator[TextIO]:
    """Give the target standard error as its output, and an empty input if wanted; yields the real standard output.

    Descriptors 0 and 1 are replaced too, when the streams are really theirs, so that neither a subprocess of the
    target nor a C library reads what was not meant for it or writes between our lines.
    """
    stdin, stdout = sys.stdin, sys.stdout
    with ExitStack() as stack:
        nothing = stack.enter_context(open(os.devnull, "r+"))
        real = _kept_apart(stack, stdout, nothing) if _owns(stdout, 1) else stdout
        if empty_input and _owns(stdin, 0):
            _redirect(stack, 0, nothing.fileno())
        stack.callback(_replace, stdin, stdout)
        _replace(nothing if empty_input else stdin, sys.stderr or nothing)
        yield real


def _replace(stdin: TextIO, stdout: TextIO) -> None:
    sys.stdin, sys.stdout = stdin, stdout


def _owns(stream: IO[str] | None, descriptor: int) -> bool:
    try:
        return stream is not None and stream.fileno() == descriptor
    except (OSError, ValueError):
        return False  # Replaced by an object in memory, or closed.


def _kept_apart(stack: ExitStack, stdout: TextIO, nothing: TextIO) -> TextIO:
    """A stream to where descriptor 1 leads now, before 1 itself is led to standard error."""
    stdout.flush()
    real = os.fdopen(os.dup(1), "w", encoding=stdout.encoding, errors=stdout.errors, buffering=1)
    stack.callback(_close, real)
    _redirect(stack, 1, 2 if _owns(sys.stderr, 2) else nothing.fileno())
    stack.callback(stdout.flush)
    return real


def _close(stream: TextIO) -> None:
    try:
        stream.close()
    except OSError:
        pass  # Whoever wrote flushed too, and has been told.


def _redirect(stack: ExitStack, descriptor: int, to: int) -> None:
    saved = os.dup(descriptor)
    stack.callback(os.close, saved)
    stack.callback(os.dup2, saved, descriptor)
    os.dup2(to, descriptor)
