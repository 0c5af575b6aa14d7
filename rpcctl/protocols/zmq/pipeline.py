"""Calls that are started one by one and collected together; their messages are the conversation's to take in."""

from itertools import count

from rpcctl.errors import RpcctlError
from rpcctl.limits import Limit, next_limit
from rpcctl.messages import ENDS, Deadline, Reply, Request
from rpcctl.outcomes import to_failure

from .channel import ClientChannel
from .conversation import Conversation


class Pipeline:
    """The calls that were started and are not over, by number."""

    def __init__(self, conversation: Conversation) -> None:
        """Nothing is under way."""
        self._conversation = conversation
        self._calls: dict[int, _Call] = {}
        self._numbers = count(1)

    def start(self, request: Request, channel: ClientChannel, limit: Limit) -> int:
        """Keep a call whose request was sent on the channel; its number."""
        number = next(self._numbers)
        self._calls[number] = _Call(request, channel, limit)
        # From now on the caller may be anywhere.
        self._conversation.keep_beating()
        return number

    def collect(self, deadline: Deadline) -> list[tuple[int, Reply]]:
        """What `rpcctl.interfaces.PipelineClient.collect` says."""
        if not self._calls:
            return []
        until = min((call.limit.deadline for call in self._calls.values()), key=_instant)
        self._conversation.await_any([call.channel for call in self._calls.values()], deadline.sooner(until))
        return [(number, reply) for number, call in list(self._calls.items()) for reply in self._take(number, call)]

    def abandon(self, number: int) -> None:
        """Forget a call."""
        call = self._calls.pop(number, None)
        if call is not None:
            self._conversation.end(call.channel.id)

    def _take(self, number: int, call: "_Call") -> list[Reply]:
        replies = call.take()
        if replies and isinstance(replies[-1], ENDS):
            self.abandon(number)
        return replies


class _Call:
    """One call, and the limit of its next reply."""

    __slots__ = ("channel", "limit", "request")

    def __init__(self, request: Request, channel: ClientChannel, limit: Limit) -> None:
        self.request = request
        self.channel = channel
        self.limit = limit

    def take(self) -> list[Reply]:
        """What has arrived; or what became of the call instead."""
        replies: list[Reply] = []
        while (reply := self.channel.take()) is not None:
            replies.append(reply)
        error = None if replies else self._find_error()
        if error is not None:
            return [to_failure(error)]
        if replies:
            self.limit = next_limit(self.request)
        return replies

    def _find_error(self) -> RpcctlError | None:
        if self.channel.error is not None:
            return self.channel.error
        return self.limit.error(self.request) if self.limit.deadline.expired() else None


def _instant(deadline: Deadline) -> float:
    return float("inf") if deadline.at is None else deadline.at
