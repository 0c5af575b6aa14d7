"""Calls the methods of an XML-RPC server: calls, batches, inspection. HTTP is in `rpcctl.http`."""

from collections.abc import Iterator, Sequence
from typing import Any

from rpcctl.address import Address
from rpcctl.described import from_plain
from rpcctl.errors import ArgumentError, DeadlineError, LocalProtocolError, RemoteProtocolError, RpcctlError
from rpcctl.http.client import Answer, HttpClient
from rpcctl.http.logins import read_secret
from rpcctl.interfaces import Preview, Settings
from rpcctl.limits import first_limit
from rpcctl.messages import (
    INSPECT,
    PING,
    Deadline,
    Description,
    Failure,
    MethodDescription,
    Reply,
    Request,
    Result,
    repr_of,
)

from . import codec, description, faults
from .reader import Fault
from .system import CAPABILITIES, HELP, LIST, MULTICALL, SIGNATURE

ARIA2 = "aria2"
"""The kind of login of `--auth aria2:file:PATH`: a token in front of a call's arguments."""
PATH = "/RPC2"
"""Asked for when the address names no path."""
_CHUNK = 50
"""Methods asked about in one batch; servers limit how many calls that may be."""
_SHOWN = 4096
_UNREAD = object()
"""Stands for an answer in which there is no reply."""


