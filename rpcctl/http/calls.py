"""How protocols over HTTP run the calls in a body: on the executor, each answered whole. Knows no protocol, no socket.

A body comes in, and `done` takes the answer, from any thread. Nothing that a client sends raises.
"""

from collections.abc import Callable
from threading import Thread

from rpcctl import answers
from rpcctl.answers import Told
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.messages import INSPECT, Encoding, Failure, Reply, Request, Result

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


class Answer(answers.Answer):
    """The Sink of one call. A subclass writes the answer, on the thread that ran the call."""

    def __init__(self, method: str, settings: Settings, done: Done) -> None:
        """`done` takes the answer, once."""
        super().__init__(method, settings.max_items)
        self.max_message = settings.max_message
        self._done = done

    def answer(self, reply: Result | Failure) -> Reply:
        """Send what was written."""
        data, told = self.write(reply)
        self._done(data)
        return told

    def write(self, reply: Result | Failure) -> tuple[bytes, Reply]:
        """The answer, and what it tells: a Failure for a result that the wire cannot carry."""
        raise NotImplementedError
