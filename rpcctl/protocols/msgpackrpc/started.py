"""Calls that were started on a connection and are collected in any order: who was answered, and who is too late."""

from collections.abc import Iterator

from rpcctl.errors import ConnectionLostError, ProtocolError, RpcctlError
from rpcctl.limits import Limit, first_limit
from rpcctl.messages import NEVER, Deadline, Failure, Reply, Request
from rpcctl.outcomes import to_failure

from .conversation import Conversation


class Started:
    """The calls, by their ids. One thread at a time."""

    def __init__(self) -> None:
        """There is none."""
        self._calls: dict[int, tuple[Request, Limit]] = {}
        self._ended: list[tuple[int, Reply]] = []
        self._soonest = NEVER
        """No call's time is over before; of those that are left the first may be later."""

    def add(self, number: int, request: Request) -> None:
        """Wait for its reply too."""
        limit = first_limit(request)
        self._calls[number] = request, limit
        self._soonest = self._soonest.sooner(limit.deadline)

    def remove(self, number: int) -> None:
        """Wait for it no more."""
        self._calls.pop(number, None)

    def lose(self, exc: RpcctlError) -> None:
        """The connection is gone, and all calls with it."""
        failure = to_failure(exc)
        self._ended += [(number, failure) for number in self._calls]
        self._calls.clear()
        self._soonest = NEVER

    def collect(self, conversation: Conversation | None, deadline: Deadline) -> list[tuple[int, Reply]]:
        """What has come; if there is nothing, what comes first until the deadline."""
        while self._calls and conversation is not None and not self._ended:
            self._ended += self._taken(conversation)
            if self._ended or self._overdue(conversation) or deadline.expired():
                break
            try:
                conversation.take_in(self._soonest.sooner(deadline))
            except (ConnectionLostError, ProtocolError) as exc:
                self._ended += self._taken(conversation)
                self.lose(exc)
        found, self._ended = self._ended, []
        return found

    def _taken(self, conversation: Conversation) -> Iterator[tuple[int, Reply]]:
        for number in conversation.answered():
            if self._calls.pop(number, None) is not None:
                yield number, conversation.take(number)

    def _overdue(self, conversation: Conversation) -> bool:
        """End the calls whose time is over; whether there are any."""
        if not self._soonest.expired():
            return False
        late = [(number, *call) for number, call in self._calls.items() if call[1].deadline.expired()]
        for number, request, limit in late:
            self._calls.pop(number)
            conversation.forget(number)
            self._ended.append((number, _too_late(request, limit)))
        self._soonest = NEVER
        for _, limit in self._calls.values():
            self._soonest = self._soonest.sooner(limit.deadline)
        return bool(late)


def _too_late(request: Request, limit: Limit) -> Failure:
    return to_failure(limit.error(request))
