"""An open stream of a server: what a method has yielded, until the client asks for it.

A client asks for one item at a time. Some are made ahead, so that it does not wait for a change of threads each time.
"""

from collections import deque
from collections.abc import Callable
from secrets import token_hex
from threading import Lock

from rpcctl.interfaces import Run
from rpcctl.messages import Item, Reply

AHEAD = 16
"""Items made before they are asked for."""
_MOST = 64
"""Open streams of one client."""
Take = Callable[[Reply], None]
"""Takes the next reply."""


class Stream:
    """Replies from the executor's threads, which call `deliver` and `pause`, to whoever asks, on any thread."""

    def __init__(self, id: str) -> None:
        """Nothing has been yielded yet."""
        self.id = id
        self._lock = Lock()
        self._replies: deque[Reply] = deque()
        self._asking: Take | None = None
        self._run: Run | None = None
        self._paused = self._closed = False

    def attach(self, run: Run) -> None:
        """Take the run, to let it go on or to end it; the stream may have been closed by then."""
        with self._lock:
            self._run, closed = run, self._closed
        if closed:
            run.cancel()
        else:
            self._go_on()

    def deliver(self, reply: Reply) -> None:
        """Hand a reply to whoever waits for it, or keep it."""
        with self._lock:
            take, self._asking = self._asking, None
            if take is None:
                self._replies.append(reply)
        if take is not None:
            take(reply)

    def pause(self) -> None:
        """Note that the run goes on only when it is told to."""
        with self._lock:
            self._paused = True
        self._go_on()

    def ask(self, take: Take) -> bool:
        """Have the next reply taken, at once or when it is there; False when another one is being waited for."""
        reply = None
        with self._lock:
            if self._asking is not None:
                return False
            if self._replies:
                reply = self._replies.popleft()
            else:
                self._asking = take
        if reply is not None:
            take(reply)
        self._go_on()
        return True

    def close(self) -> None:
        """Abandon what has not been asked for. Safe to repeat."""
        with self._lock:
            self._closed = True
            self._replies.clear()
            self._asking = None
            run, self._run = self._run, None
        if run is not None:
            run.cancel()

    def _go_on(self) -> None:
        """Have more made when few are left."""
        with self._lock:
            run = self._run
            if run is None or not self._paused or self._closed or len(self._replies) > AHEAD // 2:
                return
            self._paused = False
        run.resume(AHEAD)


class Streams:
    """The open streams of a server, by id: a stock client may close one over another connection than its own."""

    def __init__(self) -> None:
        """None is open."""
        self._open: dict[str, tuple[Stream, set[str]]] = {}

    def open(self, own: set[str]) -> Stream | None:
        """A new stream, one more of a client's `own`; None when it has too many."""
        if len(own) >= _MOST:
            return None
        stream = Stream(token_hex(16))
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


def is_last(reply: Reply) -> bool:
    """Whether nothing follows it."""
    return not isinstance(reply, Item)
