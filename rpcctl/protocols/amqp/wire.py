"""One TCP or TLS connection to a broker: py-amqp's methods on a socket that never blocks, read and written in bulk.

py-amqp's own loop waits without an end for answers, knows no total time limit and makes one system call for each part
of a frame. Here the socket is polled, every wait has a deadline, and what calls consist of - deliveries, returns,
confirms - is read by `frames`. Knows no queue, no call and no dialect.
"""

import select
import socket
from collections import deque
from time import monotonic
from typing import Any, Protocol

from amqp.connection import Connection
from amqp.transport import SSLTransport, TCPTransport

from rpcctl.errors import ConnectionLostError
from rpcctl.messages import NEVER, Deadline

from . import frames
from .message import Delivery, Message
from .place import Login

WORK = 2
"""The channel on which everything is published and consumed; declarations go over channel 1."""
_CHUNK = 256 * 1024
_CAPABILITIES = {"consumer_cancel_notify": True, "connection.blocked": True, "authentication_failure_close": True}


class Events(Protocol):
    """Whom the wire tells what arrived on the channel WORK."""

    def delivered(self, delivery: Delivery) -> None:
        """A message; its body is empty when its `size` is over the limit."""

    def returned(self, message: Message) -> None:
        """No queue took this; its confirmation follows."""

    def confirmed(self, tag: int, multiple: bool, taken: bool) -> None:
        """The broker has, or refuses, the message of that number, or all up to it."""

    def blocked(self, reason: str) -> None:
        """The broker reads nothing more until it says otherwise; an empty reason ends it."""


class Wire(Connection):  # type: ignore[misc]  # py-amqp has no types
    """A connection of py-amqp that is pumped by `pump`; belongs to one thread, but for `abort`."""

    def __init__(
        self, host: str, port: int, login: Login, events: Events, *, tls: Any, heartbeat: int, max_message: int
    ) -> None:
        """Touches no network; `tls` is an SSLContext or None, `heartbeat` in seconds, 0 for none."""
        super().__init__(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            login.user,
            login.password,
            login_method="PLAIN",
            virtual_host=login.vhost,
            heartbeat=heartbeat,
            client_properties={"product": "rpcctl", "capabilities": dict(_CAPABILITIES)},
            frame_writer=lambda connection, transport: self._write_method,
        )
        self.deadline = NEVER
        """Until when py-amqp may wait for an answer."""
        self.heard = self.spoke = monotonic()
        self._host = host
        self._tls = tls
        self._events = events
        self._max_message = max_message
        self._reader = frames.Reader()
        self._waiting: deque[frames.Frame] = deque()
        self._out = bytearray()
        self._content: _Content | None = None
        self._poll = select.poll()
        self._sock: Any = None
        self._file = -1
        self._not_yet: tuple[type[Exception], ...] = (BlockingIOError, InterruptedError)

    def open(self, deadline: Deadline) -> None:
        """Connect and log in; raises OSError, py-amqp's errors or TimeoutError."""
        self.deadline = deadline
        self.connect_timeout = deadline.remaining()
        self.connect()

    def pump(self, seconds: float | None) -> bool:
        """Send what waits, and take in what arrives within so many seconds; whether anything did."""
        if self._waiting:
            self._take_all()
            return True
        if not self._fill(seconds):
            return False
        self._take_all()
        return True

    def put(self, data: bytes) -> None:
        """Have bytes sent with the next `pump` or `flush`."""
        self._out += data

    def flush(self) -> None:
        """Send as much of what waits as the socket takes."""
        out = self._out
        if not out or self._file < 0:
            return
        try:
            sent = self._sock.send(out)
        except self._not_yet:
            return
        self.spoke = monotonic()
        if sent == len(out):
            out.clear()
        else:
            del out[:sent]

    @property
    def unsent(self) -> int:
        """Bytes that wait for the socket to take them."""
        return len(self._out)

    def listen_to(self, ear: int) -> None:
        """Let `pump` return as well when that file can be read."""
        self._poll.register(ear, select.POLLIN)

    def abort(self) -> None:
        """Break the connection, from any thread: whoever waits gets ConnectionLostError."""
        sock = self._transport.sock if self._transport is not None else None
        if sock is not None:
            try:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                pass  # It was not connected, or is closed.

    def drain_events(self, timeout: float | None = None) -> None:
        """What py-amqp calls while it waits for an answer: handle one frame, or raise TimeoutError."""
        if self._file < 0:
            self._take_over()
        while not self._waiting:
            if not self._fill(self.deadline.remaining()) and self.deadline.expired():
                raise TimeoutError("the broker does not answer")
        self._handle(self._waiting.popleft())

    def Transport(self, host: str, connect_timeout: float | None, *more: Any, **options: Any) -> Any:
        """What opens the socket: py-amqp's, with our certificates."""
        if self._tls is None:
            return TCPTransport(host, connect_timeout)
        return _TLSTransport(host, connect_timeout, self._tls, self._host)

    def collect(self) -> None:
        """Let go of the socket; py-amqp calls it when a connection ends."""
        self._file = -1
        super().collect()

    def _take_over(self) -> None:
        """From here on the socket is ours."""
        sock = self.transport.sock
        sock.setblocking(False)
        self._sock = sock
        self._file = sock.fileno()
        self._poll.register(self._file, select.POLLIN)
        if self._tls is not None:
            import ssl

            self._not_yet += (ssl.SSLWantReadError, ssl.SSLWantWriteError)

    def _write_method(
        self, kind: int, channel: int, signature: tuple[int, int], arguments: bytes | str, content: Any
    ) -> None:
        """What py-amqp has to send; never content, which is published by `frames`."""
        raw = arguments.encode() if isinstance(arguments, str) else arguments
        self.put(frames.method(channel, signature, raw))

    def _fill(self, seconds: float | None) -> bool:
        """Flush, wait for bytes and make frames of them; whether the wait ended early."""
        self.flush()
        if self._file < 0:
            raise ConnectionLostError("the connection is closed")
        tls_rest = self._tls is not None and self._sock.pending()
        if not tls_rest and not self._wait(seconds):
            return False
        try:
            data = self._sock.recv(_CHUNK)
        except self._not_yet:
            return True
        if not data:
            raise ConnectionLostError("the broker has closed the connection")
        self.heard = monotonic()
        self._waiting.extend(self._reader.feed(data, max(self.frame_max, 4096)))
        return True

    def _wait(self, seconds: float | None) -> bool:
        """Whether the socket, or the ear, can be read within that time."""
        self._poll.modify(self._file, select.POLLIN | (select.POLLOUT if self._out else 0))
        found = self._poll.poll(None if seconds is None else max(0.0, seconds) * 1000)
        return bool(found)

    def _take_all(self) -> None:
        waiting = self._waiting
        while waiting:
            self._handle(waiting.popleft())

    def _handle(self, frame: frames.Frame) -> None:
        kind, channel, payload = frame
        if channel == WORK and self._take_own(kind, payload):
            return
        if kind == frames.METHOD and payload[:4] == frames.BLOCKED:
            self._events.blocked(frames.short_text(payload, 4)[0] or "unknown")
        elif kind == frames.METHOD and payload[:4] == frames.UNBLOCKED:
            self._events.blocked("")
        elif kind != frames.HEARTBEAT:
            self.on_inbound_frame(frame)

    def _take_own(self, kind: int, payload: bytes) -> bool:
        """Take a frame of what calls consist of; whether it was one."""
        if kind == frames.METHOD:
            signature = payload[:4]
            if signature == frames.DELIVER or signature == frames.RETURN:
                self._content = _Content(signature, payload, self._max_message)
            elif signature == frames.ACK or signature == frames.NACK:
                tag, multiple = frames.read_confirm(payload)
                self._events.confirmed(tag, multiple, signature == frames.ACK)
            else:
                return False
            return True
        content = self._content
        if content is not None and content.add(kind, payload):
            self._content = None
            content.tell(self._events)
        return True


