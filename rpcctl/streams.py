"""Streams that a client asks for item by item, over wires that carry one request after the other. Knows no wire.

Some items are made ahead, so that the client does not wait for a change of threads each time.
"""

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

from rpcctl.answers import Kept
from rpcctl.interfaces import Run
from rpcctl.messages import End, Failure, Item, Reply

AHEAD = 32
"""Items made before they are asked for: the allowance of a call that may yield a stream."""

_Said = TypeVar("_Said")
Say = Callable[[Reply], tuple[_Said, Reply]]
"""Makes of a reply what is sent of it, and tells what that says: a Failure for an item that the wire cannot carry."""
Take = Callable[[_Said, bool], None]
"""Takes what is to be sent, and whether nothing follows."""


class Stream(Generic[_Said]):
    """Replies from the executor's threads, which call `deliver` and `pause`, to whoever asks, on any thread."""

    def __init__(self, id: str, say: Say[_Said]) -> None:
        """Nothing has been yielded yet."""
        self.id = id
        self._say = say
        self._lock = Lock()
        self._ready: deque[tuple[_Said, bool]] = deque()
        self._asking: Take[_Said] | None = None
        self._run: Run | None = None
        self._paused = self._closed = self._over = False

    def attach(self, run: Run) -> None:
        """Take the run, to let it go on or to end it; the stream may have been closed by then, or be over."""
        with self._lock:
            closed = self._closed
            self._run = None if closed or self._over else run
        if closed:
            run.cancel()
        else:
            self._go_on()

    def deliver(self, reply: Reply) -> Reply | None:
        """Hand a reply to whoever waits for it, or keep it; gives back what the caller is told in its place."""
        if self._over:
            return None
        said, told = self._say(reply)
        last = type(told) is not Item
        with self._lock:
            if last:
                # The run leads back here: let go, or the stream would wait for the garbage collector.
                self._over, self._run = True, None
            take, self._asking = self._asking, None
            if take is None and not self._closed:
                self._ready.append((said, last))
        if take is not None:
            take(said, last)
        return None if told is reply else told

    def pause(self) -> None:
        """Note that the run goes on only when it is told to."""
        with self._lock:
            self._paused = True
        self._go_on()

    def ask(self, take: Take[_Said]) -> bool:
        """Have the next reply taken, at once or when it is there; False when another one is being waited for."""
        with self._lock:
            if self._asking is not None:
                return False
            found = self._ready.popleft() if self._ready else None
            if found is None:
                self._asking = take
        if found is not None:
            take(*found)
        self._go_on()
        return True

    def close(self) -> None:
        """Abandon what has not been asked for. Safe to repeat."""
        with self._lock:
            self._closed = True
            self._ready.clear()
            self._asking = None
            run, self._run = self._run, None
        if run is not None:
            run.cancel()

    def _go_on(self) -> None:
        """Have more made when few are left."""
        with self._lock:
            run, left = self._run, len(self._ready)
            if run is None or not self._paused or self._closed or left > AHEAD // 2:
                return
            self._paused = False
        run.resume(AHEAD - left)


class Streaming(Kept):
    """The Sink of a call with one answer, or with a stream that goes on after it.

    A subclass opens the stream and tells the client of it.
    """

    __slots__ = ("_stream",)

    def __init__(self, method: str) -> None:
        """`attach` is to follow."""
        super().__init__(method)
        self._stream: Stream[Any] | None = None

    def attach(self, run: Run) -> None:
        """Take the run; the stream may have begun by now."""
        super().attach(run)
        # Looked at after the run was kept, as `_begin` does it the other way round: one of them sees both.
        if self._stream is not None:
            self._run = None
            self._stream.attach(run)

    def deliver(self, reply: Reply) -> Reply | None:
        """Answer with the first reply; hand on those that follow."""
        if self._stream is not None:
            return self._stream.deliver(reply)
        if self.over:
            return None
        if isinstance(reply, (Item, End)):
            return self._begin(reply)
        told = self._finish(reply)
        return None if told is reply else told

    def paused(self) -> None:
        """Wait until items are asked for."""
        if self._stream is not None:
            self._stream.pause()

    def open_stream(self) -> "Stream[Any] | None":
        """A new stream of this client; None when it has too many."""
        raise NotImplementedError

    def announce(self, stream: "Stream[Any]") -> None:
        """Answer that there is a stream."""
        raise NotImplementedError

    def _begin(self, first: Reply) -> Reply | None:
        stream = self.open_stream()
        if stream is None:
            return self._finish(Failure("busy", "TooManyStreams", "this client has too many streams open"))
        told = stream.deliver(first)
        self._stream = stream
        run, self._run = self._run, None
        if run is not None:
            stream.attach(run)
        self.announce(stream)
        return told
