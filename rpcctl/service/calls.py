"""One call in an executor's hands, from the first step until its sink has been told the end.

Four parties touch a call: the server (`resume`, `cancel`), the worker or task that steps it, and the alarm
(`expire`). The rules that keep them apart:

- Whoever *claims* a parked call (paused, or waiting in line) may set it going; a call that goes is its worker's alone.
- The sink is told things under the call's own lock. `resume` and `cancel` never take that lock, so that a server may
  call them while it holds one of its own; `cancel` only sets a flag, which the worker looks at between steps.
- The alarm never waits for that lock: if a worker holds it, the worker sees the flag `_overdue` when it lets go.

Knows no method table: a call's replies are an iterator, sync or async.
"""

from threading import Lock
from time import monotonic
from typing import Any, Protocol

from rpcctl.interfaces import Sink
from rpcctl.messages import Failure, Item, Reply, Request
from rpcctl.service.failures import failure_of_handler
from rpcctl.service.outcome import outcome_of
from rpcctl.service.stdio import warn
from rpcctl.service.workers import Job


class Owner(Protocol):
    """What a call needs of its executor."""

    lock: Lock
    """Guards whether a call is parked."""

    def place(self, job: Job) -> None:
        """Run the job on a worker."""

    def on_ended(self, call: "Call") -> None:
        """The sink was told the end."""

    def on_stuck(self, call: "Call") -> None:
        """The call is over, but a step of it may still be running: so it is while `call.stepping`."""

    def on_unstuck(self, call: "Call") -> None:
        """That step, if there was one, has returned."""


class Call:
    """A call whose steps run on workers; it is a Run."""

    __slots__ = (
        "_allowance",
        "_cancelled",
        "_ended",
        "_lock",
        "_overdue",
        "_owner",
        "_replies",
        "_settled",
        "_sink",
        "outcome",
        "parked",
        "request",
        "stepping",
        "submitted",
    )

    holds_worker = True
    """Whether a step that never returns costs a worker."""

    def __init__(self, owner: Owner, request: Request, replies: Any, sink: Sink, allowance: int | None) -> None:
        """Parked; `allowance` counts as at least 1, since what a step gives is known only afterwards."""
        self.request = request
        self.submitted = monotonic()
        self.outcome = "ok"
        """`cancelled`, or as `outcome_of` says."""
        self.stepping = False
        """Whether the method's own code may be running."""
        self.parked = True
        """Whether nobody steps the call and anybody may claim it; guarded by the owner's lock."""
        self._owner = owner
        self._replies = replies
        self._sink = sink
        self._allowance = allowance
        self._lock = Lock()
        self._cancelled = False
        self._ended = False
        self._settled = False
        self._overdue: Failure | None = None

    def start(self) -> None:
        """Set a call going that the caller has claimed by taking away `parked`."""
        self._go()

    def resume(self, allowance: int) -> None:
        """Let a parked call go on for `allowance` replies more; does nothing to one that is not parked."""
        if self._claim(allowance):
            self._go()

    def cancel(self) -> None:
        """Abandon the call: its iterator is closed as soon as the running step returns."""
        self._cancelled = True
        if self._claim():
            self._go()
        else:
            self._hurry()

    def expire(self, failure: Failure) -> None:
        """Answer with the failure now; whatever the method still does is dropped, and its iterator closed after it."""
        self._overdue = failure
        if not self.end(failure, wait=False):
            return
        if self._claim():
            self._go()
        elif self.stepping:
            self._owner.on_stuck(self)
            self._hurry()

    def end(self, failure: Failure | None = None, *, wait: bool = True) -> bool:
        """Tell the sink the end, once; False when that was done before, or cannot be done without waiting."""
        # Looked at before the lock too: a sink may cancel its call while it is told the end.
        if self._ended or not self._lock.acquire(blocking=wait):
            return False
        try:
            if self._ended:
                return False
            self._ended = True
            self._tell_end(failure)
        finally:
            self._lock.release()
        self._owner.on_ended(self)
        return True

    def _tell_end(self, failure: Failure | None) -> None:
        try:
            if self._cancelled:
                self.outcome = self.outcome if self._settled else "cancelled"
            elif failure is not None:
                self.outcome = outcome_of(failure)
                self._sink.deliver(failure)
        except BaseException as exc:
            self._complain(exc)
        try:
            self._sink.ended()
        except BaseException as exc:
            self._complain(exc)

    def _complain(self, exc: BaseException) -> None:
        warn(f"{self.request.method}: a reply could not be handed over: {type(exc).__name__}: {exc}")

    def _claim(self, allowance: int = 0) -> bool:
        with self._owner.lock:
            if not self.parked:
                return False
            self.parked = False
            if self._allowance is not None:
                self._allowance += allowance
            return True

    def _is_over(self) -> bool:
        return self._cancelled or self._ended

    def _deliver(self, reply: Reply) -> bool:
        """Hand a reply to the sink; False when nothing may follow it."""
        last = type(reply) is not Item
        with self._lock:
            if self._cancelled or self._ended:
                return False
            if type(reply) is Failure:
                self.outcome = outcome_of(reply)
            try:
                told = self._sink.deliver(reply)
                if told is not None:
                    self._settle(told, over=last)
            except BaseException as exc:
                self._complain(exc)
                self._cancelled = True
        if self._overdue is not None:
            self.expire(self._overdue)
        return not last and not self._settled

    def _settle(self, told: Reply, *, over: bool) -> None:
        """Go by what the caller was told; what the method would still yield is abandoned."""
        self.outcome = outcome_of(told)
        self._settled = True
        self._cancelled = self._cancelled or not over

    def _may_go_on(self) -> bool:
        """Use up one of the allowance; False when the call was parked, and is no longer the caller's to touch."""
        if self._allowance is None:
            return True
        self._allowance -= 1
        if self._allowance > 0:
            return True
        with self._lock:
            if not self._park():
                return True
            try:
                self._sink.paused()
            except BaseException as exc:
                self._complain(exc)
                self.cancel()
        if self._overdue is not None:
            self.expire(self._overdue)
        return False

    def _park(self) -> bool:
        with self._owner.lock:
            if self._is_over():
                return False
            self._allowance = 0
            self.stepping = False
            self.parked = True
            return True

    def _leave(self) -> None:
        """Tell the end after the last step, unless it has been told."""
        self.end()
        self.stepping = False
        if self._overdue is not None:
            self._owner.on_unstuck(self)

    def _go(self) -> None:
        self._owner.place(self._run)

    def _hurry(self) -> None:
        """End the running step early, where that can be done: not in a thread."""

    def _run(self) -> None:
        self.stepping = True
        while not (self._cancelled or self._ended):
            reply, more = self._step()
            if reply is None or not self._deliver(reply) or not more:
                break
            if not self._may_go_on():
                return
        self._close()
        self._leave()

    def _step(self) -> tuple[Reply | None, bool]:
        """The next reply, and whether another can follow."""
        try:
            return next(self._replies), True
        except StopIteration as stop:
            self.outcome = outcome_of(stop.value)
            return None, False
        except BaseException as exc:
            return failure_of_handler(exc), False

    def _close(self) -> None:
        replies = self._replies
        try:
            # After its last reply a handler comes to its end by itself; only one that was abandoned needs closing.
            if (self._cancelled or self._ended or next(replies, None) is not None) and hasattr(replies, "close"):
                replies.close()
        except BaseException as exc:
            warn(f"{self.request.method}: ending the call raised {type(exc).__name__}: {exc}")
