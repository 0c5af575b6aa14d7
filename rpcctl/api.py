"""The calling side for people and for the command line: one connection, the same for every protocol.

    with connect("tcp://127.0.0.1:4242", timeout=5) as server:
        server.add(2, 3)                      # by attribute
        server.call("add", 2, 3)              # by name
        for item in server.count(10): ...     # a stream is iterated as it arrives

What a wire cannot carry is refused here, by INFO's features and before anything is sent.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rpcctl import registry
from rpcctl.address import Address
from rpcctl.errors import (
    ArgumentError,
    ConnectError,
    RemoteProtocolError,
    ResolveError,
    UsageError,
)
from rpcctl.interfaces import FEATURES, Handler, Preview, ProtocolInfo, Settings
from rpcctl.messages import (
    INSPECT,
    PING,
    Deadline,
    Description,
    End,
    Failure,
    Item,
    Notification,
    Presence,
    Reply,
    Request,
    Subscription,
    Trace,
)
from rpcctl.replies import read_result, to_error
from rpcctl.settings import check_given, fill_options

if TYPE_CHECKING:
    from rpcctl.batch import Batch
    from rpcctl.pipeline import Pipeline


class Connection:
    """A connection to one server. Its methods are called by name, or by attribute where the name allows it.

    Usable from one thread at a time. Close it, or use it as a context manager.
    """

    def __init__(
        self,
        address: str | Address,
        *,
        proto: str | None = None,
        timeout: float | None = 30.0,
        connect_timeout: float | None = 5.0,
        item_timeout: float | None = None,
        max_time: float | None = None,
        max_message: int = 64 * 1024 * 1024,
        options: Mapping[str, Any] | None = None,
        trace: Trace | None = None,
        load: Callable[[str], Handler] | None = None,
        note: Callable[[str], None] | None = None,
    ) -> None:
        """Parse the address; touches no network.

        All times are seconds, None for no limit: `timeout` to the first reply of a call, `connect_timeout` until the
        connection stands, `item_timeout` between two items of a stream, `max_time` for a whole call. `options` are the
        protocol's own, as in the address's query; AddressError or UsageError when one of them is wrong. `load` makes a
        handler of a target in this process; several connections can share one by it.
        """
        self.address = read_address(address, proto, options or {})
        self.info: ProtocolInfo = registry.find(self.address.protocol)
        self.timeout = timeout
        self.item_timeout = item_timeout
        self.max_time = max_time
        check_given([self.info], "client", options or {})
        own = fill_options(self.info, "client", self.address, options or {}, os.environ)
        self.info = self.info._replace(features=self.info.dialects.get(own.get("dialect", ""), self.info.features))
        if own.get("decimal"):
            self.info = self.info._replace(encoding=self.info.encoding._replace(exact=True))
        self._settings = Settings(own, connect_timeout, max_message, trace, load=load or load_target)
        self._settings = self._settings._replace(note=note or self._settings.note)
        self._client = registry.client(self.address, self._settings)
        self._connected = False
        self._closed = False

    def __enter__(self) -> "Connection":
        """Connect; closed when that fails."""
        try:
            self.connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        """Close."""
        self.close()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """A remote method as a function; names with an underscore first are never remote."""
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self.call(name, *args, **kwargs)

    def connect(self, *, retry: int = 0, retry_delay: float = 1.0, deadline: Deadline | None = None) -> None:
        """Reach the server, trying `retry` times more with `retry_delay` seconds between; a call is never repeated."""
        if self._connected:
            return
        deadline = deadline or Deadline.after(self.timeout)
        for attempt in range(retry + 1):
            try:
                self._client.connect(deadline)
                self._connected = True
                return
            except (ResolveError, ConnectError):
                left = deadline.remaining()
                if attempt == retry or (left is not None and left <= retry_delay):
                    raise
                self._client.close()
                time.sleep(retry_delay)
                if self._closed:
                    raise
                self._client = registry.client(self.address, self._settings)

    def close(self) -> None:
        """Free the connection; safe to repeat, and from any thread."""
        self._closed = True
        self._client.close()

    def request(
        self, method: str, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None, **more: Any
    ) -> Request:
        """A Request with this connection's time limits, its values made plain for the wire.

        ArgumentError names the value that cannot go, and where in it.
        """
        made = Request(
            method,
            args,
            kwargs or {},
            deadline=Deadline.after(self.timeout),
            limit=Deadline.after(self.max_time),
            item_timeout=self.item_timeout,
            **more,
        )
        check_request(self.info, made)
        return made._replace(
            args=tuple(_make_plain(value, f"argument {n}", self.info) for n, value in enumerate(args, 1)),
            kwargs={name: _make_plain(value, f"argument {name}", self.info) for name, value in made.kwargs.items()},
        )

    def send(self, request: Request) -> Iterator[Reply]:
        """Send a request made by `request`; yields its replies, a Failure as data."""
        if not self._connected:
            self.connect()
        return self._client.send(request)

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method; its value, or a `Stream` when it yields items. Raises CallError for what the method raised."""
        replies = self.send(self.request(method, args, kwargs))
        first = next(replies, None)
        if isinstance(first, (Item, End)):
            return Stream(first, replies)
        return read_result(first, self.address, method, self.info)

    def cast(self, method: str, *args: Any, **kwargs: Any) -> None:
        """Send a one-way call: returns when the message is handed over, and says nothing of its fate."""
        for reply in self.send(self.request(method, args, kwargs, oneway=True)):
            if isinstance(reply, Failure):
                raise to_error(reply, str(self.address), method, oneway=True, info=self.info)

    def batch(self) -> "Batch":
        """An empty batch: calls that are sent together."""
        from rpcctl.batch import Batch

        return Batch(self)

    def send_batch(self, requests: list[Request]) -> list[Reply | None]:
        """Send requests made by `request` in one message if the wire has such; one reply for each, None for none."""
        if not self._connected:
            self.connect()
        if "batch" in self.info.features:
            client: Any = self._client
            return list(client.send_batch(requests))
        from rpcctl.outcomes import collect

        return [collect(list(self._client.send(each))) for each in requests]

    def pipeline(self) -> "Pipeline":
        """A way to have several calls under way, with requests made by `request`; connected first if need be."""
        from rpcctl.pipeline import open_pipeline

        self.connect()
        return open_pipeline(self, self._client)

    def renew(self) -> None:
        """Drop what connection there is: the next call makes a new one."""
        self._client.close()
        self._client = registry.client(self.address, self._settings)
        self._connected = False

    def notify(self, notification: Notification) -> None:
        """Hand a notification over; UsageError when the wire has none."""
        self._require("notify")
        if not self._connected:
            self.connect()
        plain = notification._replace(payload=_make_plain(notification.payload, "the payload", self.info))
        client: Any = self._client
        client.notify(plain, Deadline.after(self.timeout))

    def listen(self, subscription: Subscription) -> Iterator[Notification]:
        """Notifications as they come, for as long as the subscription says; UsageError when the wire has none."""
        self._require("notify")
        client: Any = self._client
        found: Iterator[Notification] = client.listen(subscription)
        return found

    def _require(self, feature: str) -> None:
        if feature not in self.info.features:
            raise UsageError(
                f"{self.info.scheme} has no {FEATURES[feature]}", hint="rpcctl protocols shows what each can do"
            )

    def describe(self) -> Description:
        """Ask the server what can be called."""
        description = read_result(next(self.send(self.request(INSPECT)), None), self.address, INSPECT)
        if not isinstance(description, Description):
            raise RemoteProtocolError(f"{self.address} gave no description of itself")
        return description

    def ping(self) -> str:
        """Make one round trip; the server's name, or an empty text."""
        return self.presence().name

    def presence(self) -> Presence:
        """Make one round trip; the server's name, and what its wire tells beside it."""
        found = read_result(next(self.send(self.request(PING)), None))
        return found if isinstance(found, Presence) else Presence(str(found or ""))


