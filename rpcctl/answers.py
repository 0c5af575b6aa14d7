"""How a server's calls are answered, whatever the wire: the Sinks that all protocols build on, and what they say.

What a subclass adds is how its wire says an answer. Knows no wire, no socket and no executor.
"""

from collections.abc import Callable, Iterator
from typing import Any

from rpcctl.interfaces import Run
from rpcctl.messages import INSPECT, End, Failure, Item, Reply, Result


class Kept:
    """The part of a Sink that is alike: the run, which may come later than its first reply, kept to be cancelled."""

    __slots__ = ("_dropped", "_run", "method", "over")

    def __init__(self, method: str) -> None:
        """Nothing runs yet."""
        self.method = method
        self.over = False
        """Whether it was answered."""
        self._dropped = False
        self._run: Run | None = None

    def attach(self, run: Run) -> None:
        """Take the run; the call may be over by now, or abandoned."""
        self._run = run
        if self._dropped:
            run.cancel()
        if self.over or self._dropped:
            # The run knows its sink: let go, or each call would wait for the garbage collector.
            self._run = None

    def cancel(self) -> None:
        """Abandon the call: nobody waits for an answer."""
        self._dropped = True
        run, self._run = self._run, None
        if run is not None:
            run.cancel()

    def deliver(self, reply: Reply) -> Reply | None:
        """Take the next reply; gives back what the caller was told in its place."""
        raise NotImplementedError

    def answer(self, reply: Result | Failure) -> Reply:
        """Say the answer, and give back what it tells: a Failure for a result that the wire cannot carry."""
        raise NotImplementedError

    def paused(self) -> None:
        """Cannot be, without an allowance."""

    def ended(self) -> None:
        """Answer a call that came to its end without an answer."""
        if not self.over and not self._dropped:
            self.deliver(unanswered(self.method))

    def _finish(self, reply: Result | Failure) -> Reply:
        told = self.answer(reply)
        # Only now: a call whose answer could not even be made is answered by `ended`.
        self.over = True
        self._run = None
        return told


class Answer(Kept):
    """The Sink of a call that is answered once: makes a list of a stream, as far as lists may be long."""

    __slots__ = ("_items", "_most")

    def __init__(self, method: str, max_items: int) -> None:
        """Nothing has come yet."""
        super().__init__(method)
        self._items: list[Any] = []
        self._most = max_items

    def deliver(self, reply: Reply) -> Reply | None:
        """Keep an item; answer with what ends the call."""
        if self.over:
            return None
        if isinstance(reply, (Result, Failure)):
            told = self._finish(reply)
            return None if told is reply else told
        if isinstance(reply, End):
            return self._finish(Result(self._items))
        if len(self._items) < self._most:
            self._items.append(reply.value)
            return None
        self._items.clear()
        return self._finish(too_many(self.method, self._most))


class Told(Answer):
    """The Sink of a call whose one reply is taken within this process, as of one for the Description."""

    __slots__ = ("_take",)

    def __init__(self, take: Callable[[Result | Failure], Reply | None], method: str = INSPECT) -> None:
        """`take` may give back what the caller was told."""
        super().__init__(method, 0)
        self._take = take

    def answer(self, reply: Result | Failure) -> Reply:
        """Hand it over."""
        told = self._take(reply)
        return reply if told is None else told


class Silence:
    """The Sink of one-way calls: nobody is told anything."""

    __slots__ = ()

    def deliver(self, reply: Reply) -> None:
        """Drop it."""

    def paused(self) -> None:
        """Cannot be: it has no allowance."""

    def ended(self) -> None:
        """Nobody waits."""


SILENCE = Silence()


def gather(replies: Iterator[Reply], method: str, max_items: int) -> Result | Failure:
    """All replies of a call as one, for calls within a call: a stream as the list of its items."""
    items: list[Any] = []
    for reply in replies:
        if not isinstance(reply, Item):
            return Result(items) if isinstance(reply, End) else reply
        if len(items) >= max_items:
            close = getattr(replies, "close", None)
            if close is not None:
                close()
            return too_many(method, max_items)
        items.append(reply.value)
    return unanswered(method)


def too_many(method: str, limit: int) -> Failure:
    """What is said of a stream that is longer than the list that stands for it may be."""
    return Failure("remote", "OverflowError", f"{method} yields more than {limit} items (--max-items)")


def too_large(size: int, limit: int) -> str:
    """What is said of an answer that is longer than a message may be."""
    return f"the answer has {size} bytes, {limit} are allowed (--max-message)"


def unwritable(method: str, why: object, what: str = "the result") -> Failure:
    """What is said of a result that the wire cannot carry."""
    return Failure("remote", "TypeError", f"{what} of {method} cannot be sent: {why}")


def unanswered(method: str) -> Failure:
    """What is said of a call that came to its end without a reply."""
    return Failure("remote", "RuntimeError", f"{method} ended without an answer")
