"""What the parent and its worker processes say to each other, and the frames in which they say it.

    length of the rest, 8 bytes, most significant first | the message, pickled

Pickle would be a hole on any wire. Here both ends are this program, and the channel is a socket pair that the parent
makes and one child inherits: nobody else can write to it. What callers sent has been plain data since their wire's
decoder, and what methods return is made plain before it is sent. Knows no socket, process or thread.
"""

import pickle
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from rpcctl.messages import Reply, Request

if TYPE_CHECKING:
    from rpcctl.service.exposure import Selection

CREDIT = 32
"""Items of a stream that may be on their way to the parent or wait there; more are made when these were taken."""
GRANT = CREDIT // 2
"""Items after which the parent asks for as many more."""

_HEAD = 8


class Setup(NamedTuple):
    """What a child serves and how; the first message to it."""

    targets: tuple[str, ...]
    loading: Mapping[str, Any]
    """Keywords of `rpcctl.service.target.load`."""
    selection: "Selection"
    answering: Mapping[str, Any]
    """Keywords of `rpcctl.service.dispatch.Service`."""
    threads: int
    """How many calls a child steps at once."""
    path: tuple[str, ...]
    """The parent's module path."""
    folder: str | None
    """The current directory in which the parent was started; None when there was none."""


class Start(NamedTuple):
    """To a child: run a call."""

    number: int
    request: Request


class More(NamedTuple):
    """To a child: `GRANT` items of that call were taken."""

    number: int


class Cancel(NamedTuple):
    """To a child: abandon that call. It is answered like any other, with its end, when its method lets go."""

    number: int


class Ready(NamedTuple):
    """From a child: its targets are loaded."""


class Refused(NamedTuple):
    """From a child: its targets cannot be served, for reasons as in a TargetError."""

    message: str
    hint: str
    traceback: str


class Answer(NamedTuple):
    """From a child: a call's next reply, or none; `over` says that nothing follows and nothing of the call runs."""

    number: int
    reply: Reply | None
    over: bool


def pack(message: Setup | Start | More | Cancel | Ready | Refused | Answer) -> bytes:
    """The frame of a message; raises what pickle does when a value in it cannot be pickled."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(_HEAD, "big") + body


class Frames:
    """Bytes as they come to whole messages; keeps the unfinished rest."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Any]:
        """The messages that these bytes complete."""
        self._rest += data
        messages, begin = [], 0
        with memoryview(self._rest) as view:
            while begin + _HEAD <= len(view):
                end = begin + _HEAD + int.from_bytes(view[begin : begin + _HEAD], "big")
                if end > len(view):
                    break
                messages.append(pickle.loads(view[begin + _HEAD : end]))
                begin = end
        del self._rest[:begin]
        return messages
