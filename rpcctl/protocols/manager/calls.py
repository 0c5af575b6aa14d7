"""A server's side of one connection: the handshake, then requests in and replies out, one after the other.

A connection is of administration until `accept_connection`: one request, and it is closed. After that it is a session,
whose requests are calls. What runs a call answers it, on the executor's thread.
"""

import os
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

from rpcctl.answers import Kept, Told
from rpcctl.errors import AuthError, RemoteProtocolError
from rpcctl.messages import INSPECT, PING, Description, Failure, Reply, Request, Result
from rpcctl.sockets.looks import look_of
from rpcctl.sockets.session import BUSY, IDLE, PARTIAL
from rpcctl.streams import AHEAD

from . import INFO, codec, description, faults, handshake
from .codec import OWN_IDENT, RETURN, Call
from .desk import Desk
from .streams import Answer, Stream
from .streams import Call as Served

if TYPE_CHECKING:
    from rpcctl.sockets.link import Link

_ENCODING = INFO.encoding
_LARGE = 256 * 1024
"""Bytes from which on a request is read on a thread of its own, not on the one that moves everybody's bytes."""
_MOST_STREAMS = 64
"""Streams open on one connection."""
_EXPOSED = ("__next__", "close")
_PERMANENT = ("incref", "decref")
_TEXTS = ("__str__", "__repr__")


