"""Calls what is served behind a broker, in any dialect: calls, casts, notifications, and what is known of a topic.

The client declares nothing that others share: a missing exchange or queue means that nobody has ever served it, and
is told at once. A call expires in its queue when its caller has given up.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from threading import Lock
from typing import Any

from rpcctl.address import Address
from rpcctl.errors import ConnectError, ConnectionLostError, MethodNotFoundError
from rpcctl.interfaces import Preview, Settings
from rpcctl.limits import first_limit
from rpcctl.messages import (
    INSPECT,
    PING,
    Deadline,
    Failure,
    Notification,
    Presence,
    Reply,
    Request,
    Result,
    Subscription,
)

from .codec import Ids
from .conversation import Conversation
from .description import from_plain
from .dialects import dialect_of
from .layout import Kind
from .link import Link, exists
from .links import link_of
from .pipeline import Pipeline
from .serializer import load_serializer
from .spelling import Speller, read_context, show

_PROBE = Ids("0" * 32, f"reply_{'0' * 32}", "0" * 32)


class Client:
    """Calls the methods of one topic. Usable from one thread at a time; `close` from any."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Read the options; touches no network."""
        self._address = address
        self._settings = settings
        self._dialect = dialect_of(address, settings.options, settings.max_message)
        self._context = read_context(settings.options)
        self._serializer = load_serializer(address, settings.options)
        self._speller = Speller(self._dialect, settings, self._context, self._serializer)
        self._link: Link | None = None
        self._conversation: Conversation | None = None
        self._turn = Lock()
        self._pipeline = Pipeline(self._turn)
        self._closed = False

    def connect(self, deadline: Deadline) -> None:
        """Reach the broker and log in."""
        if self._closed:
            raise self._closed_error()
        if self._conversation is not None and not self._conversation.over:
            return
        link = self._link = link_of(self._address, self._settings)
        self._note(f"connecting to {self._address}")
        link.open(deadline)
        self._note("connected")
        if link.virtual:
            # Exchanges are known to the process that declared them, and to no other.
            for each in self._dialect.layout("", "", Kind()).exchanges:
                link.declare_exchange(each.name, each.kind)
        self._conversation = Conversation(link, self._dialect, self._address, self._settings, self._speller)

    def send(self, request: Request) -> Iterator[Reply]:
        """Send on the first `next`; yield the reply. A one-way call returns when the broker has it in a queue."""
        if request.oneway:
            return self._cast(request)
        if request.method == INSPECT:
            return self._inspect(request)
        if request.method == PING:
            return self._ping(request)
        return self._call(request)

    def send_batch(self, requests: Sequence[Request]) -> list[Reply | None]:
        """Send all, then take the replies as they come: in the order of the requests, None for one-way calls."""
        if not requests:
            return []
        with self._one_at_a_time(requests[0]):
            conversation = self._ready(requests[0])
            for each in requests:
                self._speller.spell(each, _PROBE)  # What cannot be sent is refused before anything is.
            replies = conversation.ask_all(requests)
        return [None if each.oneway else reply for each, reply in zip(requests, replies, strict=True)]

    def start(self, request: Request) -> int:
        """Send a call and return at once; a number that stands for it."""
        with self._one_at_a_time(request):
            return self._pipeline.start(self._ready(request), request)

    def collect(self, deadline: Deadline) -> list[tuple[int, Reply]]:
        """The replies that have arrived of the calls that were started; waits for one until the deadline."""
        with self._turn:
            return self._pipeline.collect(deadline)

    def abandon(self, call: int) -> None:
        """Take in nothing more of a call that was started."""
        with self._turn:
            self._pipeline.abandon(call)

    def preview(self, request: Request) -> list[Preview]:
        """The body of the request; the ids in it would be others."""
        ids = _PROBE._replace(id="", reply_to="") if request.oneway else _PROBE
        message = self._speller.spell(request, ids)
        return [Preview(show(request, message), message.body)]

    def notify(self, notification: Notification, deadline: Deadline) -> None:
        """Hand a notification over to the broker, into a queue that waits for whoever listens."""
        from .notifier import notify

        self.connect(deadline)
        assert self._link is not None
        notification = self._serializer.encode_payload(notification)
        notify(self._link, notification, self._settings.options, self._context, deadline)

    def listen(self, subscription: Subscription) -> Iterator[Notification]:
        """Notifications as they come; one is done with when the next is asked for. Goes on when the broker is lost."""
        from .listener import Listener

        with closing(Listener(self._address, self._settings, self._adopt).listen(subscription)) as found:
            for each in found:
                yield each if subscription.tap else self._serializer.decode_payload(each)

    def close(self) -> None:
        """Free the connection; calls that wait raise ConnectionLostError."""
        self._closed = True
        self._pipeline.close()
        conversation, link = self._conversation, self._link
        if conversation is not None and self._turn.acquire(blocking=False):
            try:
                conversation.close()
            finally:
                self._turn.release()
        elif link is not None:
            # Whoever waits there gets to know, and lets go of it.
            link.abort()

    def _adopt(self, link: Link) -> bool:
        """Take a listener's connection, so that `close` ends it; whether this client is still open."""
        self._link = link
        return not self._closed

    def _call(self, request: Request) -> Iterator[Reply]:
        yield self._ask(request)

    def _cast(self, request: Request) -> Iterator[Reply]:
        self._ask(request)
        yield from ()

    def _ask(self, request: Request) -> Reply:
        with self._one_at_a_time(request):
            return self._ready(request).ask(request)

    @contextmanager
    def _one_at_a_time(self, request: Request) -> Iterator[None]:
        """Inside, the connection is this thread's; DeadlineError when it is another's for too long."""
        limit = first_limit(request)
        left = limit.deadline.remaining()
        if not self._turn.acquire(timeout=-1 if left is None else left):
            raise limit.error(request)
        try:
            yield
        finally:
            self._turn.release()

    def _ping(self, request: Request) -> Iterator[Reply]:
        """Any reply is a sign of life; only our own servers tell a name."""
        with self._one_at_a_time(request):
            conversation = self._ready(request)
            notes = self._look(conversation)
            reply = conversation.ask(request)
        name = reply.value if isinstance(reply, Result) and isinstance(reply.value, str) else ""
        yield Result(Presence(name, notes))

    def _inspect(self, request: Request) -> Iterator[Reply]:
        reply = self._ask(request)
        if isinstance(reply, Result):
            yield Result(from_plain(reply.value))
        elif isinstance(reply, Failure) and reply.kind in ("no_method", "remote"):
            with self._one_at_a_time(request):
                notes = Presence("", self._look(self._ready(request)))
            raise MethodNotFoundError(
                f"{self._address}: a server is there, but does not tell its methods: {reply.type}",
                hint=f"only rpcctl's own do; {notes.describe()}",
            )
        else:
            yield reply

    def _look(self, conversation: Conversation) -> dict[str, Any]:
        """What the broker says of the queue; ConnectError when nobody takes from it."""
        assert self._link is not None
        if self._link.virtual:
            return {}
        name = self._dialect.queue()
        queue = exists(self._link, name)
        if queue is None:
            raise conversation.unserved("ping")
        if not queue.consumers:
            raise ConnectError(
                f"{self._address}: no server takes from the queue {name!r}, where {queue.messages} messages wait",
                hint="they are kept until one is started" if queue.messages else "rpcctl wait ADDRESS waits for one",
            )
        return {"queue": name, "waiting": queue.messages, "consumers": queue.consumers}

    def _ready(self, request: Request) -> Conversation:
        """The conversation; begun anew when its connection was lost, or was silent until the broker gave it up."""
        if self._closed:
            raise self._closed_error()
        if self._conversation is None or self._conversation.is_stale():
            self.connect(first_limit(request).deadline)
        assert self._conversation is not None
        return self._conversation

    def _note(self, text: str) -> None:
        if self._settings.trace is not None:
            self._settings.trace("*", text, None)

    def _closed_error(self) -> ConnectionLostError:
        return ConnectionLostError(f"{self._address}: the connection is closed")
