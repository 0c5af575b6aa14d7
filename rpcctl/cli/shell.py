"""`rpcctl shell`: calls typed one after the other at a prompt, or read from a pipe."""

from contextlib import suppress
from typing import TYPE_CHECKING

from rpcctl.cli.call import ADDRESS, WORD_RULES
from rpcctl.cli.command import Command, Values
from rpcctl.cli.options import CONNECT, FORMAT, ITEM_TIMEOUT, MESSAGES, RAW_OUTPUT, SELECT
from rpcctl.cli.session import Session
from rpcctl.cli.terminal import is_tty
from rpcctl.errors import InputError, PartialError

if TYPE_CHECKING:
    from rpcctl.cli.shell_loop import Shell

COMMAND = Command(
    "shell",
    "Call one method after the other at a prompt, or from a pipe",
    "Calling",
    "rpcctl.cli.shell:run",
    (ADDRESS,),
    (*CONNECT, ITEM_TIMEOUT, FORMAT, RAW_OUTPUT, SELECT, *MESSAGES),
    roles=("client",),
    details=(
        "A line is METHOD and its arguments, as after rpcctl call ADDRESS; JSON in brackets needs no quotes and may "
        "go over several lines. Tab completes, :help tells more, Ctrl-C ends a call and Ctrl-D the shell. Without "
        "prompt_toolkit, which pip install 'rpcctl[shell]' brings, the prompt is a plain one. Exit code 123 says that "
        "some lines of a pipe failed. " + WORD_RULES
    ),
    examples=("rpcctl shell tcp://127.0.0.1:4242", "printf 'add 2 3\\nadd 4 5\\n' | rpcctl shell :4242"),
)


def run(values: Values, session: Session) -> None:
    """Until Ctrl-D, `:quit` or the end of the input; PartialError when lines of a pipe failed."""
    from rpcctl.cli import garbage
    from rpcctl.cli.shell_loop import Shell

    stdin = session.environment.stdin
    if stdin is None:
        raise InputError("cannot read standard input: it is closed")
    garbage.restore()
    with session.connect(values) as connection:
        shell = Shell(connection, session, values)
        if is_tty(stdin):
            _run_prompt(shell, session)
        else:
            _run_filter(shell, session, values.max_message)


def _run_prompt(shell: "Shell", session: Session) -> None:
    from rpcctl.cli.prompt import is_missing, make_prompt

    if is_missing(session.environment):
        session.output.note("a plain prompt, without completion and history: pip install prompt_toolkit brings them")
    shell.learn()
    ask = make_prompt(session.environment, shell)
    while not shell.is_over:
        # Ctrl-C drops the line that is typed, or ends the call; the shell goes on.
        with suppress(KeyboardInterrupt):
            try:
                text = ask()
            except EOFError:
                return
            shell.run_line(text)


def _run_filter(shell: "Shell", session: Session, most: int) -> None:
    from rpcctl.cli.batch import open_input
    from rpcctl.cli.lines import Lines
    from rpcctl.cli.tally import Tally

    tally = Tally()
    lines = Lines(open_input("-", session.environment.stdin), most)
    while not shell.is_over and (line := lines.take(wait=True)) is not None:
        tally.begin(line.number)
        tally.end(line.number, well=shell.run_bytes(line.data))
        session.output.flush()
    if tally.failed:
        raise PartialError(tally.describe(), hint="each was told of above")