class Client:
    """Calls the methods of one server. Usable from one thread at a time; `close` from any."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Read what the options name; touches no network."""
        self._address = address
        self._settings = settings
        self._types = codec.types_of(settings.options)
        self._token = self._token_source = ""
        kind, _, source = (settings.options.get("auth") or "").partition(":")
        if kind == ARIA2:
            self._token_source = source
            # A login inside the message is none of HTTP's.
            settings = settings._replace(options={**settings.options, "auth": None})
        self._http = HttpClient(address, settings, PATH)

    def connect(self, deadline: Deadline) -> None:
        """Reach the server."""
        if self._token_source:
            self._token = f"token:{read_secret(self._token_source)}"
        self._http.connect(deadline)

    def send(self, request: Request) -> Iterator[Reply]:
        """Send on the first `next`; yield the one reply. Raises what `rpcctl.interfaces.Client.send` says."""
        if request.method == INSPECT:
            yield self._inspect(request)
        elif request.method == PING:
            yield self._ping(request)
        else:
            yield self._call(request)

    def send_batch(self, requests: Sequence[Request]) -> list[Reply | None]:
        """Send calls as one `system.multicall`, or one by one where the server has none; their replies in order.

        Until when to wait is what the first of them says.
        """
        if not requests:
            return []
        calls = [{"methodName": each.method, "params": list(self._with_token(each))} for each in requests]
        reply = self._call(requests[0]._replace(method=MULTICALL, args=(calls,)))
        if isinstance(reply, Result):
            return self._split(reply.value, requests)
        if reply.kind == "no_method":
            return [self._call(each) for each in requests]
        return [reply] * len(requests)

    def preview(self, request: Request) -> list[Preview]:
        """The head and the body of the request, `***` in place of a token."""
        if self._token_source and not self._token:
            self._token = "token:***"
        return self._http.preview(self._masked(self._write(request)), codec.CONTENT_TYPE)

    def close(self) -> None:
        """Free the connection; a call that waits raises ConnectionLostError."""
        self._http.close()

    def _call(self, request: Request) -> Result | Failure:
        body = self._write(request)
        limit = first_limit(request)
        try:
            answer = self._http.post(
                body, codec.CONTENT_TYPE, limit.deadline, note=lambda: self._tell_sent(request, body)
            )
        except DeadlineError as exc:
            raise limit.error(request) from exc
        reply = self._read(answer)
        return faults.from_fault(reply, request.method) if isinstance(reply, Fault) else Result(reply)

    def _tell_sent(self, request: Request, body: bytes) -> None:
        if self._settings.trace is not None:
            self._settings.trace(">", self._mask(f"{request.method} {list(request.args)!r}"), self._masked(body))

    def _tell_received(self, body: bytes, found: Any = _UNREAD) -> None:
        """Tell what an answer says, or what it is where it cannot be read."""
        if self._settings.trace is None:
            return
        if found is _UNREAD:
            shown = body[:_SHOWN].decode("utf-8", "replace")
        else:
            shown = f"fault {found.value!r}" if isinstance(found, Fault) else repr_of(found)
        self._settings.trace("<", shown, body)

    def _write(self, request: Request) -> bytes:
        try:
            return codec.write_call(request.method, self._with_token(request), self._types)
        except LocalProtocolError as exc:
            raise ArgumentError(f"{request.method}: {exc.message}") from exc

    def _masked(self, body: bytes) -> bytes:
        return self._mask(body.decode()).encode() if self._token else body

    def _mask(self, text: str) -> str:
        """The text without the token, however it is spelled there."""
        for spelled in (self._token, codec.escape(self._token), repr(self._token)[1:-1]) if self._token else ():
            text = text.replace(spelled, "token:***")
        return text

    def _with_token(self, request: Request) -> tuple[Any, ...]:
        # aria2's own methods want it first, those of system.* do not; within a multicall each call has its own.
        if not self._token or request.method.startswith("system."):
            return request.args
        return (self._token, *request.args)

    def _read(self, answer: Answer) -> Any:
        try:
            found = codec.read_reply(answer.body)
        except RemoteProtocolError as exc:
            self._tell_received(answer.body)
            raise self._explain(answer, exc) from exc
        self._tell_received(answer.body, found)
        return found

    def _explain(self, answer: Answer, exc: RemoteProtocolError) -> RpcctlError:
        """What to say of an answer that cannot be read, by what it looks like."""
        body = answer.body
        if codec.is_xmlrpc(body):
            return RemoteProtocolError(f"{self._address}: {exc.message}")
        if body.lstrip()[:1] in (b"{", b"["):
            hint = f"jsonrpc+{str(self._address).removeprefix('xmlrpc+')}"
            return RemoteProtocolError(f"{self._address}: the answer looks like JSON-RPC, not XML-RPC", hint=hint)
        return self._http.refusal(answer)

    def _split(self, found: Any, requests: Sequence[Request]) -> list[Reply | None]:
        if not isinstance(found, list) or len(found) != len(requests):
            raise RemoteProtocolError(f"{self._address}: the answer to {MULTICALL} does not fit its calls")
        values = [each for each in found if not faults.is_fault(each)]
        # Supervisor leaves out the array around each result.
        wrapped = all(isinstance(each, list) and len(each) == 1 for each in values)
        return [_read_item(each, wrapped, request.method) for each, request in zip(found, requests, strict=True)]

    def _ping(self, request: Request) -> Reply:
        reply = self._call(request._replace(method=CAPABILITIES, args=()))
        # A fault is as good a sign of life: few servers have that method.
        return Result(description.server_name(reply.value) if isinstance(reply, Result) else "")

    def _inspect(self, request: Request) -> Reply:
        own = self._call(request._replace(method=INSPECT, args=()))
        if isinstance(own, Result) and isinstance(own.value, dict):
            return Result(from_plain(own.value))
        # Others do not know it, and are asked by what the extensions have.
        listed = self._call(request._replace(method=LIST, args=()))
        if isinstance(listed, Failure):
            return listed
        names = [each for each in listed.value if isinstance(each, str)] if isinstance(listed.value, list) else []
        methods = [each for at in range(0, len(names), _CHUNK) for each in self._ask(request, names[at : at + _CHUNK])]
        return Result(Description("", tuple(methods)))

    def _ask(self, request: Request, names: Sequence[str]) -> list[MethodDescription]:
        """What the introspection extension tells of some methods; nothing is known of those it fails for."""
        asked = [request._replace(method=each, args=(name,)) for each in (HELP, SIGNATURE) for name in names]
        values = [each.value if isinstance(each, Result) else None for each in self.send_batch(asked)]
        return [
            description.from_parts(*parts)
            for parts in zip(names, values[: len(names)], values[len(names) :], strict=True)
        ]


def _read_item(found: Any, wrapped: bool, method: str) -> Reply:
    if faults.is_fault(found):
        return faults.from_struct(found, method)
    return Result(found[0] if wrapped else found)
