"""Calls the methods of Pyro's objects: calls, attributes, streams, batches, and what a server tells of itself.

How the connection is made, and made anew, is in `connection`; a call is never made twice.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from rpcctl.address import Address
from rpcctl.described import from_plain
from rpcctl.errors import RemoteProtocolError, RpcctlError
from rpcctl.interfaces import Preview, Settings
from rpcctl.limits import Limit, first_limit, next_limit
from rpcctl.messages import INSPECT, PING, Deadline, Description, End, Failure, Item, Reply, Request, Result
from rpcctl.outcomes import collect

from . import codec, faults
from .codec import Message
from .connection import Connection
from .conversation import Conversation, read_answer
from .description import DAEMON, META, from_metadata
from .goals import Goal, Goals

_BATCH = "<batch>"
_MOST_CALLS = 500
"""Calls in one message; servers limit them."""
_FAREWELL = Request("close_stream", oneway=True)
_PARTING = 1.0
"""Seconds for a word of farewell to leave."""


class Client:
    """Calls the methods of one object, or of all objects of a server. Threads that share it take turns."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Touches no network."""
        self._address = address
        self._settings = settings
        self._connection = Connection(address, settings)
        self._exchange = self._connection.exchange
        self._goals = Goals()

    def connect(self, deadline: Deadline) -> None:
        """Reach the object."""
        self._connection.connect(deadline)

    def send(self, request: Request) -> Iterator[Reply]:
        """Send on the first `next`; yield its replies. Raises what `rpcctl.interfaces.Client.send` says."""
        if request.method == INSPECT:
            yield self._inspect(request)
        elif request.method == PING:
            yield self._ping(request)
        else:
            yield from self._call(request)

    def send_batch(self, requests: Sequence[Request]) -> list[Reply | None]:
        """Send calls in as few messages as there can be; their replies in the same order, None for one-way calls.

        A server leaves off at the first call that fails: those after it go in a message of their own.
        """
        replies: list[Reply | None] = []
        while len(replies) < len(requests):
            rest = requests[len(replies) : len(replies) + _MOST_CALLS]
            goals = self._find_alike(rest)
            if len(goals) > 1:
                replies += self._send_calls(goals, rest)
            else:
                replies.append(collect(list(self._call(rest[0]))))
        return replies

    def preview(self, request: Request) -> list[Preview]:
        """The greeting and the call, as to a server that has the object."""
        from .previews import preview
        from .uri import place_of

        return preview(place_of(self._address).object, request, self._settings)

    def close(self) -> None:
        """Free the connection; a call that waits raises ConnectionLostError."""
        self._connection.close()

    def _call(self, request: Request) -> Iterator[Reply]:
        limit = first_limit(request)
        goal = self._find(request, limit)
        if goal is None:
            if not request.oneway:
                yield Failure("no_method", "AttributeError", request.method)
            return
        method, args = goal.spell(request.args)
        flags = codec.ONEWAY if request.oneway else 0
        answer = self._exchange(
            request, limit, lambda talk: talk.invoke(goal.object, method, args, request.kwargs, limit.deadline, flags)
        )
        if answer is None:
            return
        if answer.flags & codec.STREAM:
            yield from self._stream(request, answer)
        else:
            yield self._read(request, answer)

    def _read(self, request: Request, answer: Message) -> Result | Failure:
        value = self._value(answer)
        if not answer.flags & codec.EXCEPTION:
            return Result(value)
        if faults.hangs_up(value):
            self._connection.give_up()
        return faults.from_exception(value, request.method)

    def _value(self, answer: Message) -> Any:
        try:
            return read_answer(answer, self._settings.trace)
        except RemoteProtocolError as exc:
            raise RemoteProtocolError(f"{self._address}: {exc.message}") from exc

    def _stream(self, request: Request, answer: Message) -> Iterator[Reply]:
        stream = answer.annotations.get(codec.STREAM_ID, b"").decode("ascii", "replace")
        if not stream:
            yield Failure("remote", "ProtocolError", f"{request.method} yields items, and the server lets none through")
            return
        over, limit = False, first_limit(request)
        try:
            while not over:
                reply = self._next_item(request, stream, limit)
                limit = next_limit(request)
                over = not isinstance(reply, Item)
                yield reply
        finally:
            if not over:
                self._close_stream(stream)

    def _next_item(self, request: Request, stream: str, limit: Limit) -> Reply:
        answer = self._exchange(
            request, limit, lambda talk: talk.invoke(DAEMON, "get_next_stream_item", (stream,), {}, limit.deadline)
        )
        assert answer is not None
        if answer.flags & codec.EXCEPTION and faults.name_of(self._value(answer)) == faults.STREAM_END:
            return End()
        reply = self._read(request, answer)
        return Item(reply.value) if isinstance(reply, Result) else reply

    def _close_stream(self, stream: str) -> None:
        """Tell the server that nobody reads on; it finds out itself when this cannot be told."""
        until = Deadline.after(_PARTING)

        def close(talk: Conversation) -> None:
            talk.invoke(DAEMON, "close_stream", (stream,), {}, until, codec.ONEWAY)

        with suppress(RpcctlError):
            if self._connection.stands:
                self._exchange(_FAREWELL, Limit(until, "--timeout"), close)

    def _send_calls(self, goals: list[Goal], requests: Sequence[Request]) -> list[Reply | None]:
        """One message with these calls; the replies to as many of them as were run."""
        first, limit = requests[0], first_limit(requests[0])
        calls = [(goal.method, each.args, each.kwargs) for goal, each in zip(goals, requests, strict=False)]
        answer = self._exchange(
            first,
            limit,
            lambda talk: talk.invoke(goals[0].object, _BATCH, calls, None, limit.deadline, codec.BATCH),
        )
        assert answer is not None
        found = self._value(answer)
        if answer.flags & codec.EXCEPTION:
            if faults.hangs_up(found):
                self._connection.give_up()
            return [faults.from_exception(found, goal.method) for goal in goals]
        if not isinstance(found, list) or not 0 < len(found) <= len(calls):
            raise RemoteProtocolError(f"{self._address}: the answer to a batch does not fit its calls")
        return [_read_one(each, request.method) for each, request in zip(found, requests, strict=False)]

    def _ping(self, request: Request) -> Reply:
        limit = first_limit(request)

        def ping(talk: Conversation) -> str:
            talk.ping(limit.deadline)
            return str(talk.greeting.get("name", ""))

        return Result(self._exchange(request, limit, ping, first=True))

    def _inspect(self, request: Request) -> Reply:
        limit = first_limit(request)
        talk = self._exchange(request, limit, lambda talk: talk, first=True)
        if talk.greeting and talk.name != DAEMON:
            answer = self._exchange(
                request, limit, lambda talk: talk.invoke(META, "describe", (talk.name,), {}, limit.deadline)
            )
            assert answer is not None
            reply = self._read(request, answer)
            return Result(from_plain(reply.value)) if isinstance(reply, Result) else reply
        methods = from_metadata(talk.metadata)
        if talk.name == DAEMON:
            methods += self._exchange(request, limit, lambda talk: self._goals.list_all(talk, limit.deadline))
        return Result(Description("" if talk.name == DAEMON else talk.name, tuple(methods)))

    # What a name means.

    def _find_alike(self, requests: Sequence[Request]) -> list[Goal]:
        """What the first of the requests mean, as many as can go in one message."""
        found: list[Goal] = []
        for each in requests:
            goal = None if each.oneway else self._find(each, first_limit(requests[0]))
            if goal is None or goal.attribute or (found and goal.object != found[0].object):
                break
            found.append(goal)
        return found

    def _find(self, request: Request, limit: Limit) -> Goal | None:
        """The method meant, which a server may have been given since we asked; None when there is none."""

        def find(talk: Conversation) -> Goal | None:
            known = self._goals.find(talk, request.method)
            return known or self._goals.ask(talk, request.method, limit.deadline)

        return self._exchange(request, limit, find, first=True)


def _read_one(found: Any, method: str) -> Reply:
    failed = faults.unwrap(found)
    return Result(found) if failed is None else faults.from_exception(failed, method)
