"""A server's side of one connection: the handshake, then one request after the other, as Pyro's clients make them.

Lives on the host's thread, but for `finish`, `open_stream` and what they need. A request that comes while another one
is under way waits for its turn; one-way calls do not hold up what follows.
"""

import hmac
from collections import deque
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Any, NamedTuple

from rpcctl.answers import SILENCE, Told
from rpcctl.errors import RemoteProtocolError
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.messages import INSPECT, NEVER, Failure, Reply, Request, Result, repr_of
from rpcctl.sockets.link import Link
from rpcctl.sockets.session import BUSY, IDLE, PARTIAL
from rpcctl.streams import AHEAD

from . import codec, faults
from .answers import NOBODY, Answer, Call
from .codec import Message, Messages
from .daemon import ask_daemon
from .description import DAEMON, META
from .encodings import BY_ID, JSON, Coding
from .encodings import Call as Asked
from .objects import ABOUT, RESERVED, Objects, run_batch
from .streams import Stream, Streams

BATCH = "<batch>"
_PONG = b"pong"
_LARGE = 256 * 1024
"""Bytes from which on a call is read on a thread of its own, not on the one that moves everybody's bytes."""
_LONGEST_GREETING = 64 * 1024
"""Bytes of a client's first message: whoever sends it may be a stranger still."""
_MOST_WAITING = 64
"""Requests of one client that wait for their turn, before no more are read."""
_NOTHING: Mapping[str, Any] = {}


class Shared(NamedTuple):
    """What all connections of a server have in common."""

    objects: Objects
    handler: Handler
    executor: Executor
    settings: Settings
    token: str
    """What clients have to show; empty for nothing."""
    streams: Streams
    is_draining: Callable[[], bool]


