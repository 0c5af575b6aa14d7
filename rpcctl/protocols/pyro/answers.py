"""How a call that a server has received is answered: replies come from the executor's threads, bytes go out there.

So what cannot be encoded becomes an error of that call, and the thread that owns the sockets only moves bytes.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from rpcctl.answers import too_large, unwritable
from rpcctl.errors import LocalProtocolError
from rpcctl.messages import End, Failure, Item, Reply, Result
from rpcctl.streams import Streaming

from . import codec, faults
from .codec import Message
from .encodings import Coding
from .streams import Stream

_STREAMED = faults.exception("Pyro5.errors.ProtocolError", "result of call is an iterator")


class Said(NamedTuple):
    """A reply as it is sent, but for what it takes from the request that it answers."""

    coding: Coding
    payload: bytes
    flags: int
    shown: Any
    """What a trace says of it."""


class Outlet(Protocol):
    """What an answer needs of its connection; callable from any thread."""

    max_message: int

    def finish(self, data: bytes, shown: Any) -> None:
        """Send the answer to the request under way; `shown` is what a trace says of it."""

    def open_stream(self, answer: "Answer") -> Stream | None:
        """A new stream of this client, whose items are said as the answer; None when it has too many."""


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

    def give(self, reply: Reply) -> Reply:
        """Answer with a Result's or Item's value, with a Failure, or with the end of a stream; what it tells."""
        said, told = self.say(reply)
        self.send(said)
        return told

    def give_own(self, value: Any, flags: int = 0) -> Reply:
        """Answer with a value of ours, or with results that were looked at; what it tells."""
        said, told = self._say(Result(value), self._coding.dump, flags)
        self.send(said)
        return told

    def raise_(self, found: Mapping[str, Any], flags: int = 0, annotations: Mapping[str, bytes] = {}) -> None:
        """Answer with an exception."""
        self.send(self._exception(found, flags), annotations)

    def announce(self, stream: Stream) -> None:
        """Say that there is a stream, to be asked for by its id."""
        self.raise_(_STREAMED, codec.STREAM, {codec.STREAM_ID: stream.id.encode()})

    def say(self, reply: Reply) -> tuple[Said, Reply]:
        """What is sent of a reply, in the encoding of the request, and what that tells."""
        if isinstance(reply, (Result, Item)):
            return self._say(reply, self._coding.dump_result)
        found = faults.stream_end() if isinstance(reply, End) else faults.to_exception(reply)
        return self._exception(found), reply

    def send(self, said: Said, annotations: Mapping[str, bytes] = {}) -> None:
        """Answer with what was said, of this or of another request."""
        data = codec.frame(
            *(codec.RESULT, said.coding.id, said.payload, said.flags | self._flags, self._sequence),
            *(self._correlation, annotations),
        )
        self._outlet.finish(data, said.shown)

    def _say(self, reply: Result | Item, dump: Callable[[Any], bytes], flags: int = 0) -> tuple[Said, Reply]:
        most = self._outlet.max_message
        try:
            payload = dump(reply.value)
            if len(payload) > most:
                raise LocalProtocolError(too_large(len(payload), most))
        except LocalProtocolError as exc:
            what = "an item" if isinstance(reply, Item) else "the result"
            return self.say(unwritable(self._method, exc.message, what))
        return Said(self._coding, payload, flags, reply.value), reply

    def _exception(self, found: Mapping[str, Any], flags: int = 0) -> Said:
        return Said(self._coding, self._coding.dump(found), codec.EXCEPTION | flags, found)


class Call(Streaming):
    """The Sink of a call: one answer, or a stream that goes on after it."""

    __slots__ = ("_answer", "_outlet")

    def __init__(self, outlet: Outlet, answer: Answer, method: str) -> None:
        """`attach` is to follow."""
        super().__init__(method)
        self._outlet = outlet
        self._answer = answer

    def answer(self, reply: Result | Failure) -> Reply:
        """Send it."""
        return self._answer.give(reply)

    def open_stream(self) -> Stream | None:
        """A stream that is said in the encoding of the call."""
        return self._outlet.open_stream(self._answer)

    def announce(self, stream: Stream) -> None:
        """By its id."""
        self._answer.announce(stream)


class _Nobody:
    """Where the answers to one-way requests go."""

    max_message = 1 << 30

    def finish(self, data: bytes, shown: Any) -> None:
        """Drop it."""

    def open_stream(self, answer: Answer) -> Stream | None:
        """There is nobody to read it."""
        return None


NOBODY = _Nobody()
