"""Calls a JSON-RPC server over HTTP: one call a request, a batch as one. Connections are `rpcctl.http.client`'s.

Bodies are read whatever the status: servers older than 2.0 answer errors with 500 or 404, and the text is in the body.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rpcctl import openrpc
from rpcctl.address import Address
from rpcctl.errors import ArgumentError, AuthError, DeadlineError, RemoteProtocolError
from rpcctl.http.client import Answer, HttpClient
from rpcctl.http.verdicts import first_line
from rpcctl.interfaces import Preview, Settings
from rpcctl.limits import first_limit
from rpcctl.messages import INSPECT, PING, Deadline, Description, Failure, Reply, Request, Result

from . import codec, discovery, faults
from .dialects import DIALECTS, dialect_of, ids

_JSON = "application/json"
_SESSION = "x-transmission-session-id"
_ACCEPT = ("Accept", "application/json, application/json-rpc")
_BLANKS = b" \t\r\n\xef\xbb\xbf"
_SHOWN = 4096
"""Bytes of a message that a trace shows as text."""
_MOST_ASKED = 2000
"""Methods of which help and signature are asked for one by one, in batches, where there is no OpenRPC document."""
_BATCH = 50


class Client:
    """A client of one server."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Touches no network; UsageError for options that mean nothing."""
        options = settings.options
        self._auth = options.get("auth") or ""
        self._dialect = dialect_of(self._auth)
        self._secret = ""
        self._trace = settings.trace
        self._version = options.get("jsonrpc") or "2.0"
        self._decimal = bool(options.get("decimal"))
        self._ids = ids(options.get("id"))
        self._headers: list[tuple[str, str]] = [_ACCEPT]
        # A login inside the message is none of HTTP's.
        own = settings._replace(options={**options, "auth": None}) if self._dialect else settings
        self._address = address
        self._http = HttpClient(address, own, "/")

    def connect(self, deadline: Deadline) -> None:
        """Reach the server, or raise a TransportError that says why not, or DeadlineError."""
        self._http.connect(deadline)

    def send(self, request: Request) -> Iterator[Reply]:
        """Send on the first `next`; yields one reply, none for a one-way call that was taken."""
        if request.oneway:
            return self._cast(request)
        if request.method == INSPECT:
            return self._inspect(request)
        if request.method == PING:
            return self._ping(request)
        return self._call(request)

    def send_batch(self, requests: Sequence[Request]) -> list[Reply | None]:
        """Send calls as one batch; their replies in the same order, None for one-way calls and those not answered.

        The first request's time limits count for all. A server that takes no batch, or none of this size, is asked
        one by one: it has run nothing.
        """
        sent = [self._spell(each, next(self._ids)) for each in requests]
        known = {key: each.method for each, (key, _) in zip(requests, sent, strict=True) if not each.oneway}
        if not requests or len(known) < sum(not each.oneway for each in requests) or self._version == "1.0":
            return self._send_each(requests)
        answer = self._post(requests[0], codec.write_batch(body for _, body in sent))
        if not known and not answer.body:
            return [None for _ in requests]
        with self._naming(answer):
            found = codec.read_batch(self._body(answer, "the batch"), known, decimal=self._decimal)
        if isinstance(found, Failure) and found.code == faults.INVALID_REQUEST:
            return self._send_each(requests)
        if isinstance(found, Failure):
            return [None if each.oneway else found for each in requests]
        return [found.get(key) for key, _ in sent]

    def preview(self, request: Request) -> list[Preview]:
        """The head and the body of the request, a secret in it left out."""
        body = self._spell(request, None if request.oneway else next(self._ids))[1]
        return self._http.preview(self._masked(body), _JSON, self._headers)

    def close(self) -> None:
        """Free the connection; calls that wait raise ConnectionLostError. Safe to repeat."""
        self._http.close()

    def _send_each(self, requests: Sequence[Request]) -> list[Reply | None]:
        return [next(self.send(each), None) for each in requests]

    def _call(self, request: Request) -> Iterator[Reply]:
        yield self._ask(request)

    def _ask(self, request: Request) -> Result | Failure:
        key, body = self._spell(request, next(self._ids))
        answer = self._post(request, body)
        with self._naming(answer):
            return codec.read_answer(self._body(answer, request.method), key, request.method, decimal=self._decimal)

    def _cast(self, request: Request) -> Iterator[Reply]:
        answer = self._post(request, self._spell(request, None)[1])
        if answer.body.strip():
            with self._naming(answer):
                reply = codec.read_answer(self._body(answer, request.method), None, request.method)
            if isinstance(reply, Failure):
                yield reply
        elif answer.status >= 300:
            raise self._http.refusal(answer)

    def _ping(self, request: Request) -> Iterator[Reply]:
        """Any reply is a sign of life; only a description tells a name."""
        found = self._ask(request._replace(method=discovery.DISCOVER))
        yield Result(openrpc.from_document(found.value).name if isinstance(found, Result) else "")

    def _inspect(self, request: Request) -> Iterator[Reply]:
        found = self._ask(request._replace(method=discovery.DISCOVER))
        if isinstance(found, Result):
            yield Result(openrpc.from_document(found.value))
            return
        names = self._ask(request._replace(method=discovery.LIST))
        if isinstance(names, Failure) or not isinstance(names.value, list):
            yield found
            return
        methods = [name for name in names.value if isinstance(name, str) and name not in discovery.BUILTINS]
        yield Result(self._inspect_in_parts(request, methods))

    def _inspect_in_parts(self, request: Request, names: list[str]) -> Description:
        """What servers with the `system.*` trio tell, of which some have its first only."""
        found = [discovery.from_parts(name, None, None) for name in names]
        for start in range(0, min(len(names), _MOST_ASKED), _BATCH):
            some = names[start : start + _BATCH]
            helps = self._tell_each(request, discovery.HELP, some)
            signatures = self._tell_each(request, discovery.SIGNATURE, some)
            if not any(helps) and not any(signatures):
                break
            parts = zip(some, helps, signatures, strict=True)
            found[start : start + _BATCH] = [discovery.from_parts(*each) for each in parts]
        return Description("", tuple(found))

    def _tell_each(self, request: Request, method: str, names: list[str]) -> list[Any]:
        questions = [request._replace(method=method, args=(name,)) for name in names]
        replies = self.send_batch(questions)
        return [reply.value if isinstance(reply, Result) else None for reply in replies]

    def _spell(self, request: Request, id: Any) -> tuple[Any, bytes]:
        """The id, and the request as bytes in the server's dialect; ArgumentError for what 1.0 has not."""
        if request.kwargs and self._version == "1.0":
            name = next(iter(request.kwargs))
            raise ArgumentError(
                f"JSON-RPC 1.0 has no named arguments: {name}=… cannot be sent", hint="by position, or --jsonrpc 2.0"
            )
        if not self._dialect:
            return id, codec.write_call(request, id, self._version)
        from rpcctl.http.logins import read_secret

        # Read for every call: a file with a secret may be written anew at any time.
        self._secret = read_secret(self._auth.partition(":")[2])
        sent = DIALECTS[self._dialect](request, self._secret)
        return id, codec.write_call(sent.request, id, self._version, sent.more)

    def _post(self, request: Request, body: bytes) -> Answer:
        limit = first_limit(request)
        try:
            answer = self._http.post(body, _JSON, limit.deadline, self._headers, lambda: self._note(">", body))
            if answer.status == 409 and _SESSION in answer.headers:
                # Transmission: nothing was run, and it wants to be asked again with this.
                self._headers = [_ACCEPT, (_SESSION, answer.headers[_SESSION])]
                answer = self._http.post(body, _JSON, limit.deadline, self._headers, lambda: self._note(">", body))
        except DeadlineError as exc:
            raise limit.error(request) from exc
        self._note("<", answer.body)
        return answer

    @contextmanager
    def _naming(self, answer: Answer) -> Iterator[None]:
        """Say of an answer that makes no sense whose it is, and how it begins."""
        try:
            yield
        except codec.AnswerError as exc:
            raise RemoteProtocolError(
                f"{self._address}: {exc.message}: {first_line(answer.body)}", hint=exc.hint or "-v shows the exchange"
            ) from exc

    def _note(self, direction: str, body: bytes) -> None:
        """Tell a message to the trace, a secret in it left out."""
        if self._trace is None:
            return
        body = self._masked(body)
        self._trace(direction, body[:_SHOWN].decode("utf-8", "replace"), body)

    def _masked(self, body: bytes) -> bytes:
        return body.replace(self._secret.encode(), b"***") if self._secret else body

    def _body(self, answer: Answer, method: str) -> bytes:
        """The body of an answer, if it may be a reply; else the error that the answer means."""
        body = answer.body.lstrip(_BLANKS)
        if body[:1] in (b"{", b"[") or (200 <= answer.status < 300 and body and body[:1] != b"<"):
            return body
        if answer.status == 403:
            raise AuthError(
                f"{method}: the server answered 403 {answer.reason}".rstrip(), hint="is this address let in?"
            )
        if body.startswith(b"<?xml") or b"<methodResponse" in body[:500]:
            hint = f"xmlrpc+{str(self._address).removeprefix('jsonrpc+')}"
            raise RemoteProtocolError(f"{self._address}: the answer looks like XML-RPC, not JSON-RPC", hint=hint)
        if answer.status in (412, 415):
            raise RemoteProtocolError(
                f"{method}: the server takes no {_JSON}", hint="-H 'Content-Type: application/json-rpc'"
            )
        raise self._http.refusal(answer)
