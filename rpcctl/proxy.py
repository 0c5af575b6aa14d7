"""A server's methods over other protocols: calls come in on one wire and are made on another.

    with Proxy("tcp://legacy:4242", "http://127.0.0.1:8080/") as proxy:
        print(proxy.addresses)

Arguments and results are made plain for the wire they go to, errors pass as they are, and what a wire cannot carry is
refused by name. No protocol is known here.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from threading import Lock
from typing import Any

from rpcctl.address import Address
from rpcctl.api import Connection, load_target
from rpcctl.errors import RpcctlError, UsageError
from rpcctl.interfaces import Handler
from rpcctl.listening import Listening, make_settings
from rpcctl.messages import FAILURES, Description, Encoding, Failure, Item, Reply, Request, Result, Trace
from rpcctl.outcomes import silently
from rpcctl.pool import DEFAULT_CONNECTIONS, NoRoomError, Pool
from rpcctl.service.executor import make_executor
from rpcctl.service.outcome import OnDone
from rpcctl.service.plain import NotPlainError, plain

_NOT_RUN = frozenset({"connect", "resolve", "tls", "cert", "auth"})
"""Kinds of errors that come before a call: it was not run, and can be made again."""


class Upstream:
    """The server behind a proxy; `dispatch` is a Handler."""

    def __init__(self, pool: Pool, encoding: Encoding, *, max_items: int = 10_000) -> None:
        """`encoding` is the one of the wire that the pool's connections speak."""
        self._pool = pool
        self._encoding = encoding
        self._plain = partial(plain, max_items=max_items)

    def dispatch(self, request: Request) -> Iterator[Reply]:
        """Have the server run one call; a Failure when it cannot be reached, was lost, or cannot be told all of it."""
        replies = self._replies(request)
        return silently(replies) if request.oneway else replies

    def _replies(self, request: Request) -> Iterator[Reply]:
        try:
            with self._pool.lend() as connection:
                for reply in connection.send(translate(request, connection)):
                    yield self._translate_back(reply, request)
        except NoRoomError as exc:
            yield Failure("busy", "ServerBusy", str(exc))
        except RpcctlError as exc:
            yield to_failure(exc)

    def _translate_back(self, reply: Reply, request: Request) -> Reply:
        if isinstance(reply, Failure) and reply.kind != "remote":
            return _translate_refusal(reply)
        if not isinstance(reply, (Result, Item)) or isinstance(reply.value, Description):
            return reply
        encoding = request.encoding
        if encoding.name == self._encoding.name:
            return reply
        try:
            return type(reply)(self._plain(reply.value, encoding))
        except NotPlainError as exc:
            return Failure("remote", "TypeError", f"the result of {request.method} cannot be sent: {exc}")


def _translate_refusal(failure: Failure) -> Failure:
    """Of a call that the method did not answer: each wire has its own numbers and words for these."""
    name = "NameError" if failure.kind == "no_method" else failure.type
    return failure._replace(type=name, code=None, module="", args=None)


def translate(request: Request, connection: Connection) -> Request:
    """The request as the connection's wire carries it; ArgumentError or UsageError names what it cannot carry."""
    made = connection.request(
        request.method,
        request.args,
        request.kwargs,
        oneway=request.oneway,
        fanout=request.fanout,
        context=request.context,
    )
    return made._replace(deadline=made.deadline.sooner(request.deadline), limit=made.limit.sooner(request.limit))


def to_failure(error: RpcctlError) -> Failure:
    """What a caller is told of an error on the way to the server."""
    name = type(error).__name__
    if error.kind in _NOT_RUN:
        return Failure("busy", name, f"the server behind this proxy cannot be reached: {error.message}")
    if isinstance(error, UsageError):
        return Failure("arguments", name, error.message)
    return Failure(error.kind if error.kind in FAILURES else "remote", name, error.message)


class Proxy(Listening):
    """One server's methods at other addresses, in threads of this process. Every call has a connection to itself."""

    def __init__(
        self,
        upstream: str | Address,
        *addresses: str | Address,
        proto: str | None = None,
        connections: int = DEFAULT_CONNECTIONS,
        executor: str = "threads",
        max_concurrent: int = 16384,
        max_wait: float = 10.0,
        max_message: int = 64 * 1024 * 1024,
        max_items: int = 10_000,
        allow_remote: bool = False,
        options: Mapping[str, Any] | None = None,
        trace: Trace | None = None,
        on_done: OnDone | None = None,
        note: Callable[[str], None] | None = None,
        upstream_options: Mapping[str, Any] | None = None,
        **connecting: Any,
    ) -> None:
        """Touches no network. `proto` and `upstream_options` are for the upstream address, `options` for those to bind.

        At most `connections` are open at a time; a call waits up to `max_wait` seconds for one. `connecting` are
        keywords of `rpcctl.Connection`, as `timeout`; the others are those of `rpcctl.Server`. UsageError when other
        machines could reach what only this one could before, unless `allow_remote`.
        """
        keywords = {**connecting, "max_message": max_message, "trace": trace, "load": _Shared(load_target)}
        keywords["options"] = upstream_options
        make: Callable[[], Connection] = partial(Connection, upstream, proto=proto, **keywords)
        first = make()
        self.upstream = first.address
        self.pool = Pool(make, connections, max_wait)
        super().__init__(
            Upstream(self.pool, first.info.encoding, max_items=max_items).dispatch,
            make_executor(
                executor, call_timeout=None, max_concurrent=max_concurrent, max_wait=max_wait, on_done=on_done
            ),
            addresses,
            proto=None,
            settings=make_settings(max_message, max_items, trace, note),
            options=options,
            allow_remote=allow_remote,
        )
        self.executor.hosts_guests = False
        if not allow_remote:
            _refuse_remote(self.upstream, self.addresses)

    def __enter__(self) -> "Proxy":
        """Bind and serve; whether the server can be reached shows with the first call."""
        self.start()
        return self

    def describe(self, *, retry: int = 0, retry_delay: float = 1.0) -> Description | None:
        """What the server says of itself; None when it says nothing. TransportError when it cannot be reached."""
        with self.pool.lend(retry=retry, retry_delay=retry_delay) as connection:
            if "inspect" not in connection.info.features:
                return None
            try:
                return connection.describe()
            except RpcctlError:
                return None

    def reload(self) -> None:
        """Dial anew from the next call on, and let the servers read their files again."""
        self._reload_files()
        self.pool.renew()

    def _release(self) -> None:
        self.pool.close()


class _Shared:
    """A target in this process is loaded once for all connections, so that it has one state."""

    def __init__(self, load: Callable[[str], Handler]) -> None:
        self._load = load
        self._lock = Lock()
        self._handlers: dict[str, Handler] = {}

    def __call__(self, text: str) -> Handler:
        with self._lock:
            if text not in self._handlers:
                self._handlers[text] = self._load(text)
            return self._handlers[text]


def _refuse_remote(upstream: Address, addresses: list[Address]) -> None:
    for address in addresses:
        if not address.is_loopback():
            raise UsageError(
                f"{address} is reachable from other machines, and whoever reaches it could call all of {upstream}",
                hint="bind 127.0.0.1, or add --allow-remote",
            )
