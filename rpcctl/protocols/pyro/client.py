"""Calls the methods of Pyro's objects: calls, attributes, streams, batches, and what a server tells of itself.

A connection that a time limit or an error has left in an unknown state is given up, and made anew for the next call; a
call is never made twice.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from rpcctl.address import Address
from rpcctl.described import from_plain
from rpcctl.errors import ConnectionLostError, DeadlineError, RemoteProtocolError
from rpcctl.interfaces import Preview, Settings
from rpcctl.limits import Limit, first_limit, next_limit
from rpcctl.messages import (
    INSPECT,
    PING,
    Deadline,
    Description,
    End,
    Failure,
    Item,
    Reply,
    Request,
    Result,
)
from rpcctl.outcomes import collect
from rpcctl.turn import Turn

from . import codec, faults
from .codec import Message
from .conversation import Conversation, codings_of, flags_of, pack_call
from .description import DAEMON, META, WHOLE, from_metadata
from .encodings import Call
from .goals import Goal, Goals
from .opening import open_place
from .uri import place_of

_Found = TypeVar("_Found")
_BATCH = "<batch>"
_MOST_CALLS = 500
"""Calls in one message; servers limit them."""
_PARTING = 1.0
"""Seconds for a word of farewell to leave."""


class Heard(NamedTuple):
    """An answer, and the value in it."""

    message: Message
    value: Any


class Client:
    """Calls the methods of one object, or of all objects of a server. Usable from one thread; `close` from any."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Touches no network."""
        self._address = address
        self._place = place_of(address)
        self._settings = settings
        self._conversation: Conversation | None = None
        self._closed = False
        self._goals = Goals()
        self._turn = Turn(address)

    def connect(self, deadline: Deadline) -> None:
        """Reach the object."""
        if self._closed:
            raise ConnectionLostError("the connection is closed")
        if self._conversation is None:
            self._conversation = open_place(self._place, self._settings, deadline, str(self._address))
            if self._closed:
                self._give_up()

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
            limit = first_limit(rest[0])
            goals = self._exchange(rest[0], limit, partial(self._find_alike, requests=rest, limit=limit))
            if len(goals) > 1:
                replies += self._send_calls(goals, rest)
            else:
                replies.append(collect(list(self._call(rest[0]))))
        return replies

    def preview(self, request: Request) -> list[Preview]:
        """The call, as if the object had such a method: what it has, only its server knows."""
        coding = codings_of(self._settings)[0]
        flags = flags_of(self._settings) | (codec.ONEWAY if request.oneway else 0)
        call = Call(self._place.object or WHOLE, request.method, request.args, request.kwargs)
        data = pack_call(coding, call, flags, codec.next_sequence(0), self._settings.max_message)
        shown = f"{call.object}.{call.method} {list(call.args)!r} {dict(call.kwargs)!r} {coding.name}"
        return [Preview(shown, data)]

    def close(self) -> None:
        """Free the connection; a call that waits raises ConnectionLostError."""
        self._closed = True
        self._give_up()

    def _call(self, request: Request) -> Iterator[Reply]:
        limit = first_limit(request)
        heard = self._exchange(request, limit, lambda talk: self._ask(talk, request, limit))
        if not isinstance(heard, Heard):
            yield from heard
        elif heard.message.flags & codec.STREAM:
            yield from self._stream(request, heard.message)
        else:
            yield _read(request, heard)

    def _ask(self, talk: Conversation, request: Request, limit: Limit) -> "Heard | tuple[Reply, ...]":
        """What a server says to a call; replies where it was not asked or says nothing."""
        goal = self._find(talk, request, limit)
        if goal is None:
            return () if request.oneway else (Failure("no_method", "AttributeError", request.method),)
        method, args = goal.spell(request.args)
        flags = codec.ONEWAY if request.oneway else 0
        answer = talk.invoke(goal.object, method, args, request.kwargs, limit.deadline, flags)
        return () if answer is None else self._hear(talk, answer)

    def _hear(self, talk: Conversation, answer: Message | None) -> Heard:
        """What an answer says, after which the server may have hung up."""
        assert answer is not None
        value = talk.read(answer)
        # A stream is announced as one of the errors after which a server hangs up, and goes on all the same.
        if answer.flags & (codec.EXCEPTION | codec.STREAM) == codec.EXCEPTION and faults.hangs_up(value):
            self._give_up()
        return Heard(answer, value)

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
        def ask(talk: Conversation) -> Heard:
            return self._hear(talk, talk.invoke(DAEMON, "get_next_stream_item", (stream,), {}, limit.deadline))

        heard = self._exchange(request, limit, ask, afresh=False)
        if heard.message.flags & codec.EXCEPTION and faults.name_of(heard.value) == faults.STREAM_END:
            return End()
        reply = _read(request, heard)
        return Item(reply.value) if isinstance(reply, Result) else reply

    def _close_stream(self, stream: str) -> None:
        """Tell the server that nobody reads on; it finds out itself when this cannot be told."""
        until = Deadline.after(_PARTING)
        try:
            with self._turn.within(until):
                self._say_close(stream, until)
        except DeadlineError:
            pass  # Another call takes its time.

    def _say_close(self, stream: str, until: Deadline) -> None:
        talk = self._conversation
        if talk is None or self._closed:
            return
        try:
            talk.invoke(DAEMON, "close_stream", (stream,), {}, until, codec.ONEWAY)
        except (OSError, ConnectionLostError):
            self._give_up()

    def _send_calls(self, goals: list[Goal], requests: Sequence[Request]) -> list[Reply | None]:
        """One message with these calls; the replies to as many of them as were run."""
        first, limit = requests[0], first_limit(requests[0])
        calls = [(goal.method, each.args, each.kwargs) for goal, each in zip(goals, requests, strict=False)]

        def ask(talk: Conversation) -> Heard:
            answer = talk.invoke(goals[0].object, _BATCH, calls, None, limit.deadline, codec.BATCH)
            return self._hear(talk, answer)

        heard = self._exchange(first, limit, ask)
        if heard.message.flags & codec.EXCEPTION:
            return [faults.from_exception(heard.value, goal.method) for goal in goals]
        if not isinstance(heard.value, list) or not 0 < len(heard.value) <= len(calls):
            raise RemoteProtocolError(f"{self._address}: the answer to a batch does not fit its calls")
        return [_read_one(each, request.method) for each, request in zip(heard.value, requests, strict=False)]

    def _ping(self, request: Request) -> Reply:
        limit = first_limit(request)

        def ask(talk: Conversation) -> str:
            talk.ping(limit.deadline)
            return str(talk.greeting.get("name", ""))

        return Result(self._exchange(request, limit, ask))

    def _inspect(self, request: Request) -> Reply:
        limit = first_limit(request)
        return self._exchange(request, limit, lambda talk: self._describe(talk, request, limit))

    def _describe(self, talk: Conversation, request: Request, limit: Limit) -> Reply:
        if talk.greeting and talk.name != DAEMON:
            answer = talk.invoke(META, "describe", (talk.name,), {}, limit.deadline)
            reply = _read(request, self._hear(talk, answer))
            return Result(from_plain(reply.value)) if isinstance(reply, Result) else reply
        methods = from_metadata(talk.metadata)
        if talk.name == DAEMON:
            methods += self._goals.list_all(talk, limit.deadline)
        return Result(Description("" if talk.name == DAEMON else talk.name, tuple(methods)))

    # What a name means.

    def _find_alike(self, talk: Conversation, requests: Sequence[Request], limit: Limit) -> list[Goal]:
        """What the first of the requests mean, as many as can go in one message."""
        found: list[Goal] = []
        for each in requests:
            goal = None if each.oneway else self._find(talk, each, limit)
            if goal is None or goal.attribute or (found and goal.object != found[0].object):
                break
            found.append(goal)
        return found

    def _find(self, talk: Conversation, request: Request, limit: Limit) -> Goal | None:
        """The method meant, which a server may have been given since we asked; None when there is none."""
        return self._goals.find(talk, request.method) or self._goals.ask(talk, request.method, limit.deadline)

    # Connections.

    def _exchange(
        self, request: Request, limit: Limit, act: Callable[[Conversation], _Found], *, afresh: bool = True
    ) -> _Found:
        """Do something that waits for the server, when it is our turn.

        Unless it goes on with what was begun, it is done `afresh`: on a connection of which is known that it stands.
        """
        with self._turn.within(limit.deadline):
            talk = (None if afresh else self._conversation) or self._ready(limit.deadline)
            return self._act(request, limit, talk, act)

    def _act(self, request: Request, limit: Limit, talk: Conversation, act: Callable[[Conversation], _Found]) -> _Found:
        """What ends the wait is told as ours, and ends the connection."""
        over = False
        try:
            found = act(talk)
            over = True
            return found
        except TimeoutError:
            raise limit.error(request) from None
        except OSError as exc:
            why = "it was closed" if self._closed else exc.strerror or str(exc)
            raise ConnectionLostError(_lost(request, why)) from exc
        except ConnectionLostError as exc:
            raise ConnectionLostError(_lost(request, exc.message)) from exc
        except RemoteProtocolError as exc:
            raise RemoteProtocolError(f"{self._address}: {exc.message}", hint=exc.hint) from exc
        finally:
            if not over:
                self._give_up()

    def _ready(self, deadline: Deadline) -> Conversation:
        """A connection that stands."""
        if self._conversation is not None and self._conversation.wire.is_stale():
            self._give_up()
        if self._conversation is None:
            self.connect(deadline)
        if self._conversation is None:
            raise ConnectionLostError("the connection is closed")
        return self._conversation

    def _give_up(self) -> None:
        talk, self._conversation = self._conversation, None
        if talk is not None:
            talk.wire.shut()


def _read(request: Request, heard: Heard) -> Result | Failure:
    if not heard.message.flags & codec.EXCEPTION:
        return Result(heard.value)
    return faults.from_exception(heard.value, request.method)


def _read_one(found: Any, method: str) -> Reply:
    failed = faults.unwrap(found)
    return Result(found) if failed is None else faults.from_exception(failed, method)


def _lost(request: Request, why: str) -> str:
    return f"{request.method}: the connection was lost before the reply, so whether it ran is unknown: {why}"