class Stream:
    """The items of a stream, in the order in which they arrive. Iterate once; `close` abandons the rest."""

    def __init__(self, first: Reply, replies: Iterator[Reply]) -> None:
        """Go on from the first reply, which has been received."""
        self._first: Reply | None = first
        self._replies = replies

    def __iter__(self) -> "Stream":
        """Itself."""
        return self

    def __next__(self) -> Any:
        """The next item; raises CallError when the stream failed."""
        reply = self._first or next(self._replies, None)
        self._first = None
        if isinstance(reply, Item):
            return reply.value
        if isinstance(reply, Failure):
            raise to_error(reply)
        raise StopIteration

    def close(self) -> None:
        """Wait for no more; safe to repeat."""
        self._first = None
        close = getattr(self._replies, "close", None)
        if close is not None:
            close()


def read_address(address: str | Address, proto: str | None, options: Mapping[str, Any]) -> Address:
    """The address as it was given, with what the options say of the protocol where it leaves that open."""
    return registry.parse_address(address, proto, options.get("path")) if isinstance(address, str) else address


def connect(address: str, *, timeout: float | None = 30.0, **options: Any) -> Connection:
    """Connect to the server at an address as `rpcctl call` takes it; keywords as for `Connection`."""
    connection = Connection(address, timeout=timeout, **options)
    return connection.__enter__()  # Which closes it when it cannot connect.


def preview(connection: Connection, request: Request) -> list[Preview]:
    """What would be sent for a request made by the connection; touches no network. UsageError where none can tell."""
    client: Any = connection._client
    if not hasattr(client, "preview"):
        raise UsageError(f"{connection.info.scheme} cannot tell what it would send")
    found: list[Preview] = client.preview(request)
    return found


def write_snippet(connection: Connection, request: Request, form: str) -> str:
    """The same call for people without rpcctl; `form` is one of `info.snippets`, UsageError otherwise."""
    return registry.snippet(connection.info, form)(connection.address, request, connection._settings)


def check_request(info: ProtocolInfo, request: Request) -> None:
    """Refuse what the wire cannot carry, naming it: ArgumentError or UsageError."""
    if request.kwargs and "kwargs" not in info.features:
        name = next(iter(request.kwargs))
        raise ArgumentError(
            f"{info.scheme} has no named arguments: {name}=… cannot be sent",
            hint=f"pass it by position, or as text with =={name}=…",
        )
    if request.args and "args" not in info.features:
        raise ArgumentError(f"{info.scheme} has no arguments by position", hint="name each one, as in name=value")
    wanted = {"fanout": request.fanout, "oneway": request.oneway, "inspect": request.method == INSPECT}
    for feature, asked in wanted.items():
        if asked and feature not in info.features:
            raise UsageError(
                f"{info.scheme} has no {FEATURES[feature]}", hint="rpcctl protocols shows what each can do"
            )


def _make_plain(value: Any, place: str, info: ProtocolInfo) -> Any:
    """The value as the wire can carry it; the commonest ones skip the import of the normaliser."""
    kind = type(value)
    if value is None or kind is bool or kind is str or (kind is int and -0x80000000 <= value < 0x80000000):
        return value
    from rpcctl.service.plain import NotPlainError, plain

    try:
        return plain(value, info.encoding)
    except NotPlainError as exc:
        raise ArgumentError(f"{place}: {exc}") from None


def load_target(text: str) -> Handler:
    """The handler of a target in this process, made anew each time; TargetError when it is missing or broken."""
    from rpcctl.hosting import load_service

    return load_service((text,)).dispatch
