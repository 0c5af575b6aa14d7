"""Worker processes, for targets that keep a processor busy: a handler that lets other processes run the calls.

The parent keeps sockets, protocols, time limits and the log; each child loads the same targets and has their state for
itself. A call goes to the child with the fewest. One that dies costs its running calls a Failure and is replaced.
"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any

from rpcctl.errors import TargetError, UsageError
from rpcctl.interfaces import Handler
from rpcctl.messages import INSPECT, PING, Deadline, Failure, Reply, Request
from rpcctl.service.dispatch import LoopReplies
from rpcctl.service.executor import count_threads
from rpcctl.service.exposure import Selection
from rpcctl.service.frames import Setup
from rpcctl.service.loop import event_loop, is_loop_thread
from rpcctl.service.process import Process
from rpcctl.service.stdio import warn
from rpcctl.service.target import Target

MOST = 256
"""More processes than this are taken for a mistake."""
_STEADY = 10.0
"""Seconds after which a process counts as sound: its death is then replaced at once."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 30.0
"""Seconds before the next one is started when one did not last; the pause doubles each time."""
_PATIENCE = 3.0
"""Seconds for a process to end by itself."""


def prepare(
    count: int,
    targets: Sequence[str | Target],
    loading: Mapping[str, Any],
    selection: Selection,
    answering: Mapping[str, Any],
    executor: str,
) -> Setup:
    """What `count` processes need to know; UsageError if they cannot be had, or cannot serve the targets.

    `loading`, `answering` and `executor` are those of `load`, `Service` and `make_executor`.
    """
    _check(count, targets, lock=bool(answering.get("lock")))
    try:
        folder = os.getcwd()
    except OSError:
        folder = None  # It was removed.
    texts = tuple(map(str, targets))
    return Setup(texts, loading, selection, answering, count_threads(executor) or 1, tuple(sys.path), folder)


def _check(count: int, targets: Sequence[str | Target], *, lock: bool) -> None:
    if not 1 <= count <= MOST:
        hint = "as many as there are processors are enough"
        raise UsageError(f"--workers {count}: processes are counted from 1 to {MOST}", hint=hint)
    if os.name == "nt":
        raise UsageError("--workers needs Unix: no channel can be inherited here", hint="leave out --workers")
    if lock:
        hint = "leave out one of them; --executor threads:1 gives each process one call at a time"
        raise UsageError(f"--lock cannot hold across the processes of --workers {count}", hint=hint)
    for target in targets:
        if isinstance(target, Target):
            why = f"{target.text} is a live object, which stays in the process that made it"
            raise UsageError(f"--workers {count}: {why}", hint="name the target as text, as in 'shop:Cart(3)'")
        if target.startswith("@"):
            why = f"each of the {count} processes would have a {target} of its own"
            raise UsageError(f"--workers {count}: {why}", hint="leave out --workers")


class Processes:
    """So many processes behind one handler, `dispatch`."""

    def __init__(self, count: int, setup: Setup, *, local: Handler, max_wait: float) -> None:
        """Nothing is started. `local` answers what is asked of the server itself.

        `max_wait` is how many seconds a call waits for a process while all are being replaced.
        """
        self._count = count
        self._setup = setup
        self._local = local
        self._max_wait = max_wait
        self._team: Team | None = None
        self._teams: list[Team] = []  # The one above, the one that is to follow, and those that finish their calls.
        self._lock = Lock()
        self._closed = False
        self._changed = asyncio.Event()

    def start(self) -> None:
        """Start them and wait until all have loaded the targets; TargetError when one cannot."""
        self._team = self._assemble()

    def renew(self) -> None:
        """Let new ones, which load the targets anew, take over; the old ones finish their calls and end.

        TargetError when one of the new ones cannot load them; the old ones then go on.
        """
        old, self._team = self._team, self._assemble()
        event_loop().call_soon_threadsafe(self._changed.set)
        if old is not None:
            old.retire()

    def close(self) -> None:
        """End all of them; calls that run are abandoned. Safe to repeat."""
        with self._lock:
            self._closed = True
        for team in self._teams:
            team.close()

    def dispatch(self, request: Request) -> Iterator[Reply]:
        """Run a call in the process that has the fewest; its replies are an async iterator too."""
        if request.method in (INSPECT, PING):
            return self._local(request)
        return LoopReplies(self._replies(request), request.oneway)

    async def _replies(self, request: Request) -> AsyncGenerator[Reply, None]:
        process = self._choose() or await self._wait_for_one()
        if process is None:
            text = f"no worker process was to be had within {self._max_wait:g} s; what ended them is in the log"
            yield Failure("busy", "ServerBusy", text)
            return
        call = process.begin(request)
        try:
            while (reply := await call.next_reply()) is not None:
                yield reply
        finally:
            await call.close()

    def _choose(self) -> Process | None:
        return None if self._team is None else self._team.choose()

    async def _wait_for_one(self) -> Process | None:
        deadline = Deadline.after(self._max_wait)
        while (process := self._choose()) is None:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline.remaining())
            except asyncio.TimeoutError:
                return None
        return process

    def _assemble(self) -> "Team":
        team = Team(self._setup, self._changed.set)
        with self._lock:
            if self._closed:
                raise TargetError("the server has been stopped")
            self._teams = [*(each for each in self._teams if each.is_alive()), team]
        try:
            team.start(self._count)
        except BaseException:
            team.close()
            raise
        return team


