"""What takes the replies of a call over a session: for stock clients one answer, for our own a stream as well.

Few stock clients know iterators, so a stream is the list of its items to them. Knows no socket.
"""

from typing import Protocol

from rpcctl import answers, streams
from rpcctl.messages import Failure, Reply, Result

Stream = streams.Stream[bytes]


class Outlet(Protocol):
    """What a call needs of its connection."""

    def give(self, reply: Result | Failure, method: str) -> Reply:
        """Answer what was asked last, and give back what that tells."""

    def open_stream(self, method: str) -> Stream | None:
        """A stream of this client; None when it has too many."""

    def announce(self, stream: Stream, method: str) -> None:
        """Answer what was asked last with an iterator."""


class Answer(answers.Answer):
    """The Sink of a stock client's call."""

    __slots__ = ("_outlet",)

    def __init__(self, outlet: Outlet, method: str, max_items: int) -> None:
        """Nothing has come yet."""
        super().__init__(method, max_items)
        self._outlet = outlet

    def answer(self, reply: Result | Failure) -> Reply:
        """Send it."""
        return self._outlet.give(reply, self.method)


class Call(streams.Streaming):
    """The Sink of a call of one of our own clients."""

    __slots__ = ("_outlet",)

    def __init__(self, outlet: Outlet, method: str) -> None:
        """`attach` is to follow."""
        super().__init__(method)
        self._outlet = outlet

    def answer(self, reply: Result | Failure) -> Reply:
        """Send it."""
        return self._outlet.give(reply, self.method)

    def open_stream(self) -> Stream | None:
        """An iterator that stays here."""
        return self._outlet.open_stream(self.method)

    def announce(self, stream: Stream) -> None:
        """As the proxy of an iterator."""
        self._outlet.announce(stream, self.method)
