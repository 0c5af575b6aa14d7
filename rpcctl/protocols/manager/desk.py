"""What all connections of a manager's server share, and how their replies become bytes. Knows no socket."""

from typing import Any

from rpcctl.answers import unwritable
from rpcctl.errors import LocalProtocolError
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.messages import End, Failure, Item, Reply, Result

from . import codec, faults

_END = Failure("remote", "StopIteration", "")


class Desk:
    """What all connections of a server share."""

    def __init__(self, handler: Handler, executor: Executor, settings: Settings, key: bytes) -> None:
        """Calls are run by these."""
        self.handler = handler
        self.submit = executor.submit
        self.settings = settings
        self.key = key
        self.draining = False
        """Whether new calls are refused."""

    def encode(self, kind: str, value: Any, method: str) -> tuple[bytes, Failure | None]:
        """A reply as bytes, and what it tells when this one cannot be sent: why. From any thread."""
        limit = self.settings.max_message
        try:
            return codec.write((kind, value), limit), None
        except LocalProtocolError as exc:
            failure = unwritable(method, exc.message)
            return codec.write(faults.to_reply(failure), limit), failure

    def say(self, reply: Reply, method: str) -> tuple[bytes, Reply]:
        """A reply as bytes, and what it tells."""
        if isinstance(reply, (Result, Item)):
            data, failure = self.encode(codec.RETURN, reply.value, method)
            return data, failure or reply
        failed = _END if isinstance(reply, End) else reply
        return self.encode(*faults.to_reply(failed), method)[0], reply
