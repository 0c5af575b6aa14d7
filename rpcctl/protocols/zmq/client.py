"""Calls the methods of a zerorpc server over ZeroMQ. What is said on a channel is `channel`'s to know, bytes `codec`'s.

The calling thread polls. While it is elsewhere in the midst of a stream, a thread of the client's own sends the
heartbeats: the consumer of a stream may take its time. Both hold the one lock while they touch the socket.
"""

import os
from collections.abc import Iterator
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

import zmq

from rpcctl.address import Address
from rpcctl.errors import (
    ArgumentError,
    ConnectError,
    ConnectionLostError,
    DeadlineError,
    LocalProtocolError,
    RemoteProtocolError,
    RpcctlError,
    TransportError,
    UsageError,
)
from rpcctl.interfaces import Settings
from rpcctl.messages import ENDS, INSPECT, PING, Deadline, Description, Failure, Reply, Request, Result

from . import codec, description
from .channel import ClientChannel, Signal
from .security import client_keys
from .sockets import NOBLOCK, RCVMORE, SNDMORE, Link, milliseconds, parse_endpoint, pattern_of

_PATTERNS = {"push": int(zmq.PUSH), "publish": int(zmq.XPUB)}
_LINGER = 30.0
"""Seconds for which `close` waits at most until one-way calls have left, when they have no time limit."""
_SWEEP = 1000
"""Messages taken in between two looks at the clock while nobody waits."""


