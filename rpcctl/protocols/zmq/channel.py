"""One call's conversation on a socket, both ends of it: ids, credit, heartbeats, loss. Pure: time is an argument.

Credit: each end may send one reply at first; a grant adds to it. A client grants in blocks, when it waits for more and
under half of a block is left, and never after the end is known: zerorpc 0.6.3's server hangs on a burst of grants.

Heartbeats, each period and on each channel: only they count as signs of life. zerorpc's server starts to listen at its
first beat and gives up when the last sign is over two periods old, thus after two to three. Our client too waits for a
first beat, for a method may block the whole of zerorpc's server, and gives up after three periods without another.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, TypeVar

from rpcctl.errors import RemoteProtocolError, RpcctlError
from rpcctl.messages import ENDS, Reply, Result

from .codec import BEAT, MORE, Event, read_reply

NEVER = float("inf")
SLOTS = 100
"""Items that a client lets a server send ahead, as many as zerorpc's."""
WIDE_SLOTS = 500
"""The same once a stream has proved long and its items small: then waiting for grants is what holds it up.

Half of what a ROUTER keeps for a slow reader before it drops messages in silence.
"""
_LONG = 1000
_SMALL = 4096
_PATIENCE = 3
"""Periods of silence after which a server is lost."""
_LEAD = 1.5
"""Periods after which a client beats by itself: a server that beats is echoed before that, and never beaten twice."""
_BEATS_AT_ONCE = 256
"""Channels whose clocks are looked at before requests get their turn again."""

Signal = tuple[str, Any]
"""Name and args of an event that is to be sent on a channel."""


class ClientChannel:
    """A call that was sent: takes events in, holds replies until they are asked for, says what is to be sent."""

    __slots__ = (
        "_alive",
        "_arrived",
        "_beat_sent",
        "_granted",
        "_heard",
        "_largest",
        "_method",
        "_period",
        "_replies",
        "_seen",
        "_silence",
        "_slots",
        "_streams",
        "_taken",
        "ended",
        "error",
        "id",
    )

    def __init__(self, id: str, method: str, period: float | None, now: float) -> None:
        """`period` is that of our own heartbeats in seconds; None neither sends any nor expects them.

        `now` is when the request leaves.
        """
        self.id = id
        self.ended = False
        """Whether the last reply has arrived."""
        self.error: RpcctlError | None = None
        """Why nothing will follow although the last reply has not arrived."""
        self._method = method
        self._period = period
        self._replies: deque[Reply] = deque()
        self._granted = 1
        self._slots = SLOTS
        self._arrived = 0
        self._largest = 0
        self._streams = False
        self._taken = False
        self._seen = 0
        self._alive = self._beat_sent = now
        self._heard: float | None = None
        self._silence = period or 0.0

    def receive(self, event: Event, now: Callable[[], float], size: int = 0) -> Signal | None:
        """Take an event of this channel; what is to be sent in answer. RemoteProtocolError when it breaks rules.

        `now` is asked for the time only if it matters; `size` is the event's in bytes.
        """
        name = event[1]
        if name == BEAT:
            return self._echo(now())
        if name == MORE or self.ended:
            return None
        reply = read_reply(event, self._method)
        if self._streams and isinstance(reply, Result):
            raise RemoteProtocolError("the server ended a stream with a plain result")
        self._streams = True
        self.ended = isinstance(reply, ENDS)
        self._replies.append(reply)
        self._arrived += 1
        if size > self._largest:
            self._largest = size
        return None

    def has_reply(self) -> bool:
        """Whether `take` has something to give."""
        return bool(self._replies)

    def take(self) -> Reply | None:
        """The oldest reply that was not taken yet, or None."""
        if not self._replies:
            return None
        self._granted -= 1
        self._taken = True
        return self._replies.popleft()

    def is_short(self) -> bool:
        """Whether it is time for a grant: never for the first reply, which needs none."""
        return self._granted < self._slots // 2 and self._taken and not self.ended

    def grant(self) -> Signal | None:
        """What lets the server go on; to be sent before waiting for the second reply and every later one."""
        if not self.is_short():
            return None
        if self._arrived >= _LONG:
            self._slots = WIDE_SLOTS if self._largest <= _SMALL else SLOTS
        more = self._slots - self._granted
        self._granted = self._slots
        return MORE, (more,)

    def tick(self, now: float) -> Signal | None:
        """A heartbeat, when it is time for one."""
        if self._arrived != self._seen:
            self._seen, self._alive = self._arrived, now
        if self._period is None or self.ended or now < self._beat_sent + self._period * _LEAD:
            return None
        self._beat_sent = now
        return BEAT, (0,)

    def is_lost(self, now: float) -> bool:
        """Whether no heartbeat came for three periods, of ours or the server's, whichever is longer.

        Before the first one it may be that a method blocks the whole of zerorpc's server: a plain call then waits for
        as long as its time limit says, and a stream until neither items nor heartbeats came for as long.
        """
        return self._period is not None and not self.ended and now > self._lost_at()

    def next_tick(self) -> float:
        """When to look at it again."""
        if self._period is None or self.ended:
            return NEVER
        return min(self._beat_sent + self._period * _LEAD, self._lost_at())

    def silence(self) -> float:
        """Seconds of silence after which the server is given up."""
        return self._silence * _PATIENCE

    def was_heard(self) -> bool:
        """Whether the server ever sent a heartbeat."""
        return self._heard is not None

    def _lost_at(self) -> float:
        if self._heard is not None:
            return self._heard + self.silence()
        return self._alive + self.silence() if self._streams else NEVER

    def _echo(self, now: float) -> Signal | None:
        if self._period is None:
            return None
        if self._heard is not None:
            self._silence = max(self._period, now - self._heard)
        self._heard = self._beat_sent = now
        return BEAT, (0,)


