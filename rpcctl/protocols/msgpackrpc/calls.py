"""A server's side of one connection: its messages to calls, and the answers of calls to bytes. Knows no socket.

Calls run in the executor, in any number up to a limit and in any order; each is answered when it is over, by the thread
that ran it. Who sends more than that many waits, as nothing more is read from it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rpcctl import answers
from rpcctl.answers import SILENCE, too_large, unwritable
from rpcctl.errors import LocalProtocolError, RemoteProtocolError
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.messages import INSPECT, NEVER, Description, Failure, Reply, Request, Result, repr_of
from rpcctl.sockets.looks import look_of
from rpcctl.sockets.session import BUSY, IDLE, PARTIAL

from . import INFO, codec, description

if TYPE_CHECKING:
    from rpcctl.sockets.link import Link

_ENCODING = INFO.encoding
_NOTHING: Mapping[str, Any] = {}
_MOST_OPEN = 1024
"""Calls under way on one connection."""


class Desk:
    """What all connections of a server share."""

    def __init__(self, handler: Handler, executor: Executor, settings: Settings) -> None:
        """Calls are run by these."""
        self.handler = handler
        self.submit = executor.submit
        self.max_message = settings.max_message
        self.max_items = settings.max_items
        self.trace = settings.trace
        self.old = bool(settings.options.get("msgpack-old"))
        self.ext_types = bool(settings.options.get("ext-types"))
        self.draining = False
        """Whether new calls are refused."""
        self._packers: list[codec.Packer] = []

    def encode(self, reply: Result | Failure, id: int, method: str) -> tuple[bytes, Reply]:
        """A response as bytes, and what it tells: why this one cannot be sent, if so. From any thread."""
        # A packer has a buffer of its own, so it is used again, by one thread at a time.
        try:
            packer = self._packers.pop()
        except IndexError:
            packer = codec.Packer(self.old)
        try:
            data = packer.reply(reply, id)
            if len(data) > self.max_message:
                # With its buffer, which has grown to that size.
                packer = codec.Packer(self.old)
                reply = unwritable(method, too_large(len(data), self.max_message))
                data = packer.reply(reply, id)
        except LocalProtocolError as exc:
            reply = unwritable(method, exc.message)
            data = packer.reply(reply, id)
        self._packers.append(packer)
        return data, reply


class Session:
    """One connection."""

    def __init__(self, desk: Desk, link: "Link") -> None:
        """Nothing has come yet."""
        self.desk = desk
        self.link = link
        self._peer = link.peer
        self._stream = codec.Stream(desk.max_message, desk.ext_types)
        self._calls: set[Answer] = set()
        self._full = False
        self._ended = False

    # On the host's thread.

    def receive(self, data: bytes) -> None:
        """Take the next bytes; RemoteProtocolError, after it was answered, when they are none of this protocol."""
        try:
            self._stream.feed(data)
            self._take_all()
        except RemoteProtocolError as exc:
            self._refuse(exc)
            raise self._explain(exc) from None

    def state(self) -> str:
        """Busy while a call runs, even if half of the next one has come."""
        if self._calls:
            return BUSY
        return PARTIAL if self._stream.is_partial() else IDLE

    def end(self) -> None:
        """Abandon what runs: nobody is there to hear of it."""
        self._ended = True
        for call in list(self._calls):
            call.cancel()
        self._calls.clear()

    def _take_all(self) -> None:
        while len(self._calls) < _MOST_OPEN:
            message = self._stream.take()
            if message is None:
                return
            self._take(message)
        self._full = True
        self.link.pause()

    def _take(self, message: codec.Message) -> None:
        if self.desk.trace is not None:
            self.desk.trace("<", repr_of(message), self._stream.last_bytes())
        if message[0] == codec.REQUEST:
            self._begin(*message)
        elif message[0] == codec.NOTIFICATION:
            self._run_oneway(*message)
        # A response to what we never asked is nobody's.

    def _begin(self, kind: int, number: int, method: str, args: list[Any]) -> None:
        call = Answer(self, number, method, args)
        self._calls.add(call)
        desk = self.desk
        if method.startswith("rpcctl.") or desk.draining:
            if desk.draining:
                call.deliver(Failure("busy", "ServerBusy", "the server is shutting down"))
                return
            if method == INSPECT:
                call.deliver(Failure("no_method", "NameError", method))
                return
            if method in description.BUILTINS:
                method, args = INSPECT, []
        request = Request(
            method, tuple(args), _NOTHING, False, False, NEVER, NEVER, None, _ENCODING, _NOTHING, self._peer
        )
        call.attach(desk.submit(desk.handler, request, call))

    def _run_oneway(self, kind: int, method: str, args: list[Any]) -> None:
        if self.desk.draining or method.startswith("rpcctl."):
            return
        request = Request(method, tuple(args), oneway=True, encoding=_ENCODING, peer=self._peer)
        self.desk.submit(self.desk.handler, request, SILENCE)

    def _go_on(self) -> None:
        if self._ended or not self._full:
            return
        self._full = False
        try:
            self._take_all()
        except RemoteProtocolError as exc:
            self._refuse(exc)
            self.link.close()
            return
        if not self._full:
            self.link.resume()

    def _refuse(self, exc: RemoteProtocolError) -> None:
        number = exc.id if isinstance(exc, codec.BadMessageError) else 0
        data, _ = self.desk.encode(Failure("protocol", "ProtocolError", exc.message), number, "")
        self._write(data)

    def _explain(self, exc: RemoteProtocolError) -> RemoteProtocolError:
        look = look_of(self._stream.next_bytes(), own="MessagePack-RPC")
        return RemoteProtocolError(f"looks like {look}, and not like MessagePack-RPC: closed") if look else exc

    # From any thread.

    def finish(self, call: "Answer", data: bytes) -> None:
        """Send the answer of a call, which is over."""
        self._calls.discard(call)
        if self._full and len(self._calls) < _MOST_OPEN // 2:
            self.link.post(self._go_on)
        if self.desk.trace is not None:
            self._write(data)
            return
        self.link.write(data, at_once=not self._calls)

    def _write(self, data: bytes) -> None:
        if self.desk.trace is not None:
            self.desk.trace(">", "a response", data)
        self.link.write(data, at_once=not self._calls)


class Answer(answers.Answer):
    """The Sink of one call: encodes on the thread that ran the call."""

    __slots__ = ("_args", "_id", "_session")

    def __init__(self, session: Session, id: int, method: str, args: list[Any]) -> None:
        """For the request of that id."""
        super().__init__(method, session.desk.max_items)
        self._session = session
        self._id = id
        self._args = args

    def answer(self, reply: Result | Failure) -> Reply:
        """Send it."""
        if type(reply) is Result and isinstance(reply.value, Description):
            reply = description.answer(self.method, self._args, reply.value)
        data, told = self._session.desk.encode(reply, self._id, self.method)
        self._session.finish(self, data)
        return told
