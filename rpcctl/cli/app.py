"""The program: which commands there are, and `main`, where errors become one message and an exit code.

A command's module is imported when it is named. A plain command line is read without Typer (see `rpcctl.cli.quick`);
help, mistakes and unusual spellings are Typer's (see `rpcctl.cli.grammar`).
"""

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from rpcctl.cli import garbage, quick
from rpcctl.cli.command import Command, Environment, Values
from rpcctl.errors import OutputError, RpcctlError

MODULES = {
    "call": "rpcctl.cli.call",
    "cast": "rpcctl.cli.cast",
    "batch": "rpcctl.cli.batch",
    "shell": "rpcctl.cli.shell",
    "watch": "rpcctl.cli.watch",
    "list": "rpcctl.cli.list",
    "describe": "rpcctl.cli.describe",
    "ping": "rpcctl.cli.ping",
    "wait": "rpcctl.cli.wait",
    "bench": "rpcctl.cli.bench",
    "serve": "rpcctl.cli.serve",
    "proxy": "rpcctl.cli.proxy",
    "profile": "rpcctl.cli.profile",
    "notify": "rpcctl.cli.notify",
    "listen": "rpcctl.cli.listen",
    "protocols": "rpcctl.cli.protocols",
    "explain": "rpcctl.cli.explain",
    "completion": "rpcctl.cli.completion",
    "manual": "rpcctl.cli.manual",
}
ALIASES = {"ls": "list"}
PROGRAMS = {"zerorpc": "rpcctl.cli.zerorpc"}
"""Other commands that rpcctl stands in for when it is started by their names: by a symbolic link, as a rule."""
INTERRUPTED = 130


def run() -> None:
    """The `rpcctl` command: `main` with the process's own surroundings, then exit; by another's name, that command."""
    if sys.argv[1:2] == ["__complete"]:
        from rpcctl.cli.answer import answer

        answer(sys.argv[2:], MODULES, load_command)
    garbage.relax()
    code = _run_program(sys.argv)
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except BrokenPipeError:
        code = 141
        _drop_output()
    except OSError:
        code = code or OutputError.exit_code
        _drop_output()
    if code == INTERRUPTED:
        # A shell ends its loop or script only if the program died of the signal; it then reports 130 itself.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    sys.exit(code)


def _run_program(argv: Sequence[str]) -> int:
    module = PROGRAMS.get(os.path.basename(argv[0]).removesuffix(".exe"))
    if module is None:
        return main(argv[1:])
    try:
        return int(import_module(module).main(argv[1:]))
    except BrokenPipeError:
        _drop_output()
        return 141
    except KeyboardInterrupt:
        return INTERRUPTED


def main(argv: Sequence[str], environment: Environment | None = None) -> int:
    """Run one command line; its exit code, as the table in `rpcctl.errors` has it. Nothing is raised."""
    environment = environment or Environment(sys.stdin, sys.stdout, sys.stderr, os.environ)
    report = _Report(environment, argv)
    try:
        return _run(argv, environment, report)
    except RpcctlError as exc:
        return report.show(exc)
    except BrokenPipeError:
        _drop_output()
        return 141
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as exc:
        return report.show_bug(exc)


def load_command(name: str) -> Command:
    """The command of that name or alias; KeyError when there is none."""
    command: Command = import_module(MODULES[ALIASES.get(name, name)]).COMMAND
    return command


def load_commands() -> list[Command]:
    """All of them, in the order in which help shows them."""
    return [load_command(name) for name in MODULES]


def _run(argv: Sequence[str], environment: Environment, report: "_Report") -> int:
    found = _read(argv)
    if found is None:
        from rpcctl.cli.grammar import read

        parsed = read(load_commands(), argv)
        if isinstance(parsed, int):
            return parsed
        found = parsed
    command, values = found
    return _execute(command, values, environment, report)


def _read(argv: Sequence[str]) -> tuple[Command, Values] | None:
    if not argv or ALIASES.get(argv[0], argv[0]) not in MODULES:
        return None
    command = load_command(argv[0])
    values = quick.read(command, argv[1:])
    return None if values is None else (command, values)


def _execute(command: Command, values: Values, environment: Environment, report: "_Report") -> int:
    from rpcctl.cli.session import Session, finish_values, make_output

    finish_values(command, values, environment.environ)
    session = Session(command, environment, make_output(values, environment))
    report.session = session
    run = command.run if not getattr(values, "explain", None) else "rpcctl.cli.origins:explain"
    module, _, name = run.partition(":")
    code = getattr(import_module(module), name)(values, session)
    session.output.flush()
    return int(code or 0)


class _Report:
    """Tells of an error, in the form that the command line asks for, as far as it could be read."""

    def __init__(self, environment: Environment, argv: Sequence[str]) -> None:
        self.environment = environment
        self.argv = argv
        self.session: Any = None

    def show(self, exc: RpcctlError) -> int:
        output = self.session.output if self.session else self._make_output()
        where = self.session
        if where is None:
            output.error(exc)
        else:
            output.error(exc, protocol=where.protocol, address=where.address, method=where.method)
        self._show_traceback(exc)
        return exc.exit_code

    def show_bug(self, exc: Exception) -> int:
        text = f"{type(exc).__name__}: {exc}"
        bug = RpcctlError(f"a bug in rpcctl: {text}", hint="run it again with --traceback and report what it prints")
        self.show(bug.with_traceback(exc.__traceback__))
        return bug.exit_code

    def _make_output(self) -> Any:
        from rpcctl.cli.output import Output

        # The command line could not be read, but how the user wants to be told can be seen all the same.
        spellings = {"--json", "--format=json", "-fjson"}
        as_json = spellings & set(self.argv) or ("json" in self.argv and {"-f", "--format"} & set(self.argv))
        return Output(
            self.environment.stdout,
            self.environment.stderr,
            format="json" if as_json else "auto",
            env=self.environment.environ,
        )

    def _show_traceback(self, exc: BaseException) -> None:
        if "--traceback" in self.argv:
            import traceback

            from rpcctl.cli.terminal import escape

            # What the peer said is in it, and must not reach a terminal as it came.
            print(escape("".join(traceback.format_exception(exc)), keep="\n\t"), end="", file=self.environment.stderr)


def _drop_output() -> None:
    """Nobody reads the output any more; what the interpreter would flush at exit must not complain."""
    if sys.stdout is not None:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