class ServerChannel:
    """A call that was received and is not over: how much may be sent, and when its client was heard last."""

    __slots__ = ("credit", "due", "heard", "key")

    def __init__(self, key: Hashable) -> None:
        """`key` is the client's identity and the id of its request."""
        self.key = key
        self.credit = 0
        """Replies that were granted and not passed on yet; the first one needs no grant."""
        self.due = NEVER
        self.heard: float | None = None

    def add_credit(self, args: Any) -> None:
        """Take a grant; what is no sensible number is ignored."""
        more = args[0] if type(args) is list and args else args
        if type(more) is int and 0 < more < 1 << 32:
            self.credit = min(self.credit + more, 1 << 32)

    def take_credit(self) -> int:
        """All the credit there is, as an allowance to go on with."""
        credit, self.credit = self.credit, 0
        return credit


C = TypeVar("C", bound=ServerChannel)


class Channels(Generic[C]):
    """The open channels of a server. All beat with one period, so the order of their clocks is that of their last turn.

    Ten thousand of them cost a call no more than ten do.
    """

    def __init__(self, period: float | None) -> None:
        """Seconds between heartbeats; None for none."""
        self._period = period
        self._beating: OrderedDict[Hashable, C] = OrderedDict()
        self._quiet: dict[Hashable, C] = {}

    def __len__(self) -> int:
        """How many are open."""
        return len(self._beating) + len(self._quiet)

    def __iter__(self) -> Iterator[C]:
        """All of them, as they are now."""
        return iter([*self._beating.values(), *self._quiet.values()])

    def find(self, key: Hashable) -> C | None:
        """The open channel of that key."""
        return self._beating.get(key) or self._quiet.get(key)

    def open(self, channel: C, now: float, beats: bool = True) -> None:
        """Keep a channel; without `beats` its client, of version 1, neither sends heartbeats nor expects them."""
        if self._period is None or not beats:
            self._quiet[channel.key] = channel
            return
        channel.due = now + self._period
        self._beating[channel.key] = channel

    def end(self, channel: C) -> None:
        """Forget a channel; again does no harm."""
        for table in (self._beating, self._quiet):
            if table.get(channel.key) is channel:
                del table[channel.key]

    def next_tick(self) -> float:
        """When `tick` has something to do."""
        for channel in self._beating.values():
            return channel.due
        return NEVER

    def tick(self, now: float, beat: Callable[[C], None], lose: Callable[[C], None]) -> None:
        """Beat on the channels whose time has come, and end those whose clients are lost; not all at once."""
        for _ in range(_BEATS_AT_ONCE):
            channel = next(iter(self._beating.values()), None)
            if channel is None or channel.due > now or self._period is None:
                return
            if channel.heard is None:
                channel.heard = now
            if now > channel.heard + 2 * self._period:
                self.end(channel)
                lose(channel)
                continue
            channel.due = now + self._period
            self._beating.move_to_end(channel.key)
            beat(channel)
