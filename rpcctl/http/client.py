"""Carries bodies to an HTTP server and its answers back, over one connection that is kept. Knows no protocol.

    client = HttpClient(address, settings, "/")
    answer = client.post(b"...", "application/json", deadline)

A request that may have been received is never repeated. The status is the protocol's to judge, as some servers put
their errors into a body under 400 or 500; what is certainly no answer of an RPC server is raised here.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from http.client import BadStatusLine, HTTPException, HTTPResponse, IncompleteRead
from typing import NamedTuple

from rpcctl.address import Address
from rpcctl.errors import ArgumentError, ConnectionLostError, RemoteProtocolError, RpcctlError
from rpcctl.interfaces import Preview, Settings
from rpcctl.messages import Deadline
from rpcctl.sockets.wire import Wire
from rpcctl.turn import Turn

from .heads import MASKED, Header, hide_secret, read_header, redirect, target_of, write_head
from .logins import authorization, basic
from .proxies import Proxy, find_proxy
from .verdicts import REDIRECTS, Answer, explain, judge, refusal
from .wire import dial

__all__ = ["Answer", "HttpClient"]

_HTTP = b"HTTP/"
_PIECE = 64 * 1024
_MOST_REDIRECTS = 10


class _Message(NamedTuple):
    """What is to be sent."""

    body: bytes
    content_type: str
    headers: Sequence[Header]
    note: Callable[[], None]


class HttpClient:
    """POSTs to one address. Usable from one thread at a time; `close` from any."""

    def __init__(self, address: Address, settings: Settings, path: str) -> None:
        """Check the options; touches no network. `path` is used when the address names none."""
        options = settings.options
        self._origin = address
        self._settings = settings
        self._headers = tuple(map(read_header, options.get("header") or ()))
        self._target = target_of(address, options.get("path"), path)
        self._wire: Wire | None = None
        self._proxy: Proxy | None = None
        self._login: str | None = None
        self._used = False
        self._closed = False
        self._turn = Turn(address)

    def connect(self, deadline: Deadline) -> None:
        """Stand by: TransportError says why that is not possible, DeadlineError that it took too long."""
        if self._closed:
            raise self._closed_error()
        if self._wire is not None:
            return
        at, options = self._target.at, self._settings.options
        # Read now, not once: a cookie file is written anew with every start of its server.
        self._login = authorization(at, options) if self._target.is_beside(self._origin) else None
        self._proxy = find_proxy(at.transport, at.host, at.port, os.environ) if at.kind == "host" else None
        self._trace("*", f"connecting to {self._proxy or at}")
        self._wire = dial(at, self._proxy, options, self._settings.connect_timeout, deadline)
        self._used = False
        self._trace("*", f"connected to {self._proxy or at}")

    def post(
        self,
        body: bytes,
        content_type: str,
        deadline: Deadline,
        headers: Sequence[Header] = (),
        note: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Send a body, give back what was answered, whatever its status.

        `note` is called with every sending, when the head has been traced, for the protocol to tell what follows it.

        Raises AuthError for 401, RemoteProtocolError for what is not HTTP, a web page or a redirect that is not
        followed, ConnectionLostError when the answer did not come whole, TLSError, DeadlineError.
        """
        most = self._settings.max_message
        if len(body) > most:
            raise ArgumentError(
                f"the message has {len(body)} bytes, {most} are allowed", hint="a larger --max-message, at both ends"
            )
        with self._turn.within(deadline):
            return self._post(_Message(body, content_type, headers, note), deadline)

    def _post(self, message: "_Message", deadline: Deadline) -> Answer:
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._exchange(message, deadline)
            if answer.status not in REDIRECTS or "location" not in answer.headers:
                error = judge(self._target, self._proxy, answer)
                if error is not None:
                    raise error
                return answer
            self._follow(answer.headers["location"])
        raise RemoteProtocolError(f"{self._origin}: more than {_MOST_REDIRECTS} redirects")

    def preview(self, body: bytes, content_type: str, headers: Sequence[Header] = ()) -> list[Preview]:
        """The head and the body that `post` would send, asking nobody: `***` stands for a login."""
        at, options = self._target.at, self._settings.options
        with_login = at.user or at.password or any(options.get(name) for name in ("auth", "user", "netrc"))
        self._login = MASKED if with_login else None
        everything = (*self._standard(content_type, None), *headers, *map(hide_secret, self._own()))
        head = write_head(self._target, everything, len(body), whole=False)
        return [
            Preview(head.rstrip(), head.encode("latin-1", "replace")),
            Preview(body.decode("utf-8", "replace"), body),
        ]

    def refusal(self, answer: Answer) -> RpcctlError:
        """What to raise for an answer whose body is not the protocol's: its status, and its first line."""
        return refusal(self._target, answer)

    def close(self) -> None:
        """Free the connection; a call that waits raises ConnectionLostError. Safe to repeat."""
        self._closed = True
        self._drop()

    def _exchange(self, message: "_Message", deadline: Deadline) -> Answer:
        if self._wire is not None and self._used and self._wire.is_stale():
            self._drop()
        self.connect(deadline)
        wire, first = self._wire, not self._used
        if wire is None:
            raise self._closed_error()
        self._used = True
        wire.deadline = deadline
        try:
            self._send(wire, message)
            answer, keep = self._receive(wire)
        except BaseException as exc:
            self._drop()
            if self._closed and isinstance(exc, (OSError, ValueError, HTTPException)):
                raise self._closed_error() from exc
            if isinstance(exc, (OSError, HTTPException)):
                raise explain(self._target.at, self._proxy, self._settings.options, exc, first=first) from exc
            raise
        if not keep:
            self._drop()
        return answer

    def _send(self, wire: Wire, message: "_Message") -> None:
        plain_proxy = self._proxy if self._target.at.transport == "http" else None
        everything = (*self._standard(message.content_type, plain_proxy), *message.headers, *self._own())
        head = write_head(self._target, everything, len(message.body), whole=plain_proxy is not None)
        self._trace(">", head)
        message.note()
        try:
            wire.send(head.encode("latin-1", "replace") + message.body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It may have refused without reading all, and said so.

    def _standard(self, content_type: str, proxy: Proxy | None) -> list[Header]:
        found = [("User-Agent", "rpcctl"), ("Accept", "*/*"), ("Content-Type", content_type)]
        if not self._target.at.is_loopback():
            # On the same machine packing costs more than it saves.
            found.append(("Accept-Encoding", "gzip"))
        if self._login:
            found.append(("Authorization", self._login))
        if proxy is not None and proxy.user:
            found.append(("Proxy-Authorization", basic(proxy.user, proxy.password)))
        return found

    def _own(self) -> tuple[Header, ...]:
        return self._headers if self._target.is_beside(self._origin) else ()

    def _receive(self, wire: Wire) -> tuple[Answer, bool]:
        """The answer, and whether the connection can be used again."""
        reply = HTTPResponse(wire, method="POST")  # type: ignore[arg-type]
        first = reply.fp.peek(1)
        if not _HTTP.startswith(first[: len(_HTTP)]):
            # http.client would wait for the end of the line, which a server of another protocol never sends.
            raise BadStatusLine(first.decode("latin-1"))
        reply.begin()
        if wire.ended:
            # http.client takes the end of the connection for that of the headers.
            raise IncompleteRead(b"")
        found = reply.getheaders()
        shown = "".join(f"{name}: {value}\n" for name, value in found)
        self._trace("<", f"HTTP/1.{reply.version % 10} {reply.status} {reply.reason}\n{shown}")
        body = self._read_body(reply)
        headers: dict[str, str] = {}
        for name, value in found:
            key = name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        answer = Answer(reply.status, headers, self._unpack(headers, body), reply.reason or "")
        return answer, not reply.will_close

    def _read_body(self, reply: HTTPResponse) -> bytes:
        pieces, size, most = [], 0, self._settings.max_message
        while piece := reply.read(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise self._too_large(f"the reply has more than {most} bytes")
        if reply.length:
            raise IncompleteRead(b"", reply.length)
        return b"".join(pieces)

    def _unpack(self, headers: Mapping[str, str], body: bytes) -> bytes:
        encoding = headers.get("content-encoding", "identity").lower()
        if encoding == "identity" or not body:
            return body
        from .compress import TooLargeError, inflate  # Here: on the same machine nothing is packed.

        most = self._settings.max_message
        try:
            if encoding not in ("gzip", "x-gzip", "deflate"):
                raise ValueError(f"{encoding!r} is unknown")
            return inflate(body, most)
        except TooLargeError:
            raise self._too_large(f"the reply unpacks to more than {most} bytes") from None
        except ValueError as exc:
            raise RemoteProtocolError(f"{self._target.at}: the reply cannot be unpacked: {exc}") from exc

    def _too_large(self, what: str) -> RpcctlError:
        return RemoteProtocolError(f"{self._target.at}: {what}", hint="a larger --max-message")

    def _follow(self, location: str) -> None:
        target = redirect(self._target, location)
        if not self._settings.options.get("location"):
            raise RemoteProtocolError(f"{self._target.at} redirects to {target.at}", hint="-L follows it")
        if not target.is_beside(self._target.at):
            self._drop()
        self._trace("*", f"redirected to {target.at}")
        self._target = target

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.shut()

    def _trace(self, direction: str, text: str) -> None:
        """Heads and events only: what a body says, its protocol tells."""
        if self._settings.trace is not None:
            self._settings.trace(direction, text.rstrip(), None)

    def _closed_error(self) -> RpcctlError:
        return ConnectionLostError(f"{self._origin}: the connection is closed")
