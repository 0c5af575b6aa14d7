"""Calls that are started one by one and collected together. Their replies are the conversation's to take in; while the
caller is elsewhere, a thread does that, so that the broker hears from us.
"""

from itertools import count
from threading import Event, Lock, Thread

from rpcctl.errors import ConnectionLostError, DeadlineError, ProtocolError, RpcctlError
from rpcctl.messages import Deadline, Reply, Request
from rpcctl.outcomes import to_failure

from .conversation import Conversation

_TICK = 4
"""The thread looks after the connection that many times in the period of heartbeats."""


class Pipeline:
    """The calls that were started and are not over, by number."""

    def __init__(self, turn: Lock) -> None:
        """Nothing is under way; `turn` is held by whoever uses the connection, the caller of these methods too."""
        self._turn = turn
        self._calls: dict[int, tuple[Conversation, str]] = {}
        self._numbers = count(1)
        self._closing = Event()
        self._keeper: Thread | None = None

    def start(self, conversation: Conversation, request: Request) -> int:
        """Send a call; the number that stands for it."""
        number = next(self._numbers)
        self._calls[number] = conversation, conversation.begin(request)
        conversation.hand_over()
        if conversation.heartbeat and self._keeper is None:
            self._keeper = Thread(target=self._keep_alive, name="rpcctl-amqp-heartbeat", daemon=True)
            self._keeper.start()
        return number

    def collect(self, deadline: Deadline) -> list[tuple[int, Reply]]:
        """What `rpcctl.interfaces.PipelineClient.collect` says; raises what the broker refuses all of them for."""
        found = self._settled()
        while self._calls and not found:
            self._pump(deadline)
            found = self._settled()
            if deadline.expired():
                break
        return found

    def abandon(self, number: int) -> None:
        """Forget a call."""
        call = self._calls.pop(number, None)
        if call is not None:
            conversation, key = call
            conversation.end(key)

    def close(self) -> None:
        """Leave the connection to itself. From any thread."""
        self._closing.set()

    def _settled(self) -> list[tuple[int, Reply]]:
        found: list[tuple[int, Reply]] = []
        for number, (conversation, key) in list(self._calls.items()):
            try:
                reply = _reply_of(conversation, key)
            except RpcctlError:
                # What nobody serves, or the broker refuses, it does for all of them.
                self._forget_all()
                raise
            if reply is not None:
                found.append((number, reply))
                self.abandon(number)
        return found

    def _forget_all(self) -> None:
        for number in list(self._calls):
            self.abandon(number)

    def _pump(self, deadline: Deadline) -> None:
        keys: dict[Conversation, list[str]] = {}
        for conversation, key in self._calls.values():
            keys.setdefault(conversation, []).append(key)
        # Of a conversation that was lost everything is settled; so there is one.
        for conversation, waiting in keys.items():
            conversation.pump(waiting, deadline)

    def _keep_alive(self) -> None:
        period = 1.0
        while not self._closing.wait(period / _TICK):
            if not self._turn.acquire(blocking=False):
                continue  # Whoever has it sends what is due.
            try:
                for conversation in {each for each, _ in self._calls.values()}:
                    period = conversation.heartbeat or period
                    conversation.pump((), Deadline.after(0.0))
            finally:
                self._turn.release()


def _reply_of(conversation: Conversation, key: str) -> Reply | None:
    try:
        return conversation.outcome(key)
    except (DeadlineError, ConnectionLostError, ProtocolError) as exc:
        return to_failure(exc)
