"""One client's connection to the server: bytes in, whole requests to the host, answers back in the same order.

Lives on the event loop's thread. Clocks are not set for each request: `due` is the instant after which the host, which
looks at all connections now and then, calls `overdue`. One request is under way at a time; what came behind it waits.
"""

import asyncio
from collections import deque
from math import inf
from typing import TYPE_CHECKING, Any

import httptools

from . import gate
from .answers import CONTINUE, Header, Reply, encode, refuse
from .gate import Head, Policy
from .request import Request, path_of, peer_of, without_upgrade

if TYPE_CHECKING:
    from .host import Host

_LINGER = 2.0
"""Seconds for which what a refused client still sends is read and thrown away, so that it can read the refusal."""


class Connection(asyncio.Protocol):
    """Takes in requests of one client and writes their answers."""

    def __init__(self, host: "Host") -> None:
        self._host = host
        self._policy: Policy = host.policy
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._request: Request | None = None
        self._current: Request | None = None
        self._queue: deque[Request] = deque()
        self._headers: dict[str, str] = {}
        self._url = b""
        self._size = 0
        self._paused = False
        self._closing = False
        self._suspended = False
        self._turning = False
        self.due = inf
        self.peer = ""

    # What the event loop tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, or turn it away."""
        self._transport = transport
        self.peer = peer_of(transport)
        self.due = self._host.now() + self._policy.header_timeout
        if not self._host.admit(self):
            self._answer_alone(refuse(503, "too many connections, --max-connections", ("retry-after", "1")))

    def data_received(self, data: bytes) -> None:
        """Take in what came; what comes after a refusal is thrown away."""
        if self._closing:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as exc:
            self._decline_upgrade(data[exc.args[0] :])
        except httptools.HttpParserError as exc:
            # Parsing goes no further after the last request of a connection either: that is no error.
            if not self._closing:
                self._refuse_garbage(data, exc)
        if self._queue and not self._suspended and self._transport is not None:
            self._suspended = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """A client may close its half and still read the answer, which then is the last one."""
        if self._current is None or self._transport.get_extra_info("sslcontext") is not None:
            return False
        self._stop_reading()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it; a call that is under way goes on, and its answer goes nowhere."""
        self._closing = True
        self._transport = None
        self._parser = None
        self._queue.clear()
        self.due = inf
        self._host.forget(self)

    def pause_writing(self) -> None:
        """The client does not read its answers: nothing more is taken in from it."""
        self._paused = True

    def resume_writing(self) -> None:
        """It reads again."""
        self._paused = False
        if self._current is None and not self._closing:
            self.due = self._host.now() + self._policy.keep_alive
        self._go_on()

    # What the parser tells.

    def on_message_begin(self) -> None:
        """A request begins: its headers must come in time."""
        self._request = Request()
        self._headers = {}
        self._url = b""
        self._size = 0
        if self._current is None:
            self.due = self._host.now() + self._policy.header_timeout

    def on_url(self, url: bytes) -> None:
        """The request's target, or a part of it."""
        self._url += url
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or a trailer, which is of no interest."""
        self._count(len(name) + len(value) + 4)
        if self._request is None or self._request.head.method:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        seen = self._headers.get(key)
        self._headers[key] = text if seen is None else f"{seen}, {text}"

    def on_headers_complete(self) -> None:
        """Decide by the head alone whether the body is wanted."""
        request = self._request
        if request is None or self._closing:
            return
        request.head = Head(self._parser.get_method().decode("latin-1"), path_of(self._url), self._headers)
        if self._is_upgrade(request):
            return
        request.keep = self._parser.should_keep_alive()
        request.old = self._parser.get_http_version() == "1.0"
        request.refusal = self._host.desk.check(request.head)
        if request.refusal is not None and request.head.method not in ("GET", "HEAD", "OPTIONS"):
            self._refuse(request)
            return
        if self._current is None:
            self.due = self._host.now() + self._policy.body_timeout
            if "expect" in self._headers and not request.old:
                self._transport.write(CONTINUE)

    def on_body(self, body: bytes) -> None:
        """A part of the body, as far as it may go."""
        request = self._request
        if request is None or self._closing:
            return
        request.size += len(body)
        if request.size > self._policy.max_body:
            request.refusal = gate.too_large(self._policy)
            self._refuse(request)
            return
        request.body.append(body)

    def on_message_complete(self) -> None:
        """The request is whole: its turn has come, or it waits."""
        request = self._request
        if request is None or self._closing or self._is_upgrade(request):
            return
        self._request = None
        self._queue.append(request)
        if not request.keep:
            self._stop_reading()
        self._go_on()

    # Turns.

    def _go_on(self) -> None:
        """Work through the requests that wait; a loop, as answers may come at once."""
        if self._turning:
            return
        self._turning = True
        try:
            while self._queue and self._current is None and not self._paused and self._transport is not None:
                self._begin(self._queue.popleft())
        finally:
            self._turning = False
        if self._suspended and not self._queue and self._transport is not None:
            self._suspended = False
            self._transport.resume_reading()

    def _begin(self, request: Request) -> None:
        self._current = request
        self.due = inf
        if request.refusal is not None:
            self.answer(request, request.refusal)
        else:
            self._host.desk.take(self, request)

    def answer(self, request: Request, reply: Reply, more: tuple[Header, ...] = ()) -> None:
        """Answer the request that is under way; anything else is ignored, as an answer may come twice or too late."""
        if request is not self._current or self._transport is None:
            return
        self._current = None
        host = self._host
        if reply.status >= 400:
            host.desk.tell(self.peer, request.head, reply)
        keep = request.keep and not host.draining
        more += gate.cors(request.head.headers, self._policy)
        head_only = request.head.method == "HEAD"
        self._transport.write(encode(reply, host.date, more, keep=keep, old=request.old, head_only=head_only))
        if keep:
            waits = self._policy.body_timeout if self._paused else self._policy.keep_alive
            self.due = host.now() + (self._policy.header_timeout if self._request is not None else waits)
            self._go_on()
        else:
            self._leave(linger=request.refusal is not None)

    def drain(self) -> None:
        """Leave when the request that is under way is answered, at once when there is none."""
        if self._current is None and self._transport is not None:
            self._leave(linger=False)

    def drop(self) -> None:
        """Write what is left to write, then close."""
        if self._transport is not None:
            self._closing = True
            self._transport.close()

    def is_writing(self) -> bool:
        """Whether a part of an answer has not left yet."""
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def overdue(self) -> None:
        """The time for what was awaited is over."""
        transport = self._transport
        if transport is None:
            return
        if self._closing or self._paused:
            transport.abort()
        elif self._request is None:
            self._leave(linger=False)
        else:
            late = "body" if self._request.head.method else "headers"
            self._answer_alone(refuse(408, f"the {late} did not arrive in time, --{late.rstrip('s')}-timeout"))

    # Ends.

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._policy.max_header and not self._closing and self._request is not None:
            self._request.refusal = gate.headers_too_large(self._policy)
            self._refuse(self._request)

    def _refuse(self, request: Request) -> None:
        """Answer without reading the rest, when the requests before it have been answered."""
        request.keep = False
        request.body.clear()
        self._request = None
        self._closing = True
        self._queue.append(request)
        self._go_on()
        if self._transport is not None:
            self._transport.resume_reading()

    def _refuse_garbage(self, data: bytes, exc: Exception) -> None:
        speaks_tls = data[:2] == b"\x16\x03" and not self._url
        request = self._request or Request()
        request.refusal = refuse(400, "TLS, where plain HTTP is spoken" if speaks_tls else f"this is not HTTP: {exc}")
        self._refuse(request)

    def _is_upgrade(self, request: Request) -> bool:
        return bool(self._parser.should_upgrade()) and request.head.method != "CONNECT"

    def _decline_upgrade(self, rest: bytes) -> None:
        """Take the request in again without its wish for another protocol, for which the parser left out its body."""
        request = self._request
        if request is None or self._closing:
            return
        head = without_upgrade(request.head.method, self._url, self._headers)
        self._parser = httptools.HttpRequestParser(self)
        self.data_received(head + rest)

    def _stop_reading(self) -> None:
        """Take no more requests from it than those that are here."""
        self._closing = True
        last = self._queue[-1] if self._queue else self._current
        if last is not None:
            last.keep = False

    def _answer_alone(self, reply: Reply) -> None:
        self._current = request = Request()
        if self._request is not None:
            request.head = self._request.head
        request.refusal = reply
        self.answer(request, reply)

    def _leave(self, *, linger: bool) -> None:
        """Close when all is written; what the client still sends would else make the system throw the answer away."""
        self._closing = True
        transport = self._transport
        if not linger:
            self.due = self._host.now() + self._policy.body_timeout
            transport.close()
            return
        self.due = self._host.now() + _LINGER
        if transport.can_write_eof():
            transport.write_eof()
        transport.resume_reading()
