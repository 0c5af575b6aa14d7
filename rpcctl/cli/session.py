"""One run of a command: what is outside, where output goes, which server is meant, and the connection to it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from rpcctl.cli.command import Command, Environment, Values, attribute
from rpcctl.cli.options import SELECT
from rpcctl.cli.output import Output
from rpcctl.errors import UsageError
from rpcctl.interfaces import Option
from rpcctl.messages import Parameter
from rpcctl.settings import choose, read_given, read_variable

if TYPE_CHECKING:
    from rpcctl.address import Address
    from rpcctl.api import Connection
    from rpcctl.cli.saved import Saved
    from rpcctl.cli.select import Select
    from rpcctl.cli.words import Arguments


class Session:
    """Handed to every command; `main` reads from it what an error was about."""

    def __init__(self, command: Command, environment: Environment, output: Output) -> None:
        """Nothing is known yet of the server that is meant."""
        self.command = command
        self.environment = environment
        self.output = output
        self.protocol = ""
        self.address = ""
        self.method = ""

    @contextmanager
    def open(
        self, values: Values, address: "Address | None" = None, options: Mapping[str, Any] | None = None
    ) -> "Iterator[Connection]":
        """A connection to the server at `values.address`, as the options say; not connected, and closed at the end.

        Where a command has several servers, `address` and `options`, the protocols' own, are of the one that is meant.
        """
        from rpcctl.api import Connection

        connection = Connection(
            read_address(values) if address is None else address,
            proto=values.proto,
            timeout=values.timeout,
            connect_timeout=values.connect_timeout,
            item_timeout=getattr(values, "item_timeout", None),
            max_time=values.max_time,
            max_message=values.max_message,
            options=own_options(values) if options is None else options,
            trace=self.output.trace if values.verbose else None,
            note=self.output.note,
        )
        self.protocol, self.address = connection.info.scheme, str(connection.address)
        self.method = getattr(values, "method", None) or ""
        with closing(connection), self._apart() if connection.info.in_process else nullcontext():
            yield connection

    @contextmanager
    def _apart(self) -> Iterator[None]:
        """Inside, what a target prints in this process goes to standard error, and not between the results."""
        from rpcctl.service.stdio import guarded_streams

        ours = self.environment.stdout
        is_real = ours is sys.stdout
        with guarded_streams(empty_input=False) as stdout, self.output.redirected(stdout if is_real else ours):
            yield
            self.output.flush()

    def reach(self, connection: "Connection", values: Values) -> None:
        """Connect, with the tries that --retry allows; again does nothing."""
        connection.connect(retry=values.retry, retry_delay=values.retry_delay)

    @contextmanager
    def connect(self, values: Values) -> "Iterator[Connection]":
        """The same as `open`, connected."""
        with self.open(values) as connection:
            self.reach(connection, values)
            yield connection

    def read_arguments(
        self, values: Values, parameters: Sequence[Parameter] = (), *, exact: bool = False
    ) -> "Arguments":
        """The words after the method as values, read by the parameters' types when those are known.

        `exact` keeps every digit of a fraction. Standard input is read only when a word names it.
        """
        from rpcctl.cli.words import read_params, read_words

        if values.typed and (values.params is not None or values.json_args or values.raw_args):
            raise UsageError(
                "--typed goes with none of --params, --json-args and --raw-args", hint="they read no words by type"
            )
        if values.params is not None:
            if values.arguments:
                raise UsageError(
                    f"--params leaves no place for {values.arguments[0]!r}", hint="put it into the parameters"
                )
            return read_params(values.params, stdin=self.read_stdin, exact=exact)
        if values.json_args and values.raw_args:
            raise UsageError("--json-args and --raw-args exclude each other", hint="leave out one of the two")
        mode = "json" if values.json_args else "raw" if values.raw_args else "auto"
        return read_words(values.arguments, mode=mode, stdin=self.read_stdin, parameters=parameters, exact=exact)

    def read_stdin(self) -> bytes:
        """All of standard input, or so much of it that the limit is seen to be passed; OSError when it is closed."""
        from rpcctl.cli.sources import MAX_INPUT

        if self.environment.stdin is None:
            raise OSError("it is closed")
        stream = getattr(self.environment.stdin, "buffer", self.environment.stdin)
        data = stream.read(MAX_INPUT + 1)
        return data if isinstance(data, bytes) else str(data).encode()


def read_address(values: Values) -> "str | Address":
    """The address, with its password if that is kept elsewhere."""
    if not values.password:
        return str(values.address)
    from rpcctl import registry
    from rpcctl.secrets import read_secret

    at = registry.parse_address(values.address, values.proto, own_options(values).get("path"))
    return at._replace(password=read_secret(values.password, "--password"))


def finish_values(command: Command, values: Values, environ: Mapping[str, str]) -> Values:
    """Texts to values: flag, else variable, profile, default; the protocols' own options keep None for not given.

    `values.given` has what was typed, `values.saved` the profile that stands in place of the address, or None.
    """
    values.given = dict(vars(values))
    values.saved = saved = _find_saved(values, environ)
    for option in command.options:
        name = attribute(option.name)
        value = _read_given(option, getattr(values, name))
        value = read_variable(option, environ) if value is None else value
        value = saved.read(option) if value is None and saved else value
        setattr(values, name, choose(option, value))
    for option in values_of_protocols(values):
        setattr(values, attribute(option.name), _read_given(option, getattr(values, attribute(option.name))))
    return values


def _find_saved(values: Values, environ: Mapping[str, str]) -> "Saved | None":
    """The profile that the address names; the address is then the profile's."""
    if not (getattr(values, "address", None) or "").startswith("@"):
        return None
    from rpcctl.cli.saved import Saved

    saved = Saved(values.address[1:], environ)
    values.address = saved.profile.address
    return saved


def values_of_protocols(values: Values) -> list[Option]:
    """The protocols' own options that the command line was read with; none when it was read the quick way."""
    return list(getattr(values, "own", {}).values())


def typed_options(values: Values) -> dict[str, Any]:
    """What was typed of the protocols' own options, by name; None for those that were not."""
    return {option.name: getattr(values, attribute(option.name)) for option in values_of_protocols(values)}


def own_options(values: Values) -> dict[str, Any]:
    """What was given of the protocols' own options, on the line or else by the profile, by name."""
    given = typed_options(values)
    saved: Saved | None = getattr(values, "saved", None)
    if saved is None:
        return given
    return {**saved.read_own(), **{name: value for name, value in given.items() if value is not None}}


def make_output(values: Values, environment: Environment) -> Output:
    """Where results and errors go, as the output options say; commands without such options get the defaults.

    UsageError for an expression that is wrong.
    """
    as_json = getattr(values, "json", None)
    return Output(
        environment.stdout,
        environment.stderr,
        format="json" if as_json else getattr(values, "format", None) or "auto",
        raw=bool(getattr(values, "raw_output", None)),
        color=getattr(values, "color", None) or "auto",
        quiet=bool(getattr(values, "quiet", None)),
        verbose=getattr(values, "verbose", None) or 0,
        select=_compile_select(getattr(values, "select", None)),
        env=environment.environ,
    )


def _compile_select(expression: str | None) -> "Select | None":
    if expression is None:
        return None
    from rpcctl.cli.select import compile_expression

    return compile_expression(expression, SELECT.name)


def _read_given(option: Option, given: Any) -> Any:
    """As `read_given`; a switch that is off was not given, since the command line has no way to say so."""
    return given or None if option.type == "switch" else read_given(option, given)
