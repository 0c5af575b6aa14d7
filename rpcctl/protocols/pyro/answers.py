"""How a call that a server has received is answered: replies come from the executor's threads, bytes go out there.

So what cannot be encoded becomes an error of that call, and the thread that owns the sockets only moves bytes.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from rpcctl.errors import LocalProtocolError
from rpcctl.interfaces import Run
from rpcctl.messages import Description, End, Failure, Item, Reply, Result

from . import codec, faults
from .codec import Message
from .encodings import Coding
from .streams import Stream

_STREAMED = faults.exception("Pyro5.errors.ProtocolError", "result of call is an iterator")


class Outlet(Protocol):
    """What an answer needs of its connection; callable from any thread."""

    max_message: int

    def finish(self, data: bytes, shown: Any) -> None:
        """Send the answer to the request under way; `shown` is what a trace says of it."""

    def open_stream(self) -> Stream | None:
        """A new stream of this client; None when it has too many."""


class Answer:
    """The answer to one request: in its encoding, with its number, compressed if it was."""

    __slots__ = ("_coding", "_correlation", "_flags", "_method", "_outlet", "_sequence")

    def __init__(self, outlet: Outlet, request: Message, coding: Coding, method: str) -> None:
        """The payload of the request is not kept."""
        self._outlet = outlet
        self._flags = request.flags & codec.COMPRESSED
        self._sequence = request.sequence
        self._correlation = request.correlation
        self._coding = coding
        self._method = method

    def give(self, reply: Reply) -> None:
        """Answer with a Result's or Item's value, with a Failure, or with the end of a stream."""
        if isinstance(reply, (Result, Item)):
            self._give_value(reply.value)
        elif isinstance(reply, End):
            self.raise_(faults.stream_end())
        else:
            self.raise_(faults.to_exception(reply))

    def give_own(self, value: Any, flags: int = 0) -> None:
        """Answer with a value of ours, or with results that were looked at."""
        try:
            data = self._pack(value, self._coding.dump(value), flags)
        except LocalProtocolError as exc:
            self._refuse(exc)
            return
        self._outlet.finish(data, value)

    def raise_(self, found: Mapping[str, Any], flags: int = 0, annotations: Mapping[str, bytes] = {}) -> None:
        """Answer with an exception."""
        payload = self._coding.dump(found)
        self._outlet.finish(self._frame(payload, codec.EXCEPTION | flags, annotations), found)

    def announce(self, stream: Stream) -> None:
        """Say that there is a stream, to be asked for by its id."""
        self.raise_(_STREAMED, codec.STREAM, {codec.STREAM_ID: stream.id.encode()})

    def _give_value(self, value: Any) -> None:
        try:
            data = self._pack(value, self._coding.dump_result(value))
        except LocalProtocolError as exc:
            self._refuse(exc)
            return
        self._outlet.finish(data, value)

    def _refuse(self, exc: LocalProtocolError) -> None:
        failure = Failure("remote", "TypeError", f"the result of {self._method} cannot be sent: {exc.message}")
        self.raise_(faults.to_exception(failure))

    def _pack(self, value: Any, payload: bytes, flags: int = 0) -> bytes:
        if len(payload) > self._outlet.max_message:
            raise LocalProtocolError(f"{len(payload)} bytes, {self._outlet.max_message} are allowed (--max-message)")
        return self._frame(payload, flags)

    def _frame(self, payload: bytes, flags: int, annotations: Mapping[str, bytes] = {}) -> bytes:
        flags |= self._flags
        return codec.frame(
            codec.RESULT, self._coding.id, payload, flags, self._sequence, self._correlation, annotations
        )


class Call:
    """The Sink of a call: one answer, or a stream that goes on after it."""

    __slots__ = ("_answer", "_ended", "_method", "_outlet", "_over", "_run", "_stream")

    def __init__(self, outlet: Outlet, answer: Answer, method: str) -> None:
        """`attach` is to follow."""
        self._outlet = outlet
        self._answer: Answer | None = answer
        self._method = method
        self._stream: Stream | None = None
        self._run: Run | None = None
        self._over = self._ended = False

    def attach(self, run: Run) -> None:
        """Take the run, to end it when there are too many streams; that may have been found by now."""
        self._run = run
        if self._stream is not None:
            self._stream.attach(run)
        elif self._over:
            run.cancel()
        if self._ended:
            # The run knows its sink: let go, or each call would wait for the garbage collector.
            self._run = None

    def deliver(self, reply: Reply) -> None:
        """Answer with the first reply; keep those that follow."""
        if self._stream is not None:
            self._stream.deliver(reply)
            return
        answer, self._answer = self._answer, None
        if answer is None:
            return
        if isinstance(reply, (Item, End)):
            self._begin_stream(answer, reply)
        else:
            answer.give(reply)

    def paused(self) -> None:
        """Wait until items are asked for."""
        if self._stream is not None:
            self._stream.pause()

    def ended(self) -> None:
        """Answer a call that came to its end without an answer."""
        if self._stream is None and self._answer is not None:
            self.deliver(Failure("remote", "RuntimeError", f"{self._method} ended without an answer"))
        self._ended = True
        self._run = None

    def _begin_stream(self, answer: Answer, first: Reply) -> None:
        stream = self._outlet.open_stream()
        if stream is None:
            self._over = True
            answer.give(Failure("busy", "TooManyStreams", "this client has too many streams open"))
            if self._run is not None:
                self._run.cancel()
            return
        stream.deliver(first)
        self._stream = stream
        if self._run is not None:
            stream.attach(self._run)
        answer.announce(stream)


class Told:
    """The Sink of a request for the Description, of which something is told."""

    def __init__(self, answer: Answer, tell: Callable[[Description], Any]) -> None:
        """`tell` makes the value to answer with of the Description."""
        self._answer: Answer | None = answer
        self._tell = tell

    def deliver(self, reply: Reply) -> None:
        """Answer."""
        answer, self._answer = self._answer, None
        if answer is None:
            return
        if isinstance(reply, Result) and isinstance(reply.value, Description):
            answer.give_own(self._tell(reply.value))
        else:
            answer.give(reply)

    def paused(self) -> None:
        """Cannot be: there is one reply."""

    def ended(self) -> None:
        """Answer a request that came to its end without an answer."""
        self.deliver(Failure("remote", "RuntimeError", "there is no description"))


class Batched:
    """The Sink of a batch, whose only reply is the list of what its calls gave."""

    def __init__(self, answer: Answer) -> None:
        """Nothing has run yet."""
        self._answer: Answer | None = answer

    def deliver(self, reply: Reply) -> None:
        """Answer."""
        answer, self._answer = self._answer, None
        if answer is None:
            return
        if isinstance(reply, Result):
            answer.give_own(reply.value, codec.BATCH)
        else:
            answer.give(reply)

    def paused(self) -> None:
        """Cannot be: there is one reply."""

    def ended(self) -> None:
        """Answer a batch that came to its end without an answer."""
        self.deliver(Failure("remote", "RuntimeError", "the batch ended without an answer"))


class Silence:
    """The Sink of one-way calls: nobody is told anything."""

    def deliver(self, reply: Reply) -> None:
        """Drop it."""

    def paused(self) -> None:
        """Cannot be: a one-way call has no allowance."""

    def ended(self) -> None:
        """Nobody waits."""


class _Nobody:
    """Where the answers to one-way requests go."""

    max_message = 1 << 30

    def finish(self, data: bytes, shown: Any) -> None:
        """Drop it."""

    def open_stream(self) -> Stream | None:
        """There is nobody to read it."""
        return None


NOBODY = _Nobody()