class Session:
    """One connection; it is the Outlet of its answers."""

    def __init__(self, link: Link, shared: Shared) -> None:
        """Wait for the client to introduce itself."""
        self.max_message = shared.settings.max_message
        self._link = link
        self._shared = shared
        self._messages = Messages(self.max_message, _LONGEST_GREETING)
        self._waiting: deque[Message] = deque()
        self._streams: set[str] = set()
        self._call_under_way: Call | None = None
        self._greeted = self._busy = self._reading_less = self._ended = False

    def receive(self, data: bytes) -> None:
        """Take the next bytes; RemoteProtocolError ends the connection."""
        try:
            self._waiting += self._messages.feed(data)
        except RemoteProtocolError as exc:
            if not self._greeted:
                self._refuse(exc.message, 0)
            raise
        self._advance()
        if len(self._waiting) > _MOST_WAITING and not self._reading_less:
            self._reading_less = True
            self._link.pause()

    def state(self) -> str:
        """BUSY while requests are under way or wait."""
        if self._busy or self._waiting:
            return BUSY
        return IDLE if self._greeted and not self._messages.is_partial else PARTIAL

    def end(self) -> None:
        """Abandon what runs."""
        self._ended = True
        self._waiting.clear()
        call, self._call_under_way = self._call_under_way, None
        if call is not None:
            call.cancel()
        for stream_id in list(self._streams):
            self._shared.streams.close(stream_id)

    # From any thread.

    def finish(self, data: bytes, shown: Any) -> None:
        """Send the answer to the request under way, and let the next one have its turn."""
        if self._shared.settings.trace is not None:
            self._shared.settings.trace(">", f"{shown!r}"[:4096], data)
        self._call_under_way = None
        self._busy = False
        self._link.write(data, at_once=True)
        # Whoever adds to those that wait looks at `_busy` after it has added; so it is looked here after it was set.
        if self._waiting:
            self._link.post(self._advance)

    def open_stream(self, answer: Answer) -> Stream | None:
        """A new stream of this client; None when it has too many."""
        stream = self._shared.streams.open(self._streams, answer)
        if stream is not None and self._ended:
            self._shared.streams.close(stream.id)
        return stream

    # On the host's thread.

    def _advance(self) -> None:
        while self._waiting and not self._busy and not self._ended:
            self._take(self._waiting.popleft())
        if self._reading_less and not self._waiting:
            self._reading_less = False
            self._link.resume()

    def _take(self, message: Message) -> None:
        if not self._greeted:
            self._greet(message)
        elif message.type == codec.INVOKE:
            self._invoke(message)
        elif message.type == codec.PING:
            self._link.write(codec.pack(message._replace(payload=_PONG, flags=0, annotations={})))
        else:
            raise RemoteProtocolError(f"a message of type {message.type} where a request should be")

    def _greet(self, message: Message) -> None:
        reason = self._find_objection(message)
        if reason:
            self._refuse(reason, message.sequence)
            raise RemoteProtocolError(reason)
        self._greeted = True

    def _find_objection(self, message: Message) -> str:
        """Why the client is not let in; empty when it is, and has been told so."""
        if message.type != codec.CONNECT:
            return f"a message of type {message.type} where the handshake of Pyro's protocol should be"
        coding = BY_ID.get(message.serializer)
        if coding is None:
            known = ", ".join(f"{each.id} ({each.name})" for each in BY_ID.values())
            return f"serializer {message.serializer} is not accepted; these are: {known}"
        try:
            asked = coding.load(message.payload)
        except RemoteProtocolError as exc:
            return f"the handshake cannot be read: {exc.message}"
        if not isinstance(asked, dict) or not isinstance(asked.get("object"), str):
            return "the handshake of Pyro's protocol names no object"
        if not self._is_known(asked.get("handshake")):
            return "the token is missing, or is not the right one"
        metadata = self._shared.objects.metadata(asked["object"])
        if metadata is None:
            return "unknown object"
        greeting = {"rpcctl": codec.VERSION, "name": self._shared.settings.name}
        payload = coding.dump({"handshake": greeting, "meta": metadata})
        self._link.write(codec.pack(message._replace(type=codec.CONNECT_OK, payload=payload, annotations={})))
        return ""

    def _is_known(self, shown: Any) -> bool:
        wanted = self._shared.token
        return not wanted or (isinstance(shown, str) and hmac.compare_digest(shown.encode(), wanted.encode()))

    def _refuse(self, reason: str, sequence: int) -> None:
        self._link.write(codec.pack(Message(codec.CONNECT_FAIL, JSON.id, JSON.dump(reason), sequence=sequence)))

    def _invoke(self, message: Message) -> None:
        coding = BY_ID.get(message.serializer)
        if coding is None:
            raise RemoteProtocolError(f"a request in serializer {message.serializer}, which is not read")
        if len(message.payload) < _LARGE:
            self._begin(message, coding, _read_call(message, coding))
            return
        self._busy = True

        def read() -> None:
            found = _read_call(message, coding)
            self._link.post(lambda: self._begin_late(message, coding, found))

        Thread(target=read, name="rpcctl-pyro", daemon=True).start()

    def _begin_late(self, message: Message, coding: Coding, call: Asked | RemoteProtocolError) -> None:
        if not self._ended:
            self._begin(message, coding, call)
            self._advance()

    def _begin(self, message: Message, coding: Coding, call: Asked | RemoteProtocolError) -> None:
        self._busy = not message.flags & codec.ONEWAY
        if isinstance(call, RemoteProtocolError):
            self._answer(message, coding, "").give(Failure("protocol", "ProtocolError", call.message))
            return
        if self._shared.settings.trace is not None:
            self._shared.settings.trace(
                "<", f"{call.object}.{call.method} {repr_of(call.args)} {repr_of(call.kwargs)}"[:4096], message.payload
            )
        self._dispatch(message, coding, call)

    def _dispatch(self, message: Message, coding: Coding, call: Asked) -> None:
        answer = self._answer(message, coding, call.method)
        if call.object == DAEMON:
            ask_daemon(self._shared.objects, self._shared.streams, answer, call)
            return
        if self._shared.is_draining():
            answer.give(Failure("busy", "ServerBusy", "the server is shutting down"))
        elif call.object == META:
            self._ask_about(answer, call)
        else:
            self._call(message, coding, call, answer)

    def _answer(self, message: Message, coding: Coding, method: str) -> Answer:
        return Answer(NOBODY if message.flags & codec.ONEWAY else self, message, coding, method)

    def _call(self, message: Message, coding: Coding, call: Asked, answer: Answer) -> None:
        objects = self._shared.objects
        prefix = objects.prefix_of(call.object)
        if prefix is None:
            answer.raise_(faults.exception("Pyro5.errors.DaemonError", "unknown object"))
            return
        oneway = bool(message.flags & codec.ONEWAY)
        # By position, which every call pays less for.
        request = Request(
            *(prefix + call.method, call.args, call.kwargs, oneway, False, NEVER, NEVER, None, coding.values),
            *(_NOTHING, self._link.peer),
        )
        if message.flags & codec.BATCH:
            self._run_batch(request._replace(method=BATCH, args=()), call.args, prefix, coding, answer)
            return
        wanted = call.method
        if wanted in _ACCESS:
            wanted = str(call.args[0] if call.args else wanted)
            request = request._replace(method=_access(objects, prefix, call), args=call.args[1:])
        if call.method in RESERVED or not request.method:
            answer.give(Failure("no_method", "AttributeError", wanted))
        elif oneway:
            self._shared.executor.submit(self._shared.handler, request, SILENCE)
        else:
            self._run_one(request, Call(self, answer, call.method))

    def _run_one(self, request: Request, sink: Call) -> None:
        self._call_under_way = sink
        sink.attach(self._shared.executor.submit(self._shared.handler, request, sink, AHEAD))

    def _run_batch(self, request: Request, calls: tuple[Any, ...], prefix: str, coding: Coding, answer: Answer) -> None:
        shared = self._shared
        most = shared.settings.options.get("max-batch") or 1000
        if len(calls) > most:
            answer.give(Failure("arguments", "ValueError", f"{len(calls)} calls, {most} are allowed (--max-batch)"))
            return

        def run(request: Request) -> Any:
            return run_batch(shared.handler, calls, request, prefix, coding, shared.settings.max_items)

        def give(reply: Result | Failure) -> Reply:
            return answer.give_own(reply.value, codec.BATCH) if isinstance(reply, Result) else answer.give(reply)

        sink = SILENCE if request.oneway else Told(give, BATCH)
        shared.executor.submit(run, request._replace(oneway=False), sink)

    def _ask_about(self, answer: Answer, call: Asked) -> None:
        tell = ABOUT.get(call.method)
        least, most = _COUNTS.get(call.method, (0, 0))
        if tell is None:
            answer.give(Failure("no_method", "AttributeError", call.method))
        elif not least <= len(call.args) <= most or call.kwargs or not all(isinstance(each, str) for each in call.args):
            answer.give(Failure("arguments", "TypeError", f"{call.method}() takes {most} text as its arguments"))
        else:
            objects = self._shared.objects
            request = Request(INSPECT, peer=self._link.peer)

            def give(reply: Result | Failure) -> Reply:
                known = isinstance(reply, Result)
                return answer.give_own(tell(objects, *call.args)) if known else answer.give(reply)

            self._shared.executor.submit(self._shared.handler, request, Told(give))


def _read_call(message: Message, coding: Coding) -> Asked | RemoteProtocolError:
    """The call that a message holds, or what is wrong with it."""
    if message.flags & codec.SERIALIZED:
        return RemoteProtocolError("arguments that stay serialized are not taken")
    try:
        return coding.load_call(message.payload)
    except RemoteProtocolError as exc:
        return exc


_ACCESS: Mapping[str, int] = {"__getattr__": 1, "__setattr__": 2}
"""What reads and writes attributes, and the number of arguments."""
_COUNTS = {"list": (0, 0), "signature": (1, 1), "doc": (1, 1), "describe": (0, 1)}


def _access(objects: Objects, prefix: str, call: Asked) -> str:
    """The method that stands for an attribute to be read or written; empty when there is no such attribute."""
    if len(call.args) != _ACCESS[call.method] or type(call.args[0]) is not str:
        return ""
    name = prefix + call.args[0]
    return name if objects.is_attribute(name) else ""
