"""Short ways to what words are read as, and to the error they end in."""

from typing import Any

import pytest

from rpcctl.cli.words import read_words
from rpcctl.errors import ArgumentError, RpcctlError
from rpcctl.messages import Parameter


def no_stdin() -> bytes:
    raise AssertionError("standard input was read")


def read(*words: str, mode: str = "auto", stdin: bytes | None = None, parameters: tuple[Parameter, ...] = ()) -> Any:
    """The arguments; standard input may be read only where a test gives some."""
    source = no_stdin if stdin is None else lambda: stdin
    return read_words(words, mode=mode, stdin=source, parameters=parameters)


def refusal(*words: str, kind: type[RpcctlError] = ArgumentError, **how: Any) -> RpcctlError:
    """The error that the words end in."""
    with pytest.raises(kind) as caught:
        read(*words, **how)
    return caught.value


def same(found: Any, wanted: Any) -> bool:
    """Equal and of the same types throughout: 1, 1.0 and True are three values, and NaN is one."""
    return repr(found) == repr(wanted)


PARAMETERS = (
    Parameter("a", "positional", type="str"),
    Parameter("b", type="bytes"),
    Parameter("c", type="float"),
    Parameter("d"),
    Parameter("more", "rest", type="str"),
    Parameter("key", "named", type="str"),
    Parameter("others", "more", type="bytes"),
)
