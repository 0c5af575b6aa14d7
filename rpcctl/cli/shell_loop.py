"""What a line of the shell does: a call, or one of the shell's own directives. Knows no prompt."""

from fnmatch import fnmatchcase
from time import perf_counter
from typing import TYPE_CHECKING

from rpcctl.cli import describe
from rpcctl.cli.call import print_replies
from rpcctl.cli.command import Values
from rpcctl.cli.options import FORMATS, SELECT
from rpcctl.cli.session import Session
from rpcctl.cli.shell_hints import DIRECTIVES, PLAIN
from rpcctl.cli.shell_line import IncompleteError, split_line
from rpcctl.cli.words import read_words
from rpcctl.errors import InputError, RpcctlError, TransportError, UsageError, suggest
from rpcctl.messages import Description

if TYPE_CHECKING:
    from rpcctl.api import Connection

_LEARNING = 2.0
"""Seconds that a server may take to describe itself before there is a prompt without completion."""
_HELP = """METHOD [ARGUMENT…] calls a method.

A word that is JSON is that value, any other is text. name=VALUE is a named
argument, ==TEXT insists on text, :=JSON on JSON, %=BASE64 is bytes, @FILE the
file's text. JSON in brackets needs no quotes and may go over several lines.
Ctrl-C ends a call, Ctrl-D the shell. A line that begins with a space is not
kept in the history.
"""


class Shell:
    """Runs lines over one connection, which is made anew when it is lost."""

    def __init__(self, connection: "Connection", session: Session, values: Values) -> None:
        """The connection stands."""
        self.connection = connection
        self.description: Description | None = None
        """What the server said of itself, if it was asked and answered."""
        self.is_over = False
        """Whether the user wants to leave."""
        self._session = session
        self._output = session.output
        self._format = "json" if values.json else values.format
        self._tells_time = False
        self._took: float | None = None

    def learn(self) -> None:
        """Ask what can be called, for completion; a server that does not say so soon is used without."""
        patience, limit = self.connection.timeout, _LEARNING
        self.connection.timeout = limit if patience is None else min(limit, patience)
        try:
            self.description = self.connection.describe()
        except RpcctlError as exc:
            self._output.note(f"no completion: {exc.message}")
            self._recover(exc)
        finally:
            self.connection.timeout = patience

    def run_bytes(self, data: bytes) -> bool:
        """The same as `run_line` for a line of a pipe."""
        try:
            return self.run_line(data.decode("utf-8"))
        except UnicodeDecodeError:
            self._output.error(InputError("the line is not UTF-8 text"))
            return False

    def run_line(self, text: str) -> bool:
        """Do what a line says, and tell what goes wrong; whether it went well. KeyboardInterrupt when interrupted."""
        self._session.method, self._took = "", None
        try:
            self._run(split_line(text))
            self._output.flush()
        except IncompleteError as exc:
            self._tell(UsageError(f"the line is not complete: {exc}", hint="'quotes' around what is to be text"))
            return False
        except RpcctlError as exc:
            self._tell(exc)
            self._recover(exc)
            return False
        except KeyboardInterrupt:
            self._output.note("interrupted")
            self._recover(None)
            raise
        finally:
            if self._tells_time and self._took is not None:
                self._output.note(f"{self._took * 1000:.1f} ms")
        return True

    def _run(self, words: list[str]) -> None:
        if not words:
            return
        name, rest = words[0], words[1:]
        if name.startswith(":"):
            self._run_directive(name[1:], rest)
        elif name in PLAIN and not (self.description and self.description.find(name)):
            self._run_directive(name, rest)
        else:
            self._call(name, rest)

    def _run_directive(self, name: str, rest: list[str]) -> None:
        if name not in DIRECTIVES:
            known = [f":{each}" for each in DIRECTIVES]
            raise UsageError(f"the shell has no :{name}", hint=suggest(f":{name}", known, " ".join(known)))
        takes = DIRECTIVES[name][0]
        if len(rest) > bool(takes):
            raise UsageError(f":{name} has no use for {rest[-1]!r}", hint=f":{name} {takes}".strip())
        getattr(self, f"_do_{name}")(rest[0] if rest else None)

    def _call(self, method: str, words: list[str]) -> None:
        self._session.method = method
        arguments = read_words(words, stdin=_refuse_stdin, exact=self.connection.info.encoding.exact)
        self._output.begin(self._format)
        began = perf_counter()
        try:
            print_replies(
                self.connection.send(self.connection.request(method, arguments.args, arguments.kwargs)), self._session
            )
        finally:
            self._took = perf_counter() - began

    def _do_help(self, word: str | None) -> None:
        rows = [f"  :{f'{name} {takes}'.ljust(18)}{does}" for name, (takes, does) in DIRECTIVES.items()]
        for line in (*_HELP.splitlines(), *rows):
            self._output.text(line)

    def _do_list(self, glob: str | None) -> None:
        found = [each for each in self._describe().methods if fnmatchcase(each.name, glob or "*")]
        rows = [(each.name, each.signature(), each.summary()) for each in found]
        self._output.listing(rows, ("METHOD", "SIGNATURE", "DOCUMENTATION"))

    def _do_describe(self, name: str | None) -> None:
        description = self._describe()
        found = describe.select(description, name, self._session.address)
        info = self.connection.info
        texts = [describe.describe_method(each, self._session.address, info) for each in found]
        self._output.document("" if name else description.name, texts)

    def _do_time(self, word: str | None) -> None:
        if word not in (None, "on", "off"):
            raise UsageError(f":time is on or off, not {word!r}")
        self._tells_time = not self._tells_time if word is None else word == "on"
        self._output.note(f"time is {'on' if self._tells_time else 'off'}")

    def _do_format(self, word: str | None) -> None:
        if word is not None and word not in FORMATS:
            raise UsageError(f"no format {word!r}", hint=suggest(word, FORMATS, f"one of: {', '.join(FORMATS)}"))
        self._format = word or self._format
        self._output.begin(self._format)
        self._output.note(f"format is {self._format}")

    def _do_select(self, expression: str | None) -> None:
        from rpcctl.cli.select import compile_expression

        self._output.select = compile_expression(expression, SELECT.name) if expression else None
        self._output.note(f"of each result: {expression or 'all of it'}")

    def _do_quit(self, word: str | None) -> None:
        self.is_over = True

    def _describe(self) -> Description:
        self.description = self.description or self.connection.describe()
        return self.description

    def _tell(self, exc: RpcctlError) -> None:
        where = self._session
        self._output.error(exc, protocol=where.protocol, address=where.address, method=where.method)

    def _recover(self, exc: RpcctlError | None) -> None:
        """After what may leave a connection in the midst of something the next call gets a new one."""
        if not self.connection.info.in_process and (exc is None or isinstance(exc, TransportError)):
            self.connection.renew()


def _refuse_stdin() -> bytes:
    raise OSError("the shell itself reads it")
