"""A client's connection to one server, from the handshake on: one request after the other, and its answer.

Knows neither Requests nor Replies; what a time limit or the end of the connection means, the client says.
"""

from collections.abc import Mapping
from typing import Any

from rpcctl.address import Address
from rpcctl.errors import (
    ArgumentError,
    AuthError,
    ConnectError,
    ConnectionLostError,
    LocalProtocolError,
    MethodNotFoundError,
    RemoteProtocolError,
    RpcctlError,
)
from rpcctl.interfaces import Settings
from rpcctl.messages import Deadline, Trace, repr_of
from rpcctl.sockets.wire import Wire, connect, too_late

from . import codec
from .codec import Message, Messages
from .description import DAEMON, Metadata, read_metadata
from .encodings import BY_ID, BY_NAME, MARSHAL, MSGPACK, SERPENT, Coding, marshalled_text
from .uri import spell

PING_BYTES = b"ping"
HELLO = "hello"
"""What is said in place of a token."""
_ENDED = "the connection ended in the handshake"
_NO_OBJECT = "unknown object"
_BUSY = "no free workers"


class UnreadableError(RemoteProtocolError):
    """The server hung up, or refused us, for the way in which we write values."""


class Conversation:
    """A connection that stands, for one object of a server, though others can be called over it."""

    def __init__(self, wire: Wire, at: Address, name: str, settings: Settings, coding: Coding) -> None:
        """Not usable before `shake_hands`."""
        self._at = at
        self.name = name
        """The object that was asked for."""
        self.coding = coding
        self.metadata = Metadata()
        """The names of that object."""
        self.greeting: Mapping[str, Any] = {}
        """What one of our servers tells of itself; empty for others."""
        self.wire = wire
        self._settings = settings
        self._flags = codec.COMPRESSED if settings.options.get("compress") else 0
        self._messages = Messages(settings.max_message)
        self._sequence = 0

    def shake_hands(self, token: str) -> None:
        """Introduce ourselves, and learn of the object; TimeoutError, or why the server will not have us."""
        data = self._pack(codec.CONNECT, self.coding.dump({"handshake": token or HELLO, "object": self.name}))
        if self._settings.trace is not None:
            shown = f"connect to {self.name}, {self.coding.name}"
            # However it is spelled there, the token is in the bytes.
            self._settings.trace(">", f"{shown}, token ***" if token else shown, None if token else data)
        try:
            self.wire.send(data)
            answer = self._receive()
        except TimeoutError:
            raise
        except OSError as exc:
            raise UnreadableError(f"{_ENDED}: {exc.strerror or exc}", hint=self._tls_hint()) from exc
        except ConnectionLostError as exc:
            raise UnreadableError(_ENDED, hint=self._tls_hint()) from exc
        if answer.type == codec.CONNECT_FAIL:
            raise self._refusal(_read_reason(answer), bool(token))
        if answer.type != codec.CONNECT_OK:
            raise RemoteProtocolError(f"a message of type {answer.type} in answer to the handshake")
        found = _coding_of(answer).load(answer.payload)
        found = found if isinstance(found, dict) else {}
        self.metadata = read_metadata(found.get("meta"))
        greeting = found.get("handshake")
        self.greeting = greeting if isinstance(greeting, dict) and "rpcctl" in greeting else {}

    def _refusal(self, reason: str, has_token: bool) -> RpcctlError:
        """What a server means that refuses a connection for that reason."""
        if _NO_OBJECT in reason:
            all_of_them = spell(self._at, DAEMON)
            return MethodNotFoundError(
                f"there is no object {self.name!r}", hint=f"rpcctl list {all_of_them} shows what there is"
            )
        if "serializer" in reason.lower():
            return UnreadableError(reason)
        if _BUSY in reason:
            return ConnectError(f"the server is busy: {reason}")
        if "protocol" in reason.lower():
            return RemoteProtocolError(f"the server refused the handshake: {reason}")
        hint = "another token" if has_token else "--token-file FILE"
        return AuthError(f"the server refused the connection: {reason}", hint=hint)

    def spell(self, name: str) -> Address:
        """The address of an object of this server."""
        return spell(self._at, name)

    def _tls_hint(self) -> str:
        """A server that speaks TLS hangs up on who does not, and PYRO: does not say which it is."""
        if self._at.transport != "tcp":
            return ""
        return f"{spell(self._at._replace(scheme='pyro+tls', transport='tls'), self.name)} if it is encrypted"

    def invoke(
        self, name: str, method: str, args: Any, kwargs: Mapping[str, Any] | None, deadline: Deadline, flags: int = 0
    ) -> Message | None:
        """Call an object's method and wait until the deadline for the answer, of which a one-way call has none.

        ArgumentError when it cannot be sent, TimeoutError, OSError or ConnectionLostError when there is no answer.
        """
        try:
            payload = self.coding.dump_call(name, method, args, kwargs)
            data = self._pack(codec.INVOKE, payload, flags)
        except LocalProtocolError as exc:
            raise ArgumentError(f"{method}: {exc.message}", hint="another --serializer may carry it") from exc
        if len(data) > self._settings.max_message:
            raise ArgumentError(
                f"{method}: {len(data)} bytes, {self._settings.max_message} are allowed", hint="a larger --max-message"
            )
        if self._settings.trace is not None:
            self._settings.trace(">", f"{name}.{method} {args!r} {kwargs or {}!r} {self.coding.name}", data)
        self.wire.deadline = deadline
        self.wire.send(data)
        if flags & codec.ONEWAY:
            return None
        return self._answer(codec.RESULT)

    def ask_daemon(self, method: str, *args: Any, deadline: Deadline) -> Any:
        """The result of a method of the server's own object; None when it fails."""
        answer = self.invoke(DAEMON, method, args, {}, deadline)
        return None if answer is None or answer.flags & codec.EXCEPTION else read_answer(answer, self._settings.trace)

    def ping(self, deadline: Deadline) -> None:
        """Have a sign of life."""
        self.wire.deadline = deadline
        self.wire.send(self._pack(codec.PING, PING_BYTES))
        self._answer(codec.PING)

    def _pack(self, kind: int, payload: bytes, flags: int = 0) -> bytes:
        self._sequence = codec.next_sequence(self._sequence)
        return codec.pack(Message(kind, self.coding.id, payload, flags | self._flags, self._sequence))

    def _answer(self, kind: int) -> Message:
        answer = self._receive()
        if answer.type != kind:
            raise RemoteProtocolError(f"a message of type {answer.type} instead of {kind} in answer")
        if answer.sequence != self._sequence:
            raise RemoteProtocolError(f"the answer to request {answer.sequence} instead of {self._sequence}")
        return answer

    def _receive(self) -> Message:
        while True:
            data = self.wire.receive(max(65536, min(self._messages.missing(), 1 << 20)))
            if not data:
                raise ConnectionLostError("the server closed the connection")
            found = self._messages.feed(data)
            if found and (len(found) > 1 or self._messages.is_partial):
                raise RemoteProtocolError("the server said more than was asked")
            if found:
                return found[0]


