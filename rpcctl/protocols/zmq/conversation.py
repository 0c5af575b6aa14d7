"""The calls that are under way over one client's socket: whoever waits for one takes in the messages of all.

The calling thread polls. While it is elsewhere in the midst of a stream, a thread of our own takes in messages and
sends heartbeats: the consumer of a stream may take its time. Both hold the one lock while they touch the socket.
"""

from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

import zmq

from rpcctl.address import Address
from rpcctl.errors import ConnectionLostError, RemoteProtocolError, RpcctlError
from rpcctl.interfaces import Settings
from rpcctl.messages import Deadline, Reply, repr_of

from . import codec
from .channel import NEVER, ClientChannel, Signal
from .sockets import NOBLOCK, SNDMORE, Link, milliseconds

_SWEEP = 1000
"""Messages taken in before another thread gets its turn, or the clock is looked at."""


class Conversation:
    """A link and its open channels. Raises our errors only."""

    def __init__(self, link: Link, at: Address, settings: Settings, new_id: Callable[[], str]) -> None:
        """The link is connected; from now on it is this object's."""
        self.link = link
        self._address = at
        self._most = settings.max_message
        self._trace = settings.trace
        self._period: float | None = settings.options.get("heartbeat", 5.0)
        self._new_id = new_id
        self._lock = Lock()
        self._channels: dict[str, ClientChannel] = {}
        self._closing = Event()
        self._keeper: Thread | None = None
        self._recv = link.socket.recv
        # The same method without the Python layer around it, which costs more than sending does.
        self._put = zmq.backend.Socket.send.__get__(link.socket)

    def open(self, method: str, data: bytes, channel_id: str, deadline: Deadline) -> ClientChannel | None:
        """Send a request whose id is `channel_id`; None when the server takes none before the deadline."""
        with self._lock, self._border():
            self._await_link(deadline)
            channel = ClientChannel(channel_id, method, self._period, monotonic())
            self._channels[channel_id] = channel
            return channel if self._send((b"", data), deadline) else None

    def end(self, channel_id: str) -> None:
        """Forget a call; what still comes for it is dropped."""
        self._channels.pop(channel_id, None)

    def cast(self, frames: tuple[bytes, ...], deadline: Deadline) -> bool:
        """Send a message that is not answered; False when the server takes none before the deadline."""
        with self._lock, self._border():
            self._await_link(deadline)
            return self._send(frames, deadline)

    def await_message(self, deadline: Deadline) -> bool:
        """Wait for any message at all, and drop it; False when none comes before the deadline."""
        with self._lock, self._border():
            if not self.link.socket.poll(milliseconds(deadline.remaining())):
                return False
            self._recv()
            return True

    def receive(self, channel: ClientChannel, until: Deadline) -> Reply | None:
        """The next reply of a call, or None when there is none until then. Raises what became of the call instead."""
        if until.expired():
            return None
        # What has arrived already needs neither the lock nor the socket, unless it is time for a grant.
        reply = None if channel.is_short() else channel.take()
        if reply is not None:
            return reply
        with self._lock, self._border():
            self._emit(channel, channel.grant())
            self._await_reply(channel, until)
        return channel.take()

    def await_any(self, channels: Sequence[ClientChannel], until: Deadline) -> None:
        """Take in messages until one of the calls has news, or the deadline has passed."""
        with self._lock, self._border():
            for channel in channels:
                self._emit(channel, channel.grant())
            self._drain()
            while not any(each.has_reply() or each.error is not None for each in channels):
                if self._closing.is_set():
                    raise self.closed_error()
                if until.expired():
                    return
                self._rest(until)
                self._drain()

    def keep_beating(self) -> None:
        """From now on send heartbeats also while nobody waits in `receive`."""
        if self._keeper is None and self._period is not None:
            self._keeper = Thread(target=self._beat_meanwhile, name="rpcctl-zmq-heartbeat", daemon=True)
            self._keeper.start()

    def close(self, linger: float) -> None:
        """Close the link, after `linger` seconds at most. If a thread waits in it, that one does so when it wakes."""
        self._closing.set()
        if self._lock.acquire(timeout=0.05):
            try:
                self.link.close(linger)
            finally:
                self._lock.release()

    def closed_error(self) -> RpcctlError:
        """What a call is told that waits while the client is closed."""
        return ConnectionLostError(f"{self._address}: the connection is closed")

    def _border(self) -> "_Border":
        return _Border(self)

    def _lost_error(self, why: str, hint: str = "it was not sent again") -> RpcctlError:
        return ConnectionLostError(f"{self._address} was lost: {why}; whether the call was run is unknown", hint=hint)

    def _broken_error(self) -> RpcctlError:
        # libzmq hangs up on a message that is too large for it, and does not say so.
        return self._lost_error(
            "the connection broke", "it was not sent again; a reply far larger than --max-message breaks it too"
        )

    def _silent_error(self, channel: ClientChannel) -> RpcctlError:
        why = f"no heartbeat for {channel.silence():.3g} s"
        if channel.was_heard():
            return self._lost_error(why)
        return self._lost_error(why, "--heartbeat off for a server that sends none")

    def _await_reply(self, channel: ClientChannel, until: Deadline) -> None:
        while not channel.has_reply():
            if channel.error is not None:
                raise channel.error
            if self._closing.is_set():
                raise self.closed_error()
            if until.expired():
                return
            if not self._take_message():
                self._rest(until)
        if not channel.ended:
            # More of a stream may be there; taking it in at once is cheaper than item by item.
            self._drain()

    def _await_link(self, deadline: Deadline) -> None:
        if self._closing.is_set():
            raise self.closed_error()
        self.link.look()
        if not self.link.is_up:
            self._fail_all(self._broken_error())
            self.link.await_server(deadline)

    def _send(self, frames: tuple[bytes, ...], deadline: Deadline) -> bool:
        while not self._put_all(frames):
            if deadline.expired():
                return False
            left = deadline.remaining()
            self.link.socket.poll(milliseconds(0.1 if left is None else min(left, 0.1)), zmq.POLLOUT)
        return True

    def _put_all(self, frames: tuple[bytes, ...]) -> bool:
        """Send the frames of a message; False when there is no room for it. Only the first frame is ever refused."""
        try:
            for frame in frames[:-1]:
                self._put(frame, SNDMORE | NOBLOCK)
            self._put(frames[-1], NOBLOCK)
        except zmq.Again:
            return False
        return True

    def _rest(self, until: Deadline) -> None:
        """Beat where it is due, and sleep until there is news."""
        now = monotonic()
        wake = self._tick(now)
        if until.at is not None:
            wake = min(wake, until.at)
        self.link.wait(None if wake == NEVER else wake - now)
        if not self.link.is_up:
            self._drain()
            self._fail_all(self._broken_error())

    def _drain(self) -> None:
        for _ in range(_SWEEP):
            if not self._take_message():
                return

    def _take_message(self) -> bool:
        """Take in one message, whosever it is; False when there is none."""
        try:
            # A frame knows whether another follows; asking the socket costs more than receiving it.
            frame = self._recv(NOBLOCK, False)
        except zmq.Again:
            return False
        while frame.more:
            frame = self._recv(0, False)
        data = frame.bytes
        try:
            self._route(data)
        except RemoteProtocolError as exc:
            self._fail_whose(codec.salvage_header(data), exc)
        return True

    def _route(self, data: bytes) -> None:
        if len(data) > self._most:
            raise RemoteProtocolError(
                f"{self._address} sent {len(data)} bytes, {self._most} are allowed", hint="a larger --max-message"
            )
        event = codec.unpack(data)
        header = event[0]
        if self._trace is not None:
            self._trace("<", f"{event[1]} {repr_of(event[2])} to {repr_of(header.get('response_to'))}", data)
        if "response_to" not in header:
            raise RemoteProtocolError(f"{self._address} sent an event that answers nothing: is it a zerorpc server?")
        channel = self._find(header)
        if channel is not None:
            self._emit(channel, channel.receive(event, monotonic, len(data)))
        elif self._trace is not None:
            self._trace("*", "it belongs to no call, or to one that is over: dropped", None)

    def _find(self, header: dict[Any, Any]) -> ClientChannel | None:
        """The call that an event is for; a server may give back text ids as bin."""
        to = codec.text(header.get("response_to"))
        return self._channels.get(to) if type(to) is str else None

    def _fail_whose(self, header: dict[Any, Any], error: RpcctlError) -> None:
        channel = self._find(header)
        if channel is not None:
            channel.error = error
        elif "response_to" not in header:
            self._fail_all(error)

    def _fail_all(self, error: RpcctlError) -> None:
        for channel in list(self._channels.values()):
            if not channel.ended:
                channel.error = channel.error or error

    def _emit(self, channel: ClientChannel, signal: Signal | None) -> None:
        if signal is None:
            return
        name, args = signal
        data = codec.pack_signal(name, args, self._new_id(), channel.id)
        if self._trace is not None:
            self._trace(">", f"{name} {list(args)!r} to {channel.id!r}", data)
        # A server that takes nothing in is lost by its own silence.
        self._put_all((b"", data))

    def _tick(self, now: float) -> float:
        """Beat where it is due; when to do so again."""
        wake = NEVER
        for channel in list(self._channels.values()):
            if channel.error is not None:
                continue
            self._emit(channel, channel.tick(now))
            if channel.is_lost(now):
                channel.error = self._silent_error(channel)
                wake = now  # Whoever waits for it is to be told at once.
            else:
                wake = min(wake, channel.next_tick())
        return wake

    def _beat_meanwhile(self) -> None:
        pause = min(0.25, (self._period or 1.0) / 4)
        while not self._closing.wait(pause):
            if not self._lock.acquire(blocking=False):
                continue
            try:
                if self._channels:
                    self._drain()
                    self._tick(monotonic())
            except zmq.ZMQError:
                return
            finally:
                self._lock.release()

    def _to_ours(self, exc: zmq.ZMQError) -> RpcctlError:
        if isinstance(exc, zmq.ContextTerminated) or self._closing.is_set():
            # The thread that closes the client waits for this.
            self.link.close()
            return self.closed_error()
        return self._lost_error(str(exc.strerror))


class _Border:
    """Turns ZeroMQ's errors into ours; a class, since a generator costs each item of a stream more."""

    __slots__ = ("_conversation",)

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> None:
        if isinstance(exc, zmq.ZMQError):
            raise self._conversation._to_ours(exc) from exc
