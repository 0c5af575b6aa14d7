"""One request that a server has taken: gathers its replies on the executor's threads and makes a message of them there.

So what cannot be encoded becomes an error of that call, and the thread that owns the connection only moves bytes.
"""

from typing import Any, Protocol

from rpcctl.errors import LocalProtocolError
from rpcctl.interfaces import Run
from rpcctl.messages import Description, End, Failure, Item, Reply, Result

from .codec import Call
from .description import to_plain
from .dialects import Dialect
from .message import Message


class Outlet(Protocol):
    """What a request needs of its server; `post` is called from any thread."""

    dialect: Dialect
    max_message: int
    max_items: int

    def new_id(self) -> str:
        """An id for a message."""

    def post(self, taken: "Taken") -> None:
        """See to it: its reply is there, or it has ended."""


class Taken:
    """A Sink. `generation` is that of the connection it came over: its tag means nothing to another one."""

    __slots__ = ("_items", "_outlet", "_run", "call", "ended_", "generation", "message", "over", "tag", "tries")

    def __init__(self, outlet: Outlet, call: Call, tag: Any, generation: int) -> None:
        """Nothing has come back yet."""
        self.call = call
        self.tag = tag
        self.generation = generation
        self.message: Message | None = None
        """The reply, once there is one."""
        self.over = False
        """Whether nothing more is to be told to the caller."""
        self.ended_ = False
        """Whether the executor is done with it."""
        self.tries = 0
        """How often the reply was published."""
        self._outlet = outlet
        self._items: list[Any] = []
        self._run: Run | None = None

    def attach(self, run: Run) -> None:
        """Take the run, to cancel it when its stream is too long; that may have happened already."""
        self._run = run
        if self.over and not self.ended_:
            run.cancel()

    def deliver(self, reply: Reply) -> None:
        """Keep an item; encode what ends the call."""
        if isinstance(reply, Item):
            self._items.append(reply.value)
            return
        if self.over:
            return
        if isinstance(reply, End):
            reply = Result(self._items)
        elif isinstance(reply, Result) and isinstance(reply.value, Description):
            reply = Result(to_plain(reply.value))
        if self.call.reply_to:
            self.message = self._encode(reply)
        self.over = True

    def paused(self) -> None:
        """More items came than a list may have."""
        self._items.clear()
        most = self._outlet.max_items
        self.deliver(Failure("remote", "OverflowError", f"the stream has more than {most} items (--max-items)"))
        if self._run is not None:
            self._run.cancel()

    def ended(self) -> None:
        """Answer a call that came to its end without an answer, and have it seen to."""
        if not self.over:
            self.deliver(Failure("remote", "RuntimeError", f"{self.call.method} ended without an answer"))
        self.ended_ = True
        self._run = None
        self._outlet.post(self)

    def beat(self) -> Message:
        """A sign of life for who waits."""
        return self._outlet.dialect.reply(self.call, None, self._outlet.new_id())

    def _encode(self, reply: Reply) -> Message:
        try:
            return self._fit(self._outlet.dialect.reply(self.call, reply, self._outlet.new_id()))
        except (TypeError, ValueError, RecursionError, LocalProtocolError) as exc:
            why = f"the result of {self.call.method} cannot be sent: {exc}"
            return self._outlet.dialect.reply(self.call, Failure("remote", "TypeError", why), self._outlet.new_id())

    def _fit(self, message: Message) -> Message:
        size, most = len(message.body), self._outlet.max_message
        if size > most:
            raise LocalProtocolError(f"{size} bytes, {most} are allowed (--max-message)")
        return message