class Session:
    """One connection."""

    def __init__(self, desk: Desk, link: "Link") -> None:
        """Speak first, as managers do."""
        self.desk = desk
        self.link = link
        self.is_ours = False
        """Whether the client is rpcctl's own: it iterates over streams, others get a list."""
        self._shaking: handshake.ServerHandshake | None = handshake.ServerHandshake(desk.key, os.urandom)
        self._frames = codec.Frames(handshake.LONGEST)
        self._in_session = self._ended = self._paused = False
        self._busy = False
        self._begun = False
        self._call_under_way: Kept | None = None
        self._streams: dict[str, Stream] = {}
        self._named = 0
        link.write(codec.frame(self._shaking.first), at_once=True)

    # On the host's thread.

    def receive(self, data: bytes) -> None:
        """Take the next bytes; AuthError or RemoteProtocolError when they end the connection."""
        if not self._begun:
            self._check_look(data)
        self._frames.feed(data)
        self._take()

    def state(self) -> str:
        """Busy while a call runs, even if the next one has come."""
        if self._busy:
            return BUSY
        return IDLE if self._in_session and not self._frames else PARTIAL

    def end(self) -> None:
        """Abandon what runs: nobody is there to hear of it."""
        self._ended = True
        if self._call_under_way is not None:
            self._call_under_way.cancel()
        for stream in list(self._streams.values()):
            stream.close()
        self._streams.clear()

    def _check_look(self, data: bytes) -> None:
        self._begun = True
        look = look_of(data)
        if look:
            raise RemoteProtocolError(f"it looks like {look}, and not like a manager's client")

    def _take(self) -> None:
        """Go on with the frames that are whole, until one is a call that has to run."""
        while not self._busy and not self._ended and (found := self._frames.next()) is not None:
            if self._shaking is not None:
                self._shake_hands(self._shaking, found)
            else:
                self._read(found)
        self._throttle()

    def _throttle(self) -> None:
        """Read no more from a client that sends calls ahead of their answers."""
        much = self._busy and len(self._frames) > _LARGE
        if much and not self._paused:
            self.link.pause()
        elif self._paused and not much:
            self.link.resume()
        self._paused = much

    def _shake_hands(self, shaking: handshake.ServerHandshake, found: bytes) -> None:
        try:
            for answer in shaking.receive(found):
                self.link.write(codec.frame(answer), at_once=True)
        except AuthError:
            self.link.write(codec.frame(handshake.FAILURE))
            raise
        if shaking.done:
            self._shaking = None
            self._frames.limit = self.desk.settings.max_message

    def _read(self, found: bytes) -> None:
        if len(found) < _LARGE:
            self._run_frame(found)
            return
        self._busy = True
        Thread(target=self._run_frame, args=(found,), name="rpcctl-manager", daemon=True).start()

    # On the host's thread, or for a large request on its own.

    def _run_frame(self, found: bytes) -> None:
        self._busy = True
        try:
            call = codec.read_call(found)
        except RemoteProtocolError as exc:
            self.answer(*faults.refusal(exc.message), "the request")
            return
        if self.desk.settings.trace is not None:
            self.desk.settings.trace("<", f"{call.method} {list(call.args)!r} of {call.ident}", found)
        if self._in_session:
            self._serve(call)
        else:
            self._administer(call)

    def _administer(self, call: Call) -> None:
        method = call.method
        if method == "accept_connection":
            self.is_ours = call.args == (OWN_IDENT,)
            self._in_session = True
            self.answer(RETURN, {OWN_IDENT: 1} if self.is_ours else None, method)
        elif method in ("create", "get_methods") and call.args and type(call.args[0]) is str:
            self._describe(call)
        elif method == "dummy":
            self.answer(RETURN, None, method)
        elif method in _PERMANENT:
            ident = call.args[0] if call.args and type(call.args[0]) is str else ""
            known = description.prefix_of(ident) is not None
            kind, value = (RETURN, None) if known else faults.no_object(ident)
            self.answer(kind, value, method)
        elif method == "number_of_objects":
            self.answer(RETURN, 1, method)
        else:
            self.answer(*faults.refusal(f"{method!r} is not offered to clients"), method)

    def _describe(self, call: Call) -> None:
        """Answer with the methods of an object, for `create` with its ident before them."""
        wanted = call.args[0]

        def tell(found: Description) -> None:
            is_ident = call.method == "get_methods"
            ident = wanted if is_ident else description.find_object(wanted, found)
            if ident is None or description.prefix_of(ident) is None:
                self.answer(*faults.no_object(wanted), call.method)
                return
            exposed = description.exposed_by(ident, found)
            self.answer(RETURN, exposed if is_ident else (ident, exposed), call.method)

        self._ask(tell, call.method)

    def _ask(self, tell: Callable[[Description], None], method: str) -> None:
        """Have the Description told, with which `tell` answers."""

        def take(reply: Result | Failure) -> None:
            if isinstance(reply, Result):
                tell(reply.value)
            else:
                self.answer(*faults.refusal("the server is busy"), method)

        self._submit(Request(INSPECT, encoding=_ENCODING, peer=self.link.peer), Told(take), None)

    def _serve(self, call: Call) -> None:
        stream = self._streams.get(call.ident or "")
        if stream is not None:
            self._step(stream, call)
            return
        prefix = description.prefix_of(call.ident)
        if prefix is None:
            self.answer(*faults.no_object(call.ident), call.method)
        elif self.desk.draining:
            self.answer(*faults.to_reply(Failure("busy", "ServerBusy", "the server is shutting down")), call.method)
        elif call.method in (INSPECT, PING):
            self._tell(call, prefix)
        elif call.method in _TEXTS:
            self.answer(RETURN, f"<{prefix[:-1] or 'object'} served by rpcctl>", call.method)
        else:
            request = Request(prefix + call.method, call.args, call.kwargs, encoding=_ENCODING, peer=self.link.peer)
            self._call(request)

    def _call(self, request: Request) -> None:
        if self.is_ours:
            self._submit(request, Served(self, request.method), AHEAD)
        else:
            self._submit(request, Answer(self, request.method, self.desk.settings.max_items), None)

    def _tell(self, call: Call, prefix: str) -> None:
        """Answer what our own clients ask of a server."""

        def tell(found: Description) -> None:
            if call.method == PING:
                self.answer(RETURN, prefix[:-1] or found.name, PING)
            else:
                self.answer(RETURN, description.to_plain(found, prefix), INSPECT)

        self._ask(tell, call.method)

    def _submit(self, request: Request, sink: Kept, allowance: int | None) -> None:
        self._call_under_way = sink
        sink.attach(self.desk.submit(self.desk.handler, request, sink, allowance))

    def _step(self, stream: Stream, call: Call) -> None:
        if call.method == "__next__":
            self._next_item(stream, call)
        elif call.method == "close":
            stream.close()
            self._streams.pop(stream.id, None)
            self.answer(RETURN, None, "close")
        else:
            self.answer(*faults.to_reply(Failure("no_method", "AttributeError", call.method)), call.method)

    def _next_item(self, stream: Stream, call: Call) -> None:
        def take(data: bytes, last: bool) -> None:
            if last:
                self._streams.pop(stream.id, None)
            self._send(data, "an item")

        stream.ask(take)

    # From any thread.

    def open_stream(self, method: str) -> Stream | None:
        """A stream that goes on after its call was answered; None when there are too many."""
        if len(self._streams) >= _MOST_STREAMS or self._ended:
            return None
        self._named += 1
        stream = Stream(f"{OWN_IDENT}/stream {self._named}", partial(self.desk.say, method=method))
        self._streams[stream.id] = stream
        return stream

    def announce(self, stream: Stream, method: str) -> None:
        """Answer what was asked with an iterator."""
        self.answer(codec.PROXY, (_EXPOSED, (codec.ITERATOR, None, stream.id)), method)

    def give(self, reply: Result | Failure, method: str) -> Reply:
        """Answer what was asked with a reply, and give back what that tells."""
        data, told = self.desk.say(reply, method)
        self._send(data, f"the answer to {method}")
        return told

    def answer(self, kind: str, value: Any, method: str) -> None:
        """Answer what was asked in words of the wire."""
        self._send(self.desk.encode(kind, value, method)[0], f"{kind} to {method}")

    def _send(self, data: bytes, shown: str) -> None:
        """Answer what was asked, once; then the next request has its turn, or the connection its end."""
        if self._ended:
            return
        if self.desk.settings.trace is not None:
            self.desk.settings.trace(">", shown, data)
        self._call_under_way = None
        self._busy = False
        self.link.write(data, at_once=True)
        if not self._in_session:
            self.link.post(self.link.close)
        elif self._frames or self._paused:
            self.link.post(self._take)