class _Content:
    """A message on its way in: method, header, and the body in pieces."""

    def __init__(self, signature: bytes, method: bytes, most: int) -> None:
        self._signature = signature
        self._method = method
        self._most = most
        self._size = 0
        self._came = 0
        self._properties: dict[str, Any] = {}
        self._parts: list[bytes] = []

    def add(self, kind: int, payload: bytes) -> bool:
        """Take its next frame; whether it was the last one."""
        if kind == frames.HEADER:
            self._size, self._properties = frames.read_header(payload)
        else:
            self._came += len(payload)
            # What is too large is counted and dropped, so that the next message can be read.
            if self._size <= self._most:
                self._parts.append(payload)
        return self._came >= self._size

    def tell(self, events: Events) -> None:
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        if self._signature == frames.DELIVER:
            consumer, tag, redelivered, exchange, key = frames.read_deliver(self._method)
            size = self._size
            events.delivered(Delivery(body, self._properties, exchange, key, consumer, tag, redelivered, size))
        else:
            exchange, key = frames.read_return(self._method)
            events.returned(Message(exchange, key, body, self._properties))


class _TLSTransport(SSLTransport):  # type: ignore[misc]
    """A transport of py-amqp that takes a context, and the name that the certificate must have."""

    def __init__(self, host: str, connect_timeout: float | None, context: Any, name: str) -> None:
        super().__init__(host, connect_timeout)
        self._context, self._name = context, name

    def _wrap_socket(self, sock: Any, context: Any = None, **options: Any) -> Any:
        return self._context.wrap_socket(sock, server_hostname=self._name, do_handshake_on_connect=False)
