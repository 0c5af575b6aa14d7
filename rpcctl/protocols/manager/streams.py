"""What takes the replies of a server's calls: a result to answer with, items to be asked for, a list of them.

Every Sink here is called by the executor's threads, one at a time for one call. Knows no socket.
"""

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol

from rpcctl.interfaces import Run
from rpcctl.messages import Description, End, Failure, Item, Reply, Result

from . import codec, faults

_EXPOSED = ("__next__", "close")
_END = Failure("remote", "StopIteration", "")


class Outlet(Protocol):
    """What a sink needs of its connection."""

    def answer(self, kind: str, value: Any, method: str) -> None:
        """Answer what was asked last."""

    def keep(self, stream: "Stream") -> str | None:
        """An ident for a stream; None when there are too many."""

    def forget(self, ident: str) -> None:
        """A stream is over."""


class Sink:
    """The part that is alike: the run, which may be there later than its first reply."""

    def __init__(self) -> None:
        """It does not run yet."""
        self._run: Run | None = None
        self._cancelled = self._ended = False

    def attach(self, run: Run) -> None:
        """Take the run; cancel it when that was wished already."""
        self._run = run
        if self._cancelled:
            run.cancel()
        if self._ended:
            self._run = None

    def cancel(self) -> None:
        """Abandon the call."""
        self._cancelled = True
        if self._run is not None:
            self._run.cancel()

    def deliver(self, reply: Reply) -> None:
        """Take the next reply."""
        raise NotImplementedError

    def paused(self) -> None:
        """Wait until more is asked for."""

    def ended(self) -> None:
        """Nothing follows; let go of the run, which holds this."""
        self._ended = True
        self._run = None


class Asked(Sink):
    """Takes the Description that a server asks its own handler for."""

    def __init__(self, tell: Callable[[Description | None], None]) -> None:
        """`tell` is called once, with None when there is none to be had."""
        super().__init__()
        self._tell = tell
        self._told = False

    def deliver(self, reply: Reply) -> None:
        """Hand it on."""
        if not self._told:
            self._told = True
            found = reply.value if isinstance(reply, Result) else None
            self._tell(found if isinstance(found, Description) else None)

    def ended(self) -> None:
        """Tell of nothing, if nothing was told."""
        super().ended()
        self.deliver(End())


class Answer(Sink):
    """Answers a stock client's call; a stream as the list of its items, since few such clients know iterators."""

    def __init__(self, outlet: Outlet, method: str, max_items: int) -> None:
        """Nothing has come yet."""
        super().__init__()
        self._outlet = outlet
        self._method = method
        self._most = max_items
        self._items: list[Any] = []
        self._over = False

    def deliver(self, reply: Reply) -> None:
        """Keep an item, answer with anything else."""
        if isinstance(reply, Item):
            self._items.append(reply.value)
        elif isinstance(reply, Failure):
            self._answer(*faults.to_reply(reply))
        else:
            self._answer(codec.RETURN, reply.value if isinstance(reply, Result) else self._items)

    def paused(self) -> None:
        """More items came than a list may have."""
        why = f"{self._method} yields more than {self._most} items (--max-items)"
        self._answer(*faults.to_reply(Failure("remote", "OverflowError", why)))
        self.cancel()

    def ended(self) -> None:
        """Answer a call that came to its end without an answer."""
        super().ended()
        if self._over:
            return
        self._answer(*faults.to_reply(Failure("remote", "RuntimeError", f"{self._method} ended without an answer")))

    def _answer(self, kind: str, value: Any) -> None:
        if not self._over:
            self._over = True
            self._outlet.answer(kind, value, self._method)


class Stream(Sink):
    """Answers our own client's call: with its result, or with an iterator that is asked for item after item.

    Some items are made ahead; when half of them are gone the call goes on.
    """

    def __init__(self, outlet: Outlet, method: str, ahead: int) -> None:
        """Somebody waits, for the answer to the call itself."""
        super().__init__()
        self._outlet = outlet
        self._method = method
        self._ahead = ahead
        self._ident = ""
        self._replies: deque[Reply] = deque()
        self._waiting = self._calling = True
        self._is_paused = self._over = False
        self._lock = Lock()

    def deliver(self, reply: Reply) -> None:
        """Answer who waits, or keep it until it is asked for."""
        with self._lock:
            self._over = not isinstance(reply, Item)
            self._replies.append(reply)
            waiting, self._waiting = self._waiting, False
        if waiting:
            self._answer()

    def attach(self, run: Run) -> None:
        """Take the run, which may have paused already."""
        super().attach(run)
        self._go_on()

    def ask(self) -> None:
        """The client wants the next item."""
        with self._lock:
            self._waiting = not self._replies
            if self._waiting:
                return
        self._answer()

    def paused(self) -> None:
        """As many as may be made ahead are there."""
        with self._lock:
            self._is_paused = True
        self._go_on()

    def ended(self) -> None:
        """End a stream, or answer a call, that came to its end without saying so."""
        super().ended()
        if not self._over:
            self.deliver(Failure("remote", "RuntimeError", f"{self._method} ended without an answer"))

    def close(self) -> None:
        """The client wants no more."""
        self.cancel()

    def _answer(self) -> None:
        """Answer who waits with the next reply; of a call, with the iterator that its first item means."""
        if self._calling:
            self._calling = False
            self._answer_call(self._replies[0])
            return
        reply = self._replies.popleft()
        if not isinstance(reply, Item):
            self._outlet.forget(self._ident)
        self._go_on()
        self._send(reply)

    def _answer_call(self, first: Reply) -> None:
        if not isinstance(first, (Item, End)):
            self._send(first)
            return
        ident = self._outlet.keep(self)
        if ident is None:
            self._send(Failure("busy", "ServerBusy", "too many streams are open on this connection"))
            self.cancel()
            return
        self._ident = ident
        self._outlet.answer(codec.PROXY, (_EXPOSED, (codec.ITERATOR, None, ident)), self._method)

    def _go_on(self) -> None:
        """Have more items made, if the call has paused and half of them are gone."""
        with self._lock:
            ready = self._is_paused and len(self._replies) <= self._ahead // 2
            self._is_paused = self._is_paused and not ready
            room = self._ahead - len(self._replies)
        if ready and self._run is not None:
            self._run.resume(room)

    def _send(self, reply: Reply) -> None:
        if isinstance(reply, (Result, Item)):
            self._outlet.answer(codec.RETURN, reply.value, self._method)
        else:
            self._outlet.answer(*faults.to_reply(reply if isinstance(reply, Failure) else _END), self._method)