class Team:
    """Processes that are each replaced when they die, by a thread that keeps watch over one of them."""

    def __init__(self, setup: Setup, on_change: Callable[[], None]) -> None:
        """`on_change` is called on the event loop when a process has become free to take calls."""
        self._setup = setup
        self._on_change = on_change
        self._open: list[Process] = []  # Of the event loop's; whoever was chosen last is last.
        self._keepers: list[Thread] = []
        self._lock = Lock()
        self._living: list[Process] = []
        self._dismissed = Event()

    def start(self, count: int) -> None:
        """Start so many at once and wait until they are ready; the TargetError of one that is not."""
        first: list[Future[None]] = [Future() for _ in range(count)]
        for number, started in enumerate(first, 1):
            keeper = Thread(target=self._keep, args=(started,), name=f"rpcctl-process-{number}", daemon=True)
            self._keepers.append(keeper)
            keeper.start()
        for started in first:
            started.result()

    def choose(self) -> Process | None:
        """The open process with the fewest calls, of several the one that was chosen longest ago; None without any."""
        if not self._open:
            return None
        chosen = min(self._open, key=lambda each: each.load)
        self._open.remove(chosen)
        self._open.append(chosen)
        return chosen

    def is_alive(self) -> bool:
        """Whether any of it is left."""
        return any(keeper.is_alive() for keeper in self._keepers)

    def retire(self) -> None:
        """Replace none, and let each end when its calls are over."""
        for process in self._dismiss():
            event_loop().call_soon_threadsafe(process.retire)

    def close(self) -> None:
        """End them now, by force if need be; none is left behind, not even as a zombie."""
        processes = self._dismiss()
        for process in processes:
            event_loop().call_soon_threadsafe(process.hang_up)
        if not is_loop_thread():  # It could not hang up while it waits here.
            self._wait(_PATIENCE)
        for process in processes:
            process.kill()
        if not is_loop_thread():
            self._wait(_PATIENCE)

    def _wait(self, seconds: float) -> None:
        end = monotonic() + seconds
        for keeper in self._keepers:
            keeper.join(max(0.0, end - monotonic()))

    def _dismiss(self) -> list[Process]:
        with self._lock:
            self._dismissed.set()
            return list(self._living)

    def _keep(self, started: "Future[None]") -> None:
        end = self._have_one(started)
        failed = started.exception() is not None
        pause = 0.0
        while not (failed or self._dismissed.is_set()):
            warn(f"{end}; another one takes its place" + (f" in {pause:g} s" if pause else ""))
            if self._dismissed.wait(pause):
                return
            began = monotonic()
            end = self._have_one(Future())
            lasted = monotonic() - began > _STEADY
            pause = 0.0 if lasted else min(max(_FIRST_PAUSE, 2 * pause), _LONGEST_PAUSE)

    def _have_one(self, started: "Future[None]") -> str:
        """Start a process and see it through; how it ended."""
        try:
            with self._lock:
                if self._dismissed.is_set():
                    started.set_exception(TargetError("the server was stopped while it started"))
                    return ""
                process = Process(self._setup, started, self._note)
                self._living.append(process)
            end = process.run()
        except OSError as exc:
            started.set_exception(TargetError(f"a worker process cannot be started: {exc}"))
            end = ""
        with self._lock:
            self._living = [each for each in self._living if each is not process]
        refusal = started.exception()
        return end if refusal is None else f"a worker process has not come up: {refusal}"

    def _note(self, process: Process) -> None:
        if not process.is_open:
            if process in self._open:
                self._open.remove(process)
        elif process not in self._open:
            self._open.append(process)
            self._on_change()
