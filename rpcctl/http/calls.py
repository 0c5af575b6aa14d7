"""How protocols over HTTP run the calls in a body: on the executor, each answered whole. Knows no protocol, no socket.

A body comes in, and `done` takes the answer, from any thread. Nothing that a client sends raises.
"""

from collections.abc import Callable
from threading import Thread
from typing import Any

from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.messages import INSPECT, Encoding, Failure, Item, Reply, Request, Result

Done = Callable[[bytes], None]
"""Takes the answer, which is empty when nobody waits for one; called once."""
UNREADABLE = "(unreadable)"
"""What the log calls the method of a body in which none can be found."""
_SHOWN = 4096
"""Bytes of a message that a trace shows as text."""


class Exchange:
    """Takes bodies for one handler; a subclass reads them in `run`."""

    large = 64 * 1024
    """Bytes from which on a body is read on a thread of its own, not on the one that moves everybody's bytes."""

    def __init__(self, handler: Handler, executor: Executor, settings: Settings, encoding: Encoding) -> None:
        """Nothing runs yet."""
        self.handler = handler
        self.executor = executor
        self.settings = settings
        self.encoding = encoding

    def take(self, body: bytes, peer: str, done: Done) -> None:
        """Run what a client sent. Returns at once; with an executor that runs calls inline, when they are over."""
        if len(body) < self.large:
            self._take(body, peer, done)
        else:
            Thread(target=self._take, args=(body, peer, done), name="rpcctl-body", daemon=True).start()

    def describe(self, done: Callable[[Reply], None], peer: str = "") -> None:
        """Ask what there is; `done` takes the Result that holds a Description, or a Failure."""
        self.executor.submit(self.handler, Request(INSPECT, encoding=self.encoding, peer=peer), Told(done))

    def refuse(self, what: str, peer: str, why: str) -> None:
        """Tell the log of a request that never became a call."""
        self.executor.refuse(Request(what, encoding=self.encoding, peer=peer), why)

    def run(self, body: bytes, peer: str, done: Done) -> None:
        """Read a body and run its calls."""
        raise NotImplementedError

    def _take(self, body: bytes, peer: str, done: Done) -> None:
        if self.settings.trace is not None:
            self._note("<", body)
            self.run(body, peer, self._noting(done))
        else:
            self.run(body, peer, done)

    def _noting(self, done: Done) -> Done:
        def send(data: bytes) -> None:
            self._note(">", data)
            done(data)

        return send

    def _note(self, direction: str, data: bytes) -> None:
        assert self.settings.trace is not None
        self.settings.trace(direction, data[:_SHOWN].decode("utf-8", "replace"), data)


class Answer:
    """The Sink of one call on a wire without streams: makes a list of one, as far as lists may be long.

    A subclass writes the answer, on the thread that ran the call.
    """

    def __init__(self, method: str, settings: Settings, done: Done) -> None:
        """Nothing has come yet."""
        self.method = method
        self.max_message = settings.max_message
        self._max_items = settings.max_items
        self._done = done
        self._items: list[Any] = []
        self._over = False

    def deliver(self, reply: Reply) -> Reply | None:
        """Keep an item; answer with what ends the call, and say what the caller was told."""
        if self._over:
            return None
        if isinstance(reply, Item):
            if len(self._items) < self._max_items:
                self._items.append(reply.value)
                return None
            reply = too_many(self.method, self._max_items)
        data, told = self.write(reply if isinstance(reply, (Result, Failure)) else Result(self._items))
        self._over = True
        self._done(data)
        return told

    def write(self, reply: Result | Failure) -> tuple[bytes, Reply]:
        """The answer, and what it tells: a Failure for a result that the wire cannot carry."""
        raise NotImplementedError

    def paused(self) -> None:
        """Cannot be: it has no allowance."""

    def ended(self) -> None:
        """Answer a call that came to its end without an answer."""
        self.deliver(Failure("remote", "RuntimeError", f"{self.method} ended without an answer"))


class Told:
    """The Sink of a call with one reply that stays in this process."""

    def __init__(self, done: Callable[[Reply], None]) -> None:
        """`done` takes the reply."""
        self._done = done

    def deliver(self, reply: Reply) -> None:
        """Hand it over."""
        self._done(reply)

    def paused(self) -> None:
        """Cannot be: it has no allowance."""

    def ended(self) -> None:
        """The reply has been handed over."""


class Silence:
    """The Sink of one-way calls: nobody is told anything."""

    def deliver(self, reply: Reply) -> None:
        """Drop it."""

    def paused(self) -> None:
        """Cannot be: it has no allowance."""

    def ended(self) -> None:
        """Nobody waits."""


def too_many(method: str, limit: int) -> Failure:
    """What is said of a stream that is longer than the list that stands for it may be."""
    return Failure("remote", "OverflowError", f"{method} yields more than {limit} items (--max-items)")


def too_large(size: int, limit: int) -> str:
    """What is said of an answer that is longer than a message may be."""
    return f"the answer has {size} bytes, {limit} are allowed (--max-message)"


def unwritable(method: str, why: object) -> Failure:
    """What is said of a result that the wire cannot carry."""
    return Failure("remote", "TypeError", f"the result of {method} cannot be sent: {why}")