def read_answer(answer: Message, trace: Trace | None) -> Any:
    """The value in an answer, whatever became of the connection since; RemoteProtocolError when there is none."""
    value = _coding_of(answer).load(answer.payload)
    if trace is not None:
        trace("<", f"{'!' * bool(answer.flags & codec.EXCEPTION)}{repr_of(value)}"[:4096], answer.payload)
    return value


def _coding_of(answer: Message) -> Coding:
    coding = BY_ID.get(answer.serializer)
    if coding is None:
        raise RemoteProtocolError(f"the answer is in serializer {answer.serializer}, which is not read")
    return coding


def open_conversation(
    at: Address, name: str, shown: str, settings: Settings, deadline: Deadline, token: str = ""
) -> Conversation:
    """Connect to an object, within the connect timeout and the deadline; a TransportError or the like says why not.

    `shown` is what errors call the server.
    """
    wanted = settings.options.get("serializer")
    for coding in (BY_NAME[wanted],) if wanted else (MSGPACK, SERPENT):
        try:
            return _open(at, name, shown, settings, deadline, token, coding)
        except UnreadableError as exc:
            # A stock server without msgpack hangs up without a word.
            failed = exc
    raise RemoteProtocolError(
        f"{shown}: {failed.message}",
        hint=", or ".join(filter(None, ("another --serializer" if wanted else "", failed.hint))),
    ) from failed


def _open(
    at: Address, name: str, shown: str, settings: Settings, deadline: Deadline, token: str, coding: Coding
) -> Conversation:
    wire = connect(at, settings.connect_timeout, deadline, shown)
    try:
        if at.transport == "tls":
            _encrypt(wire, at, settings.options)
        conversation = Conversation(wire, at, name, settings, coding)
        conversation.shake_hands(token)
    except TimeoutError:
        wire.shut()
        raise too_late(shown, settings.connect_timeout, deadline) from None
    except UnreadableError:
        wire.shut()
        raise
    except RpcctlError as exc:
        wire.shut()
        if isinstance(exc, RemoteProtocolError):
            hint = exc.hint.replace("HOST:PORT", at.location()) if at.kind == "host" else ""
            raise RemoteProtocolError(f"{shown}: {exc.message}", hint=hint) from exc
        raise
    except BaseException:
        wire.shut()
        raise
    return conversation


def _encrypt(wire: Wire, at: Address, options: Mapping[str, Any]) -> None:
    from rpcctl.http.tls import client_context
    from rpcctl.http.wire import encrypt

    encrypt(wire, at, client_context(options, ()), "pyro+tcp")


def _read_reason(answer: Message) -> str:
    if answer.serializer == MARSHAL:
        return marshalled_text(answer.payload)
    coding = BY_ID.get(answer.serializer)
    if coding is None:
        return f"in serializer {answer.serializer}, which is not read"
    reason = coding.load(answer.payload)
    return reason if isinstance(reason, str) else repr_of(reason)
