"""What a server does with the events of its clients: calls, grants and heartbeats. Lives on the thread that owns the
socket, but for `post`, which any thread may call; knows no polling.

Nothing raises for what a peer sends, and nothing waits.
"""

from collections import deque
from collections.abc import Callable, Mapping
from itertools import repeat
from threading import get_ident
from time import monotonic
from typing import Any

import zmq

from rpcctl.answers import SILENCE
from rpcctl.errors import RemoteProtocolError
from rpcctl.interfaces import Executor, Handler, Settings
from rpcctl.messages import INSPECT, NEVER, PING, Failure, Request, repr_of

from . import INFO, codec
from .calls import Call, Envelope
from .channel import Channels
from .description import BUILTINS
from .sockets import NOBLOCK, SNDMORE

_RESERVED = (INSPECT, PING)
_NOTHING: Mapping[str, Any] = {}


class Exchange:
    """The open calls of one server; it is their Outlet."""

    def __init__(
        self, socket: "zmq.Socket[bytes]", settings: Settings, new_id: Callable[[], str], wake: Callable[[], None]
    ) -> None:
        """`wake` is called from other threads when something was posted; all else belongs to this thread."""
        self.max_message = settings.max_message
        self.new_id = new_id
        self.draining = False
        """Whether new calls are refused."""
        self.channels: Channels[Call] = Channels(settings.options.get("heartbeat", 5.0))
        self._trace = settings.trace
        self._wake = wake
        self._owner = get_ident()
        self._posted: deque[tuple[Call, bytes | None]] = deque()
        # The same method without the Python layer around it, which costs more than sending does.
        self._put = zmq.backend.Socket.send.__get__(socket)

    def serve(self, handler: Handler, executor: Executor) -> None:
        """From now on calls are run by these, and this thread owns the socket."""
        self._handler, self._submit = handler, executor.submit
        self._owner = get_ident()

    def receive(self, envelope: Envelope, data: bytes, peer: str) -> None:
        """Take an event of a client. What is wrong with it is answered, if it says to which id, and else dropped."""
        try:
            header, name, args = self._read(data)
            if header.get("response_to") is not None:
                self._continue(envelope, header, name, args)
            elif header.get("oneway") is True:
                self._run_oneway(header, name, args, peer)
            else:
                self._begin(envelope, header, name, args, peer)
        except RemoteProtocolError as exc:
            self._refuse(envelope, codec.salvage_header(data), exc.message)
        except Exception as exc:
            self._note(f"an event of {peer} was dropped: {type(exc).__name__}: {exc}")

    def receive_oneway(self, data: bytes, peer: str) -> None:
        """Take an event of a pusher or publisher."""
        try:
            self._run_oneway(*self._read(data), peer)
        except Exception as exc:
            self._note(f"an event of {peer} was dropped: {type(exc).__name__}: {exc}")

    def post(self, call: Call, data: bytes | None) -> None:
        """Send an event of a call, if there is one, and see to the call. From any thread."""
        if get_ident() != self._owner:
            self._posted.append((call, data))
            self._wake()
            return
        if data is not None:
            self._send(call, data)
        if call.run is not None:
            self._posted.append((call, None))

    def has_posted(self) -> bool:
        """Whether `flush` has something to do."""
        return bool(self._posted)

    def flush(self) -> None:
        """Send what was posted until now."""
        for _ in repeat(None, len(self._posted)):
            call, data = self._posted.popleft()
            if data is not None:
                self._send(call, data)
            if call.over or call.paused_ or call.dropped:
                self._see_to(call)

    def tick(self, now: float) -> None:
        """Beat where it is due, and abandon the calls of clients that are lost."""
        self.channels.tick(now, self._beat, self._lose)

    def abandon_all(self) -> None:
        """Cancel every open call, without an answer."""
        for call in self.channels:
            self._lose(call)

    def _read(self, data: bytes) -> codec.Event:
        if len(data) > self.max_message:
            raise RemoteProtocolError(f"the message has {len(data)} bytes, {self.max_message} are allowed")
        event = codec.unpack(data)
        if self._trace is not None:
            self._trace("<", f"{event[1]} {repr_of(event[2])} {repr_of(event[0])}", data)
        return event

    def _begin(self, envelope: Envelope, header: dict[Any, Any], name: str, args: Any, peer: str) -> None:
        message_id = header.get("message_id")
        if type(message_id) is not str and type(message_id) is not bytes:
            raise RemoteProtocolError("its message_id is neither text nor bin")
        key = (envelope[0], message_id)
        if name in codec.SIGNALS or self.channels.find(key) is not None:
            self._note(f"{name} of {peer} was dropped: it belongs to no call, or repeats one")
            return
        call = Call(self, envelope, key, message_id, header.get("v", 1), name)
        refusal = self._refusal(name, args)
        if refusal is not None:
            call.deliver(refusal)
            return
        method = name
        if name in BUILTINS:
            call.ask_built_in(name, args)
            method, args = INSPECT, ()
        context = codec.context_of(header) if len(header) > 2 else _NOTHING
        request = Request(method, tuple(args), _NOTHING, False, False, NEVER, NEVER, None, INFO.encoding, context, peer)
        run = self._submit(self._handler, request, call, 1)
        if not call.over:
            call.run = run
            self.channels.open(call, monotonic(), call.beats)
            self._see_to(call)
        elif call.dropped:
            run.cancel()

    def _refusal(self, name: str, args: Any) -> Failure | None:
        if type(args) is not list:
            return Failure("arguments", "TypeError", f"{name}: the arguments are no array")
        if name in _RESERVED:
            return Failure("no_method", "NameError", name)
        if self.draining:
            return Failure("busy", "ServerBusy", "the server is shutting down")
        return None

    def _run_oneway(self, header: dict[Any, Any], name: str, args: Any, peer: str) -> None:
        if self._refusal(name, args) is not None:
            self._note(f"{name} of {peer} was dropped: shutting down, or no arguments")
            return
        context = codec.context_of(header)
        request = Request(name, tuple(args), oneway=True, encoding=INFO.encoding, context=context, peer=peer)
        self._submit(self._handler, request, SILENCE)

    def _continue(self, envelope: Envelope, header: dict[Any, Any], name: str, args: Any) -> None:
        """Take an event of an open channel; those of channels that ended are dropped, in any number."""
        call = self._find(envelope[0], header, name)
        if call is None or name not in codec.SIGNALS:
            if self._trace is not None:
                self._trace("*", f"{name} belongs to no open call: dropped", None)
            return
        if name == codec.BEAT:
            call.heard = monotonic()
            return
        call.add_credit(args)
        self._see_to(call)

    def _find(self, identity: bytes, header: dict[Any, Any], name: str) -> Call | None:
        # A PHP client answers the id of our heartbeat, and names its channel as its own message's id.
        for channel_id in (header["response_to"], header.get("message_id") if name == codec.BEAT else None):
            if type(channel_id) is str or type(channel_id) is bytes:
                call = self.channels.find((identity, channel_id))
                if call is not None:
                    return call
        return None

    def _see_to(self, call: Call) -> None:
        """Do what the state of a call asks for."""
        if call.over or call.dropped:
            self.channels.end(call)
            # The run knows its sink: let go, or each call would wait for the garbage collector.
            run, call.run = call.run, None
            if call.dropped and run is not None:
                run.cancel()
        elif call.paused_ and call.credit and call.run is not None:
            call.paused_ = False
            call.run.resume(call.take_credit())

    def _beat(self, call: Call) -> None:
        self._send(call, call.signal(codec.BEAT, (0,)))

    def _lose(self, call: Call) -> None:
        self._note(f"{call.method}: its client is lost, the call is abandoned")
        call.dropped = True
        self._see_to(call)

    def _refuse(self, envelope: Envelope, header: Mapping[Any, Any], why: str) -> None:
        message_id = header.get("message_id")
        if type(message_id) not in (str, bytes) or header.get("response_to") is not None:
            self._note(f"an event was dropped: {why}")
            return
        call = Call(self, envelope, (envelope[0], message_id), message_id, codec.VERSION, "")
        call.deliver(Failure("protocol", "ProtocolError", why))

    def _send(self, call: Call, data: bytes) -> None:
        put = self._put
        try:
            for frame in call.envelope:
                put(frame, SNDMORE | NOBLOCK)
            put(b"", SNDMORE)
            put(data)
        except zmq.ZMQError as exc:
            # The client has gone, or has let too much lie unread.
            self._note(f"{call.method}: its client takes no reply: {exc.strerror}")
            call.dropped = True
            self._posted.append((call, None))
            return
        if self._trace is not None:
            self._trace(">", f"to {call.method} of {call.key!r}", data)

    def _note(self, text: str) -> None:
        if self._trace is not None:
            self._trace("*", text, None)
