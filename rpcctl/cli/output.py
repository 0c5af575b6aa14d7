"""What a run of rpcctl says: results on stdout, all else on stderr, in the form that the options ask for.

Commands and `main` know only this class. How values, errors and tables look is decided in the modules beside it; how
to write, here: a person's terminal gets layout and colour, a pipe one complete value per line.
"""

import io
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from rpcctl.cli.render import to_json, to_repr, to_yaml
from rpcctl.cli.sinks import Sink, replacing
from rpcctl.cli.terminal import ERASE, Terminal, escape, escape_json, examine, is_tty, measure_height, measure_width
from rpcctl.errors import OutputError, RpcctlError

if TYPE_CHECKING:
    from rpcctl.cli.documents import Section
    from rpcctl.cli.redraw import Redraw

_DATA = ("json", "ndjson", "yaml")
"""The forms that are meant for programs: commands give them their data instead of sentences."""
_NAMED = 300
"""Most characters of method names in the panel of `serve`."""


class Output:
    """Where one run writes. Results come from one thread; notes, traces and log lines may come from any."""

    def __init__(
        self,
        stdout: IO[Any] | None,
        stderr: IO[Any] | None,
        *,
        format: str = "auto",
        raw: bool = False,
        color: str = "auto",
        quiet: bool = False,
        verbose: int = 0,
        select: Callable[[Any], Any] | None = None,
        env: Mapping[str, str],
    ) -> None:
        """`format` is one of auto, json, ndjson, yaml, table, csv, raw and repr.

        `raw` writes texts and bytes as they are; `select` makes of each result what is written in its place.
        """
        self._always_raw = raw
        self._color = color
        self.select = select
        """What is made of each result, or None; it may be set anew."""
        self._env = env
        self._drawing: Redraw | None = None
        self._quiet = quiet
        self._verbose = verbose
        self._results = Sink(stdout, "the output")
        self._messages = Sink(stderr, "standard error")
        self._terminal = examine(stdout, color, env)
        self._watcher = examine(stderr, color, env)
        self._measure_width: Callable[[], int] = partial(measure_width, stderr, env)
        self._status = ""
        self._screen = stderr if is_tty(stderr) and env.get("TERM") != "dumb" else None
        self._lock = threading.Lock()
        self.begin(format)

    def begin(self, format: str) -> None:
        """From now on results have this form; a table or CSV begins anew."""
        self._format = format
        self._raw = self._always_raw or format == "raw"
        self._reader = _choose_reader(self._terminal, format, self._color)
        self._headings: list[Any] | None = None
        self._widths: list[int] = []

    @contextmanager
    def redirected(self, stdout: IO[Any]) -> Iterator[None]:
        """Inside, results go to this stream: `serve` keeps its own apart from what the target prints."""
        before, self._results = self._results, Sink(stdout, "the output")
        try:
            yield
        finally:
            self._results = before

    def is_json(self) -> bool:
        """Whether a program reads the results, so that commands give their data instead of sentences."""
        return self._format in _DATA or self.select is not None

    def is_raw(self) -> bool:
        """Whether bytes are to be written as they are."""
        return self._raw

    def value(self, value: Any) -> None:
        """Write one whole result."""
        self._write_value(self.choose(value))

    def item(self, value: Any) -> None:
        """Write one item of a stream, in one line where the form allows it, and hand it over at once."""
        value = self.choose(value)
        if self._format in ("csv", "table"):
            self._write_streamed_row(value)
        elif self._format == "yaml":
            self._write_safe(to_yaml(value, document=True))
        elif self._format == "repr" or (self._raw and isinstance(value, (str, bytes))):
            self._write_value(value)
        else:
            self._write_json(value, indent=False)
        self.flush()

    def refresh(self, title: str, value: Any) -> None:
        """Show a value below a title in the place of the one before, changes marked; as an item where that cannot be.

        The title is for terminals only.
        """
        if not self._reader.live:
            self.item(value)
            return
        from rpcctl.cli.redraw import Redraw

        self._drawing = self._drawing or Redraw()
        lines = self._render(self.choose(value)).splitlines()
        stream = self._results.stream
        terminal = self._reader._replace(width=measure_width(stream, self._env))
        self._results.write(self._drawing.replace(title, lines, terminal, measure_height(stream, self._env)))
        self.flush()

    def _render(self, value: Any) -> str:
        """What the value looks like to a person, without colours."""
        page, before = io.BytesIO(), (self._results, self._reader)
        self._results, self._reader = Sink(page, "the output"), self._reader._replace(color=False)
        try:
            self._write_value(value)
        finally:
            self._results, self._reader = before
        return page.getvalue().decode("utf-8", "backslashreplace")

    def choose(self, value: Any) -> Any:
        """What is written in place of a result, as --select says; UsageError where that does not fit it."""
        return value if self.select is None else self.select(value)

    def _write_value(self, value: Any) -> None:
        if self._raw and isinstance(value, (str, bytes)):
            self._write_raw(value)
        elif self._format == "repr":
            self._write_safe(to_repr(value) + "\n")
        elif self._format == "yaml":
            self._write_safe(to_yaml(value))
        elif self._format == "csv":
            self._write_csv(value)
        elif self._format == "table":
            self._write_table(value)
        else:
            self._write_json(value, indent=self._reader.layout and self._format in ("auto", "json"))

    def json_line(self, text: str) -> None:
        """Write one line that is JSON already, whatever form is asked for; `flush` hands it over."""
        self._write_line(self._reader.paint_json(escape_json(text) if self._reader.layout else text))

    def text(self, line: str) -> None:
        """Write one line of plain text as a result."""
        self._write_line(escape(line))

    def lines(self, lines: Iterable[tuple[str, str] | str]) -> None:
        """Write lines of plain text as a result, some of them as `(style, text)`."""
        for line in lines:
            style, text = ("", line) if isinstance(line, str) else line
            self._write_line(self._reader.paint(style, escape(text)) if style else escape(text))

    def verbatim(self, text: str) -> None:
        """Write a text of several lines as a result, as it is."""
        self._write_safe(text)

    def listing(self, rows: Sequence[Sequence[str]], headings: Sequence[str]) -> None:
        """Write what has a name and more: all of it as a table on a terminal, on a pipe the names, one per line."""
        if self.select is not None:
            self._write_all([row[0] for row in rows])
        elif self._format in ("csv", "table") or (self._format == "auto" and self._reader.layout):
            self._write_rows(headings, rows)
        elif self._format in ("auto", "raw"):
            self._results.write("".join(f"{escape(row[0])}\n" for row in rows))
        else:
            self._write_all([row[0] for row in rows])

    def records(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write maps of the same keys as a table with headings, a single one as two columns."""
        if self._format not in ("auto", "table", "raw") or self.select is not None:
            self._write_all(list(rows))
            return
        shown = [{key: _join(value) for key, value in row.items()} for row in rows]
        self._write_table(shown[0] if len(shown) == 1 else shown)

    def document(self, title: str, sections: "Sequence[Section]") -> None:
        """Write sections of a heading, a text and a command line to copy, below a title, which may be empty."""
        from rpcctl.cli.documents import to_document

        self._results.write(to_document(title, sections, self._reader))

    def watched(self) -> tuple[IO[Any] | None, Terminal]:
        """Standard error and how to draw on it; None unless a person sees it and results go elsewhere."""
        return (None if self._quiet or self._reader.layout else self._screen), self._watcher

    def panel(self, title: str, names: Sequence[str], places: Sequence[str] = ()) -> None:
        """Say on stderr what is being served; the first of the names are told, and on a terminal where."""
        if self._quiet:
            return
        body = ", ".join(names)
        if len(body) > _NAMED:
            body = body[:_NAMED].rpartition(",")[0] + ", …"
        if self._watcher.layout:
            from rpcctl.cli.tables import draw_panel

            self._tell(draw_panel(title, [*places, body], self._watcher))
        else:
            self._tell(f"{escape(title)}: {escape(body)}\n")

    def note(self, text: str) -> None:
        """Say something on stderr that is no error; --quiet silences it."""
        if not self._quiet:
            self._tell(f"{self._watcher.paint('dim', 'rpcctl:')} {escape(text)}\n")

    def log(self, *parts: tuple[str, str] | str) -> None:
        """Write one line of a log on stderr, some of its parts as `(style, text)`; --quiet silences it."""
        from rpcctl.cli.status import compose

        if not self._quiet:
            from rpcctl.cli.status import compose

            self._tell(compose(parts, self._watcher, self._measure_width()))

    def show_above(self, text: str) -> None:
        """Write whole lines of somebody else's on stderr, as they are, above the status."""
        self._tell(text)

    def is_watched(self) -> bool:
        """Whether a person reads stderr."""
        return self._watcher.layout

    def is_live(self) -> bool:
        """Whether `status` shows anything."""
        return self._watcher.live and not self._quiet

    def status(self, *parts: str) -> None:
        """Show so many of the parts as fit in a line below all others on stderr, in place of the last one.

        Only on a terminal that can do so; without parts the line goes.
        """
        if not self.is_live():
            return
        from rpcctl.cli.status import fit

        line = fit(parts, self._measure_width() - 1)
        with self._lock, suppress(OutputError, BrokenPipeError):
            if line != self._status:
                self._status = line
                self._messages.write(f"{ERASE}{line}")
                self._messages.flush()

    def trace(self, direction: str, summary: str, data: bytes | None) -> None:
        """Show one message of the wire on stderr, its bytes too with -vv; see `rpcctl.messages.Trace`."""
        from rpcctl.cli.traces import describe

        lines = describe(direction, summary, data if self._verbose > 1 else None)
        self._tell("".join(f"{self._watcher.paint('dim', line)}\n" for line in lines))

    def error(self, exc: RpcctlError, *, protocol: str = "", address: str = "", method: str = "") -> None:
        """Tell of the error that ends the run: four lines on stderr at most, or one of JSON."""
        from rpcctl.cli.reports import describe, fill_hint, to_json_line

        # What was written before belongs before it; if that cannot be written, the error matters more.
        with suppress(OutputError, BrokenPipeError):
            self.flush()
        self.status()
        fill_hint(exc, address, method)
        if self._format in ("json", "ndjson"):
            lines = [to_json_line(exc, protocol, address, method)]
        else:
            lines = describe(exc, self._watcher, verbose=self._verbose > 0)
        self._tell("".join(f"{line}\n" for line in lines))

    def flush(self) -> None:
        """Hand over all results; OutputError or BrokenPipeError when nobody takes them."""
        self._results.flush()

    @contextmanager
    def writing(self, path: str | None) -> Iterator[None]:
        """Send results to the file at `path`, which appears when the block ends well; None and `-` change nothing."""
        if path is None or path == "-":
            yield
            return
        before = self._results, self._reader
        with replacing(path) as file:
            self._results, self._reader = file, Terminal()
            try:
                yield
            finally:
                self._results, self._reader = before

    def _write_raw(self, value: str | bytes) -> None:
        if self._reader.layout:
            text = value if isinstance(value, str) else value.decode("utf-8", "backslashreplace")
            self._write_safe(text + "\n")
        elif isinstance(value, bytes):
            self._results.write(value)
        else:
            self._write_line(value)

    def _write_json(self, value: Any, *, indent: bool) -> None:
        self.json_line(to_json(value, indent=indent))

    def _write_line(self, text: str) -> None:
        self._results.write(text)
        self._results.write("\n")

    def _write_safe(self, text: str) -> None:
        """Lines of plain text; a terminal is not sent what it would obey."""
        self._results.write(escape(text, keep="\n\t") if self._reader.layout else text)

    def _write_all(self, values: list[Any]) -> None:
        chosen = self.choose(values)
        for value in chosen if self._format == "ndjson" and isinstance(chosen, list) else [chosen]:
            self._write_value(value)

    def _write_csv(self, value: Any) -> None:
        from rpcctl.cli.tables import find_headings, make_row, split_records, to_csv

        records = split_records(value)
        headings = find_headings(records)
        rows = [make_row(record, headings) for record in records]
        self._write_safe(to_csv([make_row(headings, ()), *rows] if headings else rows))

    def _write_table(self, value: Any) -> None:
        from rpcctl.cli.tables import find_headings, make_pairs, make_row, split_records

        if isinstance(value, Mapping):
            self._write_rows((), make_pairs(value))
            return
        records = split_records(value)
        headings = find_headings(records)
        self._write_rows(make_row(headings, ()), [make_row(record, headings) for record in records])

    def _write_rows(self, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        from rpcctl.cli.tables import draw_table, measure_columns, to_columns, to_csv

        whole = [headings, *rows] if headings else rows
        if self._format == "csv":
            self._write_safe(to_csv(whole))
        elif self._reader.layout:
            self._results.write(draw_table(headings, rows, self._reader))
        else:
            self._results.write(to_columns(whole, measure_columns(whole)))

    def _write_streamed_row(self, record: Any) -> None:
        """A row below the headings of the first one; columns are as wide as that one needs."""
        from rpcctl.cli.tables import find_headings, make_row, measure_columns, to_columns, to_csv

        rows = []
        if self._headings is None:
            self._headings = find_headings([record])
            rows = [make_row(self._headings, ())] if self._headings else []
        rows.append(make_row(record, self._headings))
        self._widths = self._widths or measure_columns(rows)
        self._write_safe(to_csv(rows) if self._format == "csv" else to_columns(rows, self._widths))

    def _tell(self, text: str) -> None:
        """To stderr in one piece, above the status; that nobody reads it is no reason to fail."""
        if self._drawing:
            self._drawing.leave()
        with self._lock, suppress(OutputError, BrokenPipeError):
            self._messages.write(f"{ERASE}{text}{self._status}" if self._status else text)
            self._messages.flush()


def _choose_reader(terminal: Terminal, format: str, color: str) -> Terminal:
    """Forced colour goes into what people read; a form that programs read has it only when told by name."""
    is_for_programs = format != "auto" and not terminal.layout and color != "always"
    return terminal._replace(color=False) if is_for_programs else terminal


def _join(value: Any) -> Any:
    return ", ".join(value) if isinstance(value, (list, tuple)) else value
