"""Calls under way together on one connection, as far as its wire can: each sent at once, all in a message, or in turn.

The caller starts each with a key of its own, and collects one reply for each, in any order.

    calls = open_pipeline(connection, client)
    calls.start("a", connection.request("add", (2, 3)))
    for key, reply in calls.collect(NEVER): ...
"""

from collections.abc import Hashable
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from rpcctl.errors import ArgumentError, ConnectionLostError, DeadlineError, ProtocolError
from rpcctl.interfaces import Client, PipelineClient
from rpcctl.messages import ENDS, Deadline, Failure, Reply, Request
from rpcctl.outcomes import collect, to_failure

if TYPE_CHECKING:
    from rpcctl.api import Connection

MAX_ITEMS = 10_000
"""Longest stream that is kept, to be given as a list."""
Answers = list[tuple[Hashable, Reply | None]]
"""Keys, each with the one reply of its call; None where there is none."""


class Pipeline(Protocol):
    """Calls under way."""

    parallel: bool
    """Whether more than one of them can be."""

    def __len__(self) -> int:
        """How many are."""

    def start(self, key: Hashable, request: Request) -> None:
        """Begin a call that is not one-way; raises what `rpcctl.interfaces.Client.send` says, for what kept it back."""

    def collect(self, deadline: Deadline) -> Answers:
        """The calls that are over; if there are none, those that are so first until the deadline.

        A call without a reply ends with a Failure `timeout`, `lost` or `protocol`. What is raised concerns all.
        """


def open_pipeline(connection: "Connection", client: Any) -> Pipeline:
    """The way that the wire has of making several calls at once."""
    features = connection.info.features
    if "pipeline" in features:
        return Pipelined(client)
    return Together(connection, client) if "batch" in features else InTurn(client)


class Pipelined:
    """Each call is sent when it is started."""

    parallel = True

    def __init__(self, client: PipelineClient) -> None:
        """The client is connected."""
        self._client = client
        self._keys: dict[int, Hashable] = {}
        self._streams: dict[int, list[Reply]] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def start(self, key: Hashable, request: Request) -> None:
        """Send it."""
        self._keys[self._client.start(request)] = key

    def collect(self, deadline: Deadline) -> Answers:
        """What has arrived."""
        found: Answers = []
        while not found and self._keys:
            for number, reply in self._client.collect(deadline):
                if number in self._keys:
                    found += self._take(number, reply)
            if deadline.expired():
                break
        return found

    def _take(self, number: int, reply: Reply) -> Answers:
        if isinstance(reply, ENDS):
            return [(self._keys.pop(number), collect([*self._streams.pop(number, ()), reply]))]
        items = self._streams.setdefault(number, [])
        items.append(reply)
        if len(items) <= MAX_ITEMS:
            return []
        self._client.abandon(number)
        del self._streams[number]
        return [(self._keys.pop(number), _TOO_LONG)]


class Together:
    """Calls wait until they are collected, and then go as one message."""

    parallel = True

    def __init__(self, connection: "Connection", client: Client) -> None:
        """The connection has the feature `batch`."""
        self._connection = connection
        self._client = client
        self._waiting: dict[Hashable, Request] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self, key: Hashable, request: Request) -> None:
        """Put it with the others."""
        self._waiting[key] = request

    def collect(self, deadline: Deadline) -> Answers:
        """Send them and wait for all; the requests' own limits decide how long."""
        requests = list(self._waiting.values())
        try:
            replies = self._send(requests)
        except (DeadlineError, ConnectionLostError, ProtocolError) as exc:
            replies = [to_failure(exc)] * len(requests)
        keys, self._waiting = list(self._waiting), {}
        return list(zip(keys, replies, strict=True))

    def _send(self, requests: list[Request]) -> list[Reply | None]:
        if len(requests) == 1:
            return [_send_alone(self._client, requests[0])]
        try:
            return self._connection.send_batch(requests)
        except ArgumentError:
            # Nothing was sent. Which of them cannot be, or that only all together are too large, each one tells alone.
            return [_send_alone(self._client, each) for each in requests]


class InTurn:
    """One call at a time, made when it is collected."""

    parallel = False

    def __init__(self, client: Client) -> None:
        """The client is connected."""
        self._client = client
        self._waiting: dict[Hashable, Request] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self, key: Hashable, request: Request) -> None:
        """Keep it for its turn."""
        self._waiting[key] = request

    def collect(self, deadline: Deadline) -> Answers:
        """Make the oldest call; its own limits decide how long."""
        for key, request in islice(self._waiting.items(), 1):
            reply = _send_alone(self._client, request)
            del self._waiting[key]
            return [(key, reply)]
        return []


def _send_alone(client: Client, request: Request) -> Reply | None:
    replies = client.send(request)
    try:
        found = list(islice(replies, MAX_ITEMS + 2))
    except (DeadlineError, ConnectionLostError, ProtocolError) as exc:
        return to_failure(exc)
    except ArgumentError as exc:
        return Failure("arguments", "ArgumentError", exc.message)
    finally:
        close = getattr(replies, "close", None)
        if close is not None:
            close()
    return collect(found) if not found or isinstance(found[-1], ENDS) else _TOO_LONG


_TOO_LONG = Failure(
    "protocol", "StreamTooLong", f"a stream of more than {MAX_ITEMS} items, which is too long to be kept as a list"
)
