"""The open streams of a server, by id: a stock client may close one over another connection than its own."""

from secrets import token_hex
from typing import TYPE_CHECKING

from rpcctl import streams

if TYPE_CHECKING:
    from .answers import Answer, Said

    Stream = streams.Stream[Said]
else:
    Stream = streams.Stream

_MOST = 64
"""Open streams of one client."""


class Streams:
    """All that are open."""

    def __init__(self) -> None:
        """None is."""
        self._open: dict[str, tuple[Stream, set[str]]] = {}

    def open(self, own: set[str], answer: "Answer") -> Stream | None:
        """A new stream, one more of a client's `own`, said as the answer; None when it has too many."""
        if len(own) >= _MOST:
            return None
        stream = Stream(token_hex(16), answer.say)
        self._open[stream.id] = stream, own
        own.add(stream.id)
        return stream

    def find(self, stream_id: str) -> Stream | None:
        """The stream of that id, if it is open."""
        found = self._open.get(stream_id)
        return found[0] if found else None

    def close(self, stream_id: str) -> None:
        """Close the stream of that id, if it is open."""
        found = self._open.pop(stream_id, None)
        if found is not None:
            stream, own = found
            own.discard(stream_id)
            stream.close()
