"""What a user types, run in this process: `rpcctl("call", ":4242", "add", "2", "3")` gives text that knows more."""

import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from rpcctl.cli.app import main
from rpcctl.cli.command import Environment

KEY = "RPCCTL_AUTHKEY"
"""Set for all tests: some wires serve nobody without it."""


class Outcome(str):
    """Standard output as text; with `exit_status`, `stderr`, and `json`, its last line parsed."""

    exit_status: int
    stderr: str
    raw: bytes

    @property
    def json(self) -> Any:
        """The last line of the output as JSON."""
        return json.loads(self.splitlines()[-1])

    @property
    def records(self) -> list[Any]:
        """Each line of the output as JSON."""
        return [json.loads(line) for line in self.splitlines()]

    @property
    def error(self) -> Any:
        """The last line of standard error as JSON."""
        return json.loads(self.stderr.splitlines()[-1])["error"]


class Pipe(io.TextIOWrapper):
    """A text stream over bytes that can be read while it is open, as a pipe's end would be."""

    def __init__(self, data: bytes = b"", *, tty: bool = False) -> None:
        self.bytes = io.BytesIO(data)
        self.tty = tty
        super().__init__(self.bytes, encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return self.tty

    def text(self) -> str:
        """All that was written."""
        self.flush()
        return self.bytes.getvalue().decode("utf-8", "backslashreplace")


def rpcctl(*argv: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, tty: bool = False) -> Outcome:
    """Run one command line through `main`; `env` is put over an environment without RPCCTL_ variables."""
    own = ("RPCCTL_", "NO_COLOR", "FORCE_")
    clean = {name: value for name, value in os.environ.items() if name == KEY or not name.startswith(own)}
    stdout, stderr = Pipe(tty=tty), Pipe(tty=tty)
    environ = {**clean, **(env or {})}
    # Help is written by Typer, which knows only the process's own streams and environment.
    with redirect_stdout(stdout), redirect_stderr(stderr), _environment(environ):
        status = main(argv, Environment(Pipe(stdin), stdout, stderr, environ))
    outcome = Outcome(stdout.text())
    outcome.exit_status = status
    outcome.stderr = stderr.text()
    outcome.raw = stdout.bytes.getvalue()
    return outcome


@contextmanager
def _environment(environ: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
