"""Calls the methods of a zerorpc server over ZeroMQ: calls, casts, and what a server says of itself."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import zmq

from rpcctl.address import Address
from rpcctl.errors import (
    ArgumentError,
    ConnectError,
    ConnectionLostError,
    LocalProtocolError,
    RpcctlError,
    TransportError,
    UsageError,
)
from rpcctl.interfaces import Preview, Settings
from rpcctl.limits import Limit, first_limit, next_limit
from rpcctl.messages import ENDS, INSPECT, PING, Deadline, Description, Failure, Reply, Request, Result

from . import codec, description
from .channel import ClientChannel
from .conversation import Conversation
from .security import client_keys
from .sockets import Link, parse_endpoint, pattern_of

if TYPE_CHECKING:
    from .pipeline import Pipeline

_PATTERNS = {"push": int(zmq.PUSH), "publish": int(zmq.XPUB)}
_LINGER = 30.0
"""Seconds for which `close` waits at most until one-way calls have left, when they have no time limit."""


class Client:
    """Calls the methods of one server. Usable from one thread at a time; `close` from any."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Read the keys, if there are any; touches no network."""
        options = settings.options
        self._address = address
        self._settings = settings
        self._kind = pattern_of(options, _PATTERNS, int(zmq.DEALER))
        self._keys = client_keys(options)
        self._places = [address, *map(parse_endpoint, options.get("alternative") or ())]
        self._new_id = codec.message_ids(os.urandom(10).hex())
        self._context: zmq.Context[Any] | None = None
        self._conversation: Conversation | None = None
        self._pipeline: Pipeline | None = None
        self._closed = False
        self._linger = Deadline(0.0)
        self._has_subscriber = False

    def connect(self, deadline: Deadline) -> None:
        """Reach the server, or the first of the alternatives that can be reached; the error is the last one's."""
        if self._closed:
            raise self._closed_error()
        if self._conversation is not None:
            return
        self._context = zmq.Context()
        try:
            link = self._connect_to_any(self._context, deadline)
        except BaseException:
            self._end_context()
            raise
        self._conversation = Conversation(link, self._address, self._settings, self._new_id)

    def send(self, request: Request) -> Iterator[Reply]:
        """Send on the first `next`; yield its replies. Several calls may be under way at once.

        A one-way call returns when it is handed to ZeroMQ over a connection that stands; `close` lets it leave. Raises
        ArgumentError for what MessagePack cannot carry, and what `rpcctl.interfaces.Client.send` says.
        """
        self._check_pattern(request)
        if request.oneway:
            return self._cast(request)
        if request.method == INSPECT:
            return self._inspect(request)
        if request.method == PING:
            return self._ping(request)
        return self._call(request)

    def start(self, request: Request) -> int:
        """Send a call and return at once; a number that stands for it."""
        conversation = self._current()
        self._check_pattern(request)
        limit = first_limit(request)
        channel = self._open(conversation, request, self._new_id(), limit)
        if self._pipeline is None:
            # A cold call should not pay for it.
            from .pipeline import Pipeline

            self._pipeline = Pipeline(conversation)
        return self._pipeline.start(request, channel, limit)

    def collect(self, deadline: Deadline) -> list[tuple[int, Reply]]:
        """The replies that have arrived of the calls that were started; waits for one until the deadline."""
        return self._pipeline.collect(deadline) if self._pipeline else []

    def abandon(self, call: int) -> None:
        """Take in nothing more of a call that was started."""
        if self._pipeline is not None:
            self._pipeline.abandon(call)

    def preview(self, request: Request) -> list[Preview]:
        """The frames of the request; with CURVE they would travel encrypted."""
        self._check_pattern(request)
        dealer = self._kind == zmq.DEALER
        data = self._pack(request._replace(oneway=request.oneway and dealer), self._new_id())
        shown = Preview(repr(list(codec.unpack(data))), data)
        return [Preview("an empty frame"), shown] if dealer else [shown]

    def close(self) -> None:
        """Free the connection, once one-way calls have left; calls that wait raise ConnectionLostError."""
        self._closed = True
        conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.close(self._linger.remaining() or 0.0)
        # Wakes a thread that waits in a call, which then closes the link; returns when that is done.
        self._end_context()

    def _end_context(self) -> None:
        context, self._context = self._context, None
        if context is not None:
            context.term()

    def _connect_to_any(self, context: "zmq.Context[Any]", deadline: Deadline) -> Link:
        for place in self._places[:-1]:
            try:
                return self._connect_to(context, place, deadline)
            except TransportError as exc:
                if self._settings.trace is not None:
                    self._settings.trace("*", f"given up, on to the next alternative: {exc.message}", None)
        return self._connect_to(context, self._places[-1], deadline)

    def _connect_to(self, context: "zmq.Context[Any]", place: Address, deadline: Deadline) -> Link:
        link = Link(context, self._kind, place, self._settings, self._keys)
        try:
            link.await_server(deadline)
        except zmq.ContextTerminated:
            link.close()
            raise self._closed_error() from None
        except BaseException:
            link.close()
            raise
        return link

    def _check_pattern(self, request: Request) -> None:
        if self._kind != zmq.DEALER and not request.oneway:
            raise UsageError("--push and --publish carry one-way calls only", hint="rpcctl cast")

    def _call(self, request: Request) -> Iterator[Reply]:
        conversation = self._current()
        channel_id = self._new_id()
        try:
            limit = first_limit(request)
            channel = self._open(conversation, request, channel_id, limit)
            reply = _receive(conversation, channel, request, limit)
            if not isinstance(reply, ENDS):
                conversation.keep_beating()
            yield reply
            # Without a limit between items it is the same for all of them.
            same = next_limit(request) if request.item_timeout is None else None
            while not isinstance(reply, ENDS):
                reply = _receive(conversation, channel, request, same or next_limit(request))
                yield reply
        finally:
            conversation.end(channel_id)

    def _open(self, conversation: Conversation, request: Request, channel_id: str, limit: Limit) -> ClientChannel:
        data = self._pack(request, channel_id)
        self._trace_request(request, channel_id, data)
        channel = conversation.open(request.method, data, channel_id, limit.deadline)
        if channel is None:
            conversation.end(channel_id)
            raise limit.error(request)
        return channel

    def _cast(self, request: Request) -> Iterator[Reply]:
        conversation = self._current()
        limit = first_limit(request)
        dealer = self._kind == zmq.DEALER
        # Pushers and publishers do not say one-way: theirs is the only way there is.
        message_id = self._new_id()
        data = self._pack(request._replace(oneway=dealer), message_id)
        self._trace_request(request, message_id, data)
        if self._kind == zmq.XPUB:
            self._await_subscriber(conversation, limit.deadline)
        if not conversation.cast((b"", data) if dealer else (data,), limit.deadline):
            raise limit.error(request)
        until = limit.deadline if limit.deadline.at is not None else Deadline.after(_LINGER)
        self._linger = max(self._linger, until, key=lambda deadline: deadline.at or 0.0)
        yield from ()

    def _await_subscriber(self, conversation: Conversation, limit: Deadline) -> None:
        """Wait until somebody subscribes: what is published before that goes nowhere."""
        if self._has_subscriber:
            return
        if not conversation.await_message(Deadline.after(self._settings.connect_timeout).sooner(limit)):
            raise ConnectError(f"{self._address}: nobody subscribes there", hint="rpcctl serve --subscribe")
        self._has_subscriber = True

    def _pack(self, request: Request, message_id: str) -> bytes:
        try:
            data = codec.pack_request(request, message_id)
        except LocalProtocolError as exc:
            raise ArgumentError(f"{request.method}: {exc.message}") from exc
        most = self._settings.max_message
        if len(data) > most:
            raise ArgumentError(
                f"{request.method}: the message has {len(data)} bytes, {most} are allowed",
                hint="a larger --max-message, at both ends",
            )
        return data

    def _trace_request(self, request: Request, message_id: str, data: bytes) -> None:
        if self._settings.trace is not None:
            self._settings.trace(">", f"{request.method} {list(request.args)!r} id {message_id}", data)

    def _ping(self, request: Request) -> Iterator[Reply]:
        value = self._ask(request, "_zerorpc_ping")
        if isinstance(value, Failure):
            yield value
        else:
            yield Result(str(codec.text(value[1])) if isinstance(value, list) and len(value) == 2 else "")

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

    def _current(self) -> Conversation:
        if self._conversation is None:
            raise self._closed_error()
        return self._conversation

    def _closed_error(self) -> RpcctlError:
        return ConnectionLostError(f"{self._address}: the connection is closed")


def _receive(conversation: Conversation, channel: ClientChannel, request: Request, limit: Limit) -> Reply:
    """The next reply, or the error of the call."""
    reply = conversation.receive(channel, limit.deadline)
    if reply is None:
        raise limit.error(request)
    return reply
