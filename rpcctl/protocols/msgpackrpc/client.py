"""Calls the methods of a MessagePack-RPC server: calls, notifications, batches, and what it says of itself."""

from collections.abc import Iterator, Sequence
from itertools import count

from rpcctl.address import Address
from rpcctl.errors import ArgumentError, ConnectionLostError, DeadlineError, LocalProtocolError, RpcctlError
from rpcctl.interfaces import Preview, Settings
from rpcctl.limits import Limit, first_limit
from rpcctl.messages import INSPECT, NEVER, PING, Deadline, Reply, Request, Result
from rpcctl.turn import Turn

from . import codec, description
from .conversation import Conversation
from .dialling import dial
from .started import Started

_PARTING = 1.0
"""Seconds for which `close` waits at most until one-way calls have arrived."""
_NOW = Deadline(0.0)
_WINDOW = 512
"""Calls of a batch that are under way at once: as many again may be half answered in a server's queues."""


class Client:
    """Calls the methods of one server. Usable from one thread at a time; `close` from any."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Touches no network."""
        self._address = address
        self._settings = settings
        self._packer = codec.Packer(bool(settings.options.get("msgpack-old")))
        self._ids = count(1)
        self._turn = Turn(address)
        self._started = Started()
        self._conversation: Conversation | None = None
        self._closed = False
        self._parting: Deadline | None = None
        """Until when to wait for a one-way call to arrive, when nothing was answered since."""

    def connect(self, deadline: Deadline) -> None:
        """Reach the server; a TransportError says why not, or DeadlineError."""
        if self._closed:
            raise self._closed_error()
        if self._conversation is None:
            wire = dial(self._address, self._settings.connect_timeout, deadline)
            self._conversation = Conversation(wire, self._address, self._settings)
            if self._closed:
                self._conversation.close()

    def send(self, request: Request) -> Iterator[Reply]:
        """Send on the first `next`; yield the reply, none for a one-way call.

        ArgumentError when the wire cannot carry it, ConnectionLostError, RemoteProtocolError or DeadlineError.
        """
        if request.method == INSPECT:
            yield self._inspect(request)
        elif request.method == PING:
            yield self._ping(request)
        elif request.oneway:
            self._cast(request)
        else:
            yield self._call(request)

    def send_batch(self, requests: Sequence[Request]) -> list[Reply | None]:
        """Send calls one after the other without waiting for answers in between; the replies in the same order."""
        limit = first_limit(requests[0])
        packed = [self._pack(each) for each in requests]
        with self._turn.within(limit.deadline):
            return self._send_packed(requests, packed, limit)

    def _send_packed(
        self, requests: Sequence[Request], packed: list[tuple[int | None, bytes]], limit: Limit
    ) -> list[Reply | None]:
        first = requests[0]
        conversation = self._current(limit)
        waiting: list[tuple[int, int]] = []
        replies: list[Reply | None] = [None] * len(requests)
        try:
            for index, (number, data) in enumerate(packed):
                if number is not None:
                    conversation.expect(number, requests[index].method)
                    waiting.append((index, number))
                self._write(conversation, first, data, limit)
                self._parting = limit.deadline if number is None else None
                if len(waiting) >= _WINDOW:
                    self._collect(conversation, first, waiting, replies, limit)
            self._collect(conversation, first, waiting, replies, limit)
        finally:
            for _, number in waiting:
                conversation.forget(number)
        return replies

    def start(self, request: Request) -> int:
        """Send a call, whose reply `collect` gives."""
        limit = first_limit(request)
        number, data = self._pack(request)
        assert number is not None
        with self._turn.within(limit.deadline):
            self._ask(self._current(limit), request, number, data, limit)
            self._started.add(number, request)
        return number

    def collect(self, deadline: Deadline) -> list[tuple[int, Reply]]:
        """The replies to calls that were started; if none has come, those that come first until the deadline."""
        try:
            with self._turn.within(deadline):
                return self._started.collect(self._conversation, deadline)
        except DeadlineError:
            return []  # Another thread's call takes its time.

    def abandon(self, call: int) -> None:
        """Drop the reply of a call that was started."""
        with self._turn.within(NEVER):
            self._started.remove(call)
            if self._conversation is not None:
                self._conversation.forget(call)

    def preview(self, request: Request) -> list[Preview]:
        """The request, or the notification of a one-way call."""
        number, data = self._encode(request)
        shown = [codec.NOTIFICATION] if number is None else [codec.REQUEST, number]
        return [Preview(repr([*shown, request.method, list(request.args)]), data)]

    def close(self) -> None:
        """Free the connection; a call that waits raises ConnectionLostError. Safe to repeat."""
        first, self._closed = not self._closed, True
        if self._conversation is not None:
            if first and self._parting is not None:
                self._part(self._conversation, Deadline.after(_PARTING).sooner(self._parting))
            self._conversation.close()

    def _call(self, request: Request) -> Reply:
        limit = first_limit(request)
        number, data = self._pack(request)
        assert number is not None
        with self._turn.within(limit.deadline):
            conversation = self._current(limit)
            try:
                self._ask(conversation, request, number, data, limit)
                reply = _await(conversation, request, number, limit)
                self._parting = None
                return reply
            finally:
                conversation.forget(number)

    def _ask(self, conversation: Conversation, request: Request, number: int, data: bytes, limit: Limit) -> None:
        conversation.expect(number, request.method)
        try:
            self._write(conversation, request, data, limit)
        except BaseException:
            conversation.forget(number)
            raise

    def _cast(self, request: Request) -> None:
        limit = first_limit(request)
        _, data = self._pack(request)
        with self._turn.within(limit.deadline):
            self._write(self._current(limit), request, data, limit)
            self._parting = limit.deadline

    def _part(self, conversation: Conversation, limit: Deadline) -> None:
        """Make a round trip: Neovim forgets the notifications that it has not begun when their connection ends."""
        number, data = self._pack(Request(description.PING))
        assert number is not None
        conversation.expect(number, description.PING)
        try:
            # Whoever has the turn waits for a reply, and is to be told at once that there will be none.
            with self._turn.within(_NOW):
                if conversation.write(data, limit):
                    conversation.receive(number, limit)
        except RpcctlError:
            pass  # Nobody was promised that the server is there.

    def _collect(
        self,
        conversation: Conversation,
        request: Request,
        waiting: list[tuple[int, int]],
        replies: list[Reply | None],
        limit: Limit,
    ) -> None:
        for index, number in waiting:
            replies[index] = _await(conversation, request, number, limit)
        waiting.clear()

    def _write(self, conversation: Conversation, request: Request, data: bytes, limit: Limit) -> None:
        if not conversation.write(data, limit.deadline):
            raise limit.error(request)

    def _pack(self, request: Request) -> tuple[int | None, bytes]:
        """Id and bytes of a message that is about to be sent; a one-way call has no id."""
        number, data = self._encode(request)
        if self._settings.trace is not None:
            told = "one way" if number is None else f"id {number}"
            self._settings.trace(">", f"{request.method} {list(request.args)!r} {told}", data)
        return number, data

    def _encode(self, request: Request) -> tuple[int | None, bytes]:
        number = None if request.oneway else next(self._ids) % codec.IDS
        try:
            data = self._packer.notification(request) if number is None else self._packer.request(request, number)
        except LocalProtocolError as exc:
            raise ArgumentError(f"{request.method}: {exc.message}") from exc
        most = self._settings.max_message
        if len(data) > most:
            raise ArgumentError(
                f"{request.method}: the message has {len(data)} bytes, {most} are allowed",
                hint="a larger --max-message, at both ends",
            )
        return number, data

    def _ping(self, request: Request) -> Reply:
        """Any answer is a sign of life; our own servers answer with their name."""
        reply = self._call(request._replace(method=description.PING, args=()))
        return Result(reply.value if isinstance(reply, Result) and isinstance(reply.value, str) else "")

    def _inspect(self, request: Request) -> Reply:
        reply = self._call(request._replace(method=description.DESCRIBE, args=()))
        found = description.from_map(reply.value) if isinstance(reply, Result) else None
        if found is None:
            metadata = self._call(request._replace(method=description.NEOVIM, args=()))
            found = description.from_neovim(metadata.value) if isinstance(metadata, Result) else None
        return Result(found) if found is not None else reply

    def _current(self, limit: Limit) -> Conversation:
        """The connection, or a new one in place of one that the server has closed in the meantime."""
        if self._conversation is not None and self._conversation.is_over() and not self._closed:
            self._conversation.close()
            self._conversation = None
            self._started.lose(ConnectionLostError(f"{self._address}: the connection was lost; the call may have run"))
            self.connect(limit.deadline)
        if self._conversation is None or self._closed:
            raise self._closed_error()
        return self._conversation

    def _closed_error(self) -> RpcctlError:
        return ConnectionLostError(f"{self._address}: the connection is closed")


def _await(conversation: Conversation, request: Request, number: int, limit: Limit) -> Reply:
    reply = conversation.receive(number, limit.deadline)
    if reply is None:
        raise limit.error(request)
    return reply
