"""`rpcctl __complete SHELL …`: the process that completion scripts start, for one answer on stdout and nothing else.

It has 0.3 s from its start, however silent the server and however slow a target's import: then it is gone.
"""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

from rpcctl.cli.command import Command
from rpcctl.cli.complete import Line, Program, complete
from rpcctl.cli.shells import SHELLS, render
from rpcctl.errors import UsageError
from rpcctl.interfaces import Option
from rpcctl.messages import Description
from rpcctl.settings import choose, read_value, read_variable

COMPLETION_TIMEOUT = Option("completion-timeout", "for an answer to a completion script", "SECONDS", "seconds", 0.3)
"""Set by its variable alone; seconds from the start of the process to its end, answered or not."""
MAX_MESSAGE = 4 * 1024 * 1024
"""Largest description of a server that is taken in, in bytes."""


def answer(argv: Sequence[str], names: Iterable[str], load: Callable[[str], Command]) -> NoReturn:
    """Print what the shell's script asked for and leave, at once or when the time is up.

    The process is given up: a target that is loaded may print, wait, start threads or exit as it likes.
    """
    try:
        limit = choose(COMPLETION_TIMEOUT, read_variable(COMPLETION_TIMEOUT, os.environ))
        stdout = _hold_streams(limit)
        name, *given = argv
        typed = SHELLS[name].read(given)
        program = Program(names, load, lambda line: ask_server(line, limit))
        text = render(SHELLS[name], typed, complete(typed.words, program))
        with open(stdout, "wb") as stream:
            stream.write(text.encode("utf-8", "replace"))
    except BaseException:
        os._exit(1)
    os._exit(0)


def ask_server(line: Line, timeout: float) -> Description:
    """What the server at the line's address says of itself, asked with the options given; raises RpcctlError."""
    from rpcctl.api import Connection

    info, saved = line.protocol(), line.saved()
    if saved and saved.runs_commands():
        raise UsageError("a command that is asked for a secret may ask somebody, which nobody wants here")
    own = {option.name: option for option in info.options} if info else {}
    given = {name: read_value(own[name], text) for name, text in line.given.items() if name in own}
    connection = Connection(
        saved.address() if saved else line.find("address"),
        proto=line.proto(),
        timeout=timeout,
        connect_timeout=timeout,
        max_message=MAX_MESSAGE,
        options={**(saved.read_own() if saved else {}), **given},
    )
    connection.connect()
    return connection.describe()


def _hold_streams(limit: float) -> int:
    """Keep standard output for the answer alone, give the others to nobody, and start the clock; its new number."""
    import faulthandler

    stdout = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    # This clock does not need the interpreter's lock, which a target's native code may hold. How long the process has
    # run already is told by its processor time, in the absence of anything better that every system has.
    faulthandler.dump_traceback_later(max(0.05, limit - time.process_time()), exit=True, file=nowhere)
    return stdout
