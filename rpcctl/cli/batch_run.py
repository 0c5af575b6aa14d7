"""How a batch runs: lines are taken as they arrive, so many calls are under way, each is answered when it is over.

A call's key is the number of its line. Memory is constant: answers that wait for their turn bound what is begun.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from rpcctl.cli import jobs
from rpcctl.cli.command import Values
from rpcctl.cli.lines import Line, Lines
from rpcctl.cli.output import Output
from rpcctl.cli.progress import Progress
from rpcctl.cli.render import to_json
from rpcctl.cli.tally import Tally
from rpcctl.errors import (
    ConnectionLostError,
    DeadlineError,
    OutputError,
    PartialError,
    RemoteProtocolError,
    RpcctlError,
    UsageError,
)
from rpcctl.messages import NEVER, Deadline, Failure, Reply, Result
from rpcctl.replies import to_error

if TYPE_CHECKING:
    from rpcctl.api import Connection

_PAUSE = 0.02
"""Seconds between two looks for a further line while calls are under way."""
_HELD = 8
"""With --ordered, how many times as many lines as calls may be begun and not written."""


class BatchRun:
    """One batch, from its first line to its last."""

    def __init__(self, connection: "Connection", lines: Lines, output: Output, values: Values) -> None:
        """The connection stands; `values` are the command's."""
        self._connection = connection
        self._calls = connection.pipeline()
        self._lines = lines
        self._answers = Answers(output, ordered=bool(values.ordered))
        self._output = output
        self._most = values.max_message
        self._keep_going = bool(values.keep_going)
        self._width = values.parallel if self._calls.parallel else 1
        self._tally = Tally()
        self._ids: dict[int, Any] = {}
        self._lost: ConnectionLostError | None = None

    def run(self, progress: Progress) -> None:
        """Answer all lines; PartialError, or what ended the batch before its time, with a report of the lines."""
        try:
            while self._ids or self._may_begin():
                self._fill()
                self._collect()
                progress.show(self._lines.bytes_taken, self._tally.done + self._tally.failed)
        except KeyboardInterrupt:
            progress.close()
            self._answers.release()
            self._output.note(f"interrupted: {self._tally.describe()}; {self._describe_rest()}")
            raise
        except OutputError:
            raise
        except RpcctlError as exc:
            raise self._break_off(exc) from exc
        self._judge()

    def _may_begin(self) -> bool:
        """Whether a further line may be begun, now or later."""
        return not self._lines.at_end and (self._keep_going or not self._tally.failed)

    def _has_room(self) -> bool:
        return len(self._ids) < self._width and self._answers.held() < self._width * _HELD

    def _fill(self) -> None:
        """Begin the lines that are there, as long as there is room; wait for one while nothing else is to do."""
        while self._has_room() and self._may_begin():
            if not self._ids:
                self._output.flush()
            line = self._lines.take(wait=not self._ids)
            if line is None:
                return
            if line.data.strip():
                self._begin(line)

    def _begin(self, line: Line) -> None:
        number = line.number
        self._tally.begin(number)
        self._answers.expect(number)
        try:
            job = jobs.read_job(line.data, number, self._most, exact=self._connection.info.encoding.exact)
            self._calls.start(number, self._connection.request(job.method, job.args, job.kwargs))
        except (UsageError, DeadlineError) as exc:
            self._fail(number, jobs.find_id(line.data, number), exc)
        else:
            self._ids[number] = job.id

    def _collect(self) -> None:
        wait = Deadline.after(_PAUSE) if self._has_room() and self._may_begin() else NEVER
        for number, reply in self._calls.collect(wait) if self._ids else ():
            assert isinstance(number, int)
            self._finish(number, reply)
        self._output.flush()
        if self._lost is not None:
            raise self._lost

    def _finish(self, number: int, reply: Reply | None) -> None:
        """Answer a call that is over; one whose outcome is unknown stays among those under way."""
        if isinstance(reply, Failure) and reply.kind == "lost":
            self._lost = ConnectionLostError(reply.message)
            return
        key = self._ids.pop(number)
        if isinstance(reply, Result):
            self._succeed(number, key, reply.value)
        elif isinstance(reply, Failure):
            self._fail(number, key, to_error(reply, str(self._connection.address)))
        else:
            self._fail(number, key, RemoteProtocolError("the server left the call out of its answer; it may have run"))

    def _succeed(self, number: int, id: Any, value: Any) -> None:
        try:
            text = to_json({"id": id, "result": self._output.choose(value)})
        except (OutputError, UsageError) as exc:
            self._fail(number, id, exc)
            return
        self._answers.give(number, text)
        self._tally.end(number, well=True)

    def _fail(self, number: int, id: Any, error: RpcctlError) -> None:
        self._answers.give(number, jobs.write_error(id, error))
        self._tally.end(number, well=False)

    def _break_off(self, exc: RpcctlError) -> RpcctlError:
        """Say of each call under way that it is lost; the error, with a report of the lines."""
        lost = exc if isinstance(exc, ConnectionLostError) else ConnectionLostError("the batch ended before its reply")
        for number, key in self._ids.items():
            self._answers.give(number, jobs.write_error(key, lost))
        self._answers.release()
        exc.message = f"{exc.message}; {self._tally.describe()}"
        exc.hint = self._describe_rest()
        return exc

    def _judge(self) -> None:
        if not self._tally.failed:
            return
        # There may be nothing behind the line that failed.
        more = not self._lines.at_end and (self._lines.take(wait=False) is not None or not self._lines.at_end)
        rest = f"nothing was sent from line {self._tally.last + 1} on; --keep-going goes on"
        rest = rest if more else "each has its error in the output"
        raise PartialError(self._tally.describe(), hint=rest)

    def _describe_rest(self) -> str:
        if self._lines.at_end:
            return "every line was begun"
        return f"nothing was sent from line {self._tally.last + 1} on"


class Answers:
    """Lines of output, as they come or in the order in which they are expected."""

    def __init__(self, output: Output, *, ordered: bool) -> None:
        """None is expected."""
        self._output = output
        self._ordered = ordered
        self._turns: OrderedDict[int, str | None] = OrderedDict()

    def held(self) -> int:
        """How many are expected and not written, if that is of account."""
        return len(self._turns)

    def expect(self, number: int) -> None:
        """The answer to this line comes after those expected before."""
        if self._ordered:
            self._turns[number] = None

    def give(self, number: int, text: str) -> None:
        """Write a line's answer when its turn has come."""
        if not self._ordered:
            self._output.json_line(text)
            return
        self._turns[number] = text
        while self._turns:
            first = self._turns[next(iter(self._turns))]
            if first is None:
                return
            self._output.json_line(first)
            self._turns.popitem(last=False)

    def release(self) -> None:
        """Write those that wait for others that will not come."""
        for text in self._turns.values():
            if text is not None:
                self._output.json_line(text)
        self._turns.clear()
