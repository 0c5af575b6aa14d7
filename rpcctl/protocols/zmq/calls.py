"""One call that a server has received: takes its replies from the executor's threads and makes events of them there.

So what cannot be encoded becomes an error of that call, and the thread that owns the socket only moves bytes.
"""

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

from rpcctl.answers import too_large, unanswered, unwritable
from rpcctl.errors import LocalProtocolError
from rpcctl.interfaces import Run
from rpcctl.messages import Description, Item, Reply, Result

from . import codec, description
from .channel import ServerChannel

Envelope = Sequence[bytes]
"""The frames that lead back to a client."""


class Outlet(Protocol):
    """What a call needs of its server; callable from any thread."""

    max_message: int

    def new_id(self) -> str:
        """An id for an event."""

    def post(self, call: "Call", data: bytes | None) -> None:
        """Send an event, if there is one, and see to the call, whose state has changed."""


class Call(ServerChannel):
    """A Sink. Its flags are set by whoever runs the call and read by the thread that owns the socket."""

    __slots__ = ("_built_in", "_id", "_outlet", "_version", "dropped", "envelope", "method", "over", "paused_", "run")

    def __init__(self, outlet: Outlet, envelope: Envelope, key: Hashable, id: Any, version: Any, method: str) -> None:
        """`version` is that of the request; one below 2 comes from a client without heartbeats."""
        self.key = key
        self.credit = 0
        self.due = 0.0
        self.heard = None
        self.envelope = envelope
        self.method = method
        self.run: Run | None = None
        self.over = False
        """Whether the last reply was posted."""
        self.dropped = False
        """Whether the client is gone or the call failed: nothing is sent any more, and what runs is to be cancelled."""
        self.paused_ = False
        """Whether the call waits for credit."""
        self._outlet = outlet
        self._id = id
        self._version = version
        self._built_in: tuple[str, Any] | None = None

    @property
    def beats(self) -> bool:
        """Whether the client sends heartbeats and expects them."""
        return type(self._version) is not int or self._version >= 2

    def ask_built_in(self, name: str, args: Any) -> None:
        """Answer with what the built-in method of that name makes of the Description that the call results in."""
        self._built_in = name, args

    def signal(self, name: str, args: Any) -> bytes:
        """A heartbeat on this call's channel, as bytes."""
        return codec.pack_signal(name, args, self._outlet.new_id(), self._id)

    def deliver(self, reply: Reply) -> Reply | None:
        """Encode a reply and have it sent; one that cannot be encoded ends the call with an error, given back."""
        if self.over or self.dropped:
            return None
        told: Reply | None = None
        if self._built_in is not None and type(reply) is Result and isinstance(reply.value, Description):
            reply = description.answer(*self._built_in, reply.value)
        try:
            data = self._encode(reply)
        except LocalProtocolError as exc:
            what = "an item" if type(reply) is Item else "the result"
            reply = told = unwritable(self.method, exc, what)
            data = self._encode(reply)
            self.dropped = True
        self.over = type(reply) is not Item
        self._outlet.post(self, data)
        return told

    def paused(self) -> None:
        """Wait for credit."""
        self.paused_ = True
        self._outlet.post(self, None)

    def ended(self) -> None:
        """Answer a call that came to its end without an answer."""
        if not self.over and not self.dropped:
            self.deliver(unanswered(self.method))

    def _encode(self, reply: Reply) -> bytes:
        data = codec.pack_reply(reply, self._outlet.new_id(), self._id, self._version)
        if len(data) > self._outlet.max_message:
            raise LocalProtocolError(too_large(len(data), self._outlet.max_message))
        return data