class Client:
    """Calls the methods of one server. Usable from one thread at a time; `close` from any."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Read the keys, if there are any; touches no network."""
        options = settings.options
        self._address = address
        self._settings = settings
        self._trace = settings.trace
        self._period: float | None = options.get("heartbeat", 5.0)
        self._kind = pattern_of(options, _PATTERNS, int(zmq.DEALER))
        self._keys = client_keys(options)
        self._places = [address, *map(parse_endpoint, options.get("alternative") or ())]
        self._new_id = codec.message_ids(os.urandom(10).hex())
        self._channels: dict[str, ClientChannel] = {}
        self._lock = Lock()
        self._closing = Event()
        self._keeper: Thread | None = None
        self._context: zmq.Context[Any] | None = None
        self._link: Link | None = None
        self._linger = Deadline(0.0)
        self._subscribed = False

    def connect(self, deadline: Deadline) -> None:
        """Reach the server, or the first of the alternatives that can be reached; the error is the last one's."""
        if self._closing.is_set():
            raise self._closed_error()
        if self._link is not None:
            return
        self._context = self._context or zmq.Context()
        for place in self._places:
            link = Link(self._context, self._kind, place, self._settings, self._keys)
            try:
                link.await_server(deadline)
            except TransportError:
                link.close()
                if place is self._places[-1]:
                    raise
            except BaseException:
                link.close()
                raise
            else:
                self._adopt(link)
                return

    def send(self, request: Request) -> Iterator[Reply]:
        """Send on the first `next`; yield its replies. Several calls may be under way at once.

        A one-way call returns when it is handed to ZeroMQ over a connection that stands; `close` lets it leave. Raises
        ArgumentError for what MessagePack cannot carry, DeadlineError, and what `rpcctl.interfaces.Client.send` says.
        """
        if request.oneway:
            return self._cast(request)
        if self._kind != zmq.DEALER:
            raise UsageError("--push and --publish carry one-way calls only", hint="rpcctl cast")
        if request.method == INSPECT:
            return self._inspect(request)
        if request.method == PING:
            return self._ping(request)
        return self._call(request)

    def close(self) -> None:
        """Free the connection, once one-way calls have left; calls that wait raise ConnectionLostError."""
        self._closing.set()
        if self._lock.acquire(timeout=0.05):
            try:
                self._close_link()
            finally:
                self._lock.release()
        context, self._context = self._context, None
        if context is not None:
            # Wakes a thread that waits in a call, which then closes the link; returns when that is done.
            context.term()

    def _adopt(self, link: Link) -> None:
        self._link = link
        self._recv, self._more = link.socket.recv, link.socket.get
        # The same method without the Python layer around it, which costs more than sending does.
        self._put = zmq.backend.Socket.send.__get__(link.socket)

    def _call(self, request: Request) -> Iterator[Reply]:
        channel = self._begin(request)
        try:
            reply = self._receive(channel, request, request.deadline, "--timeout")
            yield reply
            while not isinstance(reply, ENDS):
                self._keep_beating()
                reply = self._receive(channel, request, Deadline.after(request.item_timeout), "--item-timeout")
                yield reply
        finally:
            self._channels.pop(channel.id, None)

    def _begin(self, request: Request) -> ClientChannel:
        channel = ClientChannel(self._new_id(), request.method, self._period, monotonic())
        data = self._pack(request, channel.id)
        with self._lock:
            try:
                self._await_link(request.deadline)
                self._channels[channel.id] = channel
                self._send(data, request)
            except zmq.ZMQError as exc:
                raise self._border_error(exc) from exc
        return channel

    def _pack(self, request: Request, id: str) -> bytes:
        try:
            data = codec.pack_request(request, id)
        except LocalProtocolError as exc:
            raise ArgumentError(f"{request.method}: {exc.message}") from exc
        if len(data) > self._settings.max_message:
            raise ArgumentError(
                f"{request.method}: the message has {len(data)} bytes, {self._settings.max_message} are allowed",
                hint="a larger --max-message, at both ends",
            )
        if self._trace is not None:
            self._trace(">", f"{request.method} {list(request.args)!r} id {id}", data)
        return data

    def _await_link(self, deadline: Deadline) -> None:
        if self._link is None or self._closing.is_set():
            raise self._closed_error()
        self._link.look()
        if not self._link.is_up:
            self._fail_all(self._lost_error("the connection broke"))
            self._link.await_server(deadline)

    def _send(self, data: bytes, request: Request) -> None:
        """Hand a message to the socket; waits while the server takes none, up to the request's deadline."""
        assert self._link is not None
        while True:
            try:
                if self._kind == zmq.DEALER:
                    self._put(b"", SNDMORE | NOBLOCK)
                self._put(data, NOBLOCK)
                return
            except zmq.Again:
                if request.deadline.expired():
                    raise self._deadline_error(request, "--timeout") from None
                left = request.deadline.remaining()
                self._link.socket.poll(milliseconds(0.1 if left is None else min(left, 0.1)), zmq.POLLOUT)

    def _receive(self, channel: ClientChannel, request: Request, until: Deadline, option: str) -> Reply:
        """The next reply, or the error of the call. `option` names the limit that `until` stands for."""
        if request.limit.at is not None and until.sooner(request.limit) == request.limit:
            until, option = request.limit, "--max-time"
        with self._lock:
            try:
                reply = None if until.expired() else self._await_reply(channel, until)
            except zmq.ZMQError as exc:
                raise self._border_error(exc) from exc
        if reply is None:
            raise self._deadline_error(request, option)
        return reply

    def _await_reply(self, channel: ClientChannel, until: Deadline) -> Reply | None:
        self._emit(channel, channel.grant())
        while True:
            reply = channel.take()
            if reply is not None:
                return reply
            if channel.error is not None:
                raise channel.error
            if self._link is None or self._closing.is_set():
                raise self._closed_error()
            if not self._take_message():
                self._rest(self._link, until)
            if until.expired() and not channel.has_reply():
                return None

    def _rest(self, link: Link, until: Deadline) -> None:
        """Beat where it is due, and sleep until there is news."""
        now = monotonic()
        wake = self._tick(now)
        if until.at is not None:
            wake = min(wake, until.at)
        link.wait(None if wake == float("inf") else wake - now)
        if not link.is_up:
            self._drain()
            self._fail_all(self._lost_error("the connection broke"))

    def _drain(self) -> None:
        for _ in range(_SWEEP):
            if not self._take_message():
                return

    def _take_message(self) -> bool:
        """Take in one message, whosever it is; False when there is none."""
        try:
            data = self._recv(NOBLOCK)
        except zmq.Again:
            return False
        while self._more(RCVMORE):
            data = self._recv()
        try:
            self._route(data)
        except RemoteProtocolError as exc:
            self._fail_whose(codec.salvage_header(data), exc)
        return True

    def _route(self, data: bytes) -> None:
        if len(data) > self._settings.max_message:
            raise RemoteProtocolError(
                f"{self._address} sent {len(data)} bytes, {self._settings.max_message} are allowed",
                hint="a larger --max-message",
            )
        event = codec.unpack(data)
        if self._trace is not None:
            self._trace("<", f"{event[1]} {event[2]!r} to {event[0].get('response_to')!r}", data)
        if "response_to" not in event[0]:
            raise RemoteProtocolError(f"{self._address} sent an event that answers nothing: is it a zerorpc server?")
        channel = self._find(event[0])
        if channel is not None:
            self._emit(channel, channel.receive(event, monotonic()))
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
        try:
            self._put(b"", SNDMORE | NOBLOCK)
            self._put(data, NOBLOCK)
        except zmq.Again:
            pass  # The server takes nothing in: it will be lost by its own silence.

    def _tick(self, now: float) -> float:
        """Beat where it is due; when to do so again."""
        wake = float("inf")
        for channel in list(self._channels.values()):
            self._emit(channel, channel.tick(now))
            if channel.is_lost(now):
                channel.error = self._lost_error(f"no heartbeat for {channel.silence():g} s")
            else:
                wake = min(wake, channel.next_tick())
        return wake

    def _keep_beating(self) -> None:
        if self._keeper is None and self._period is not None:
            self._keeper = Thread(target=self._beat_meanwhile, name="rpcctl-zmq-heartbeat", daemon=True)
            self._keeper.start()

    def _beat_meanwhile(self) -> None:
        """Take in messages and beat, whenever the thread that calls is elsewhere."""
        pause = min(0.25, (self._period or 1.0) / 4)
        while not self._closing.wait(pause):
            if not self._lock.acquire(blocking=False):
                continue
            try:
                if self._link is not None and self._channels:
                    self._drain()
                    self._tick(monotonic())
            except zmq.ZMQError:
                return
            finally:
                self._lock.release()

    def _cast(self, request: Request) -> Iterator[Reply]:
        # Pushers and publishers say nothing of one-way: theirs is the only way there is.
        data = self._pack(request._replace(oneway=self._kind == zmq.DEALER), self._new_id())
        with self._lock:
            try:
                self._await_link(request.deadline)
                if self._kind == zmq.XPUB:
                    self._await_subscriber(request.deadline)
                self._send(data, request)
            except zmq.ZMQError as exc:
                raise self._border_error(exc) from exc
        until = request.deadline if request.deadline.at is not None else Deadline.after(_LINGER)
        self._linger = max(self._linger, until, key=lambda deadline: deadline.at or 0.0)
        yield from ()

    def _await_subscriber(self, deadline: Deadline) -> None:
        """Wait until somebody subscribes: what is published before that goes nowhere."""
        assert self._link is not None
        if self._subscribed:
            return
        limit = Deadline.after(self._settings.connect_timeout).sooner(deadline)
        if not self._link.socket.poll(milliseconds(limit.remaining())):
            raise ConnectError(f"{self._address}: nobody subscribes there", hint="rpcctl serve --subscribe")
        self._recv()
        self._subscribed = True

    def _ping(self, request: Request) -> Iterator[Reply]:
        for reply in self._call(request._replace(method="_zerorpc_ping")):
            value = reply.value if isinstance(reply, Result) else None
            if isinstance(value, list) and len(value) == 2:
                yield Result(str(codec.text(value[1])))
            else:
                yield reply if isinstance(reply, Failure) else Result("")

    def _inspect(self, request: Request) -> Iterator[Reply]:
        value = self._ask(request, "_zerorpc_inspect")
        if isinstance(value, Failure):
            yield self._inspect_in_parts(request, value)
        else:
            yield Result(description.from_inspect(value))

    def _inspect_in_parts(self, request: Request, failure: Failure) -> Reply:
        """What can be had from servers whose inspect fails, as zerorpc's own does on Python 3.11 and later."""
        names = self._ask(request, "_zerorpc_list")
        if not isinstance(names, list):
            return failure
        name = self._ask(request, "_zerorpc_name")
        methods = [
            description.from_parts(
                each, self._ask(request, "_zerorpc_help", each), self._ask(request, "_zerorpc_args", each)
            )
            for each in map(codec.text, names)
            if isinstance(each, str)
        ]
        return Result(Description("" if isinstance(name, Failure) else str(codec.text(name)), tuple(methods)))

    def _ask(self, request: Request, method: str, *args: Any) -> Any:
        """The value of a plain call, or its Failure."""
        reply = next(self._call(request._replace(method=method, args=args)))
        return reply.value if isinstance(reply, Result) else reply

    def _close_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close(self._linger.remaining() or 0.0)

    def _border_error(self, exc: zmq.ZMQError) -> RpcctlError:
        if isinstance(exc, zmq.ContextTerminated):
            self._close_link()
            return self._closed_error()
        return self._lost_error(str(exc.strerror))

    def _closed_error(self) -> RpcctlError:
        return ConnectionLostError(f"{self._address}: the connection is closed")

    def _lost_error(self, why: str) -> RpcctlError:
        return ConnectionLostError(
            f"{self._address} was lost: {why}; whether the call was run is unknown", hint="it was not sent again"
        )

    def _deadline_error(self, request: Request, option: str) -> RpcctlError:
        what = {"--timeout": "no reply", "--item-timeout": "no further item"}.get(option, "not over")
        return DeadlineError(
            f"{request.method}: {what} within the time limit ({option})", hint=f"a longer {option}, or {option} off"
        )
