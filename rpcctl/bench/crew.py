"""The processes that make the calls, as one: started, given a load, listened to, ended.

They are in a session of their own, so that Ctrl-C reaches the parent alone, which then asks them what they have.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection as Channel
from multiprocessing.connection import wait
from pathlib import Path
from time import perf_counter
from typing import Any

from rpcctl.bench.plan import Load, Over, Ready, Refused, Setup, Stop, Subject
from rpcctl.bench.tally import Tally
from rpcctl.errors import ConnectionLostError, Renaming, renamed

MOST = 256
"""More processes than this are taken for a mistake."""
_ROOT = str(Path(__file__).parents[2])
_START = "import sys; sys.path.insert(0, {!r}); from rpcctl.bench.worker import main; main({})"
_LEAD = 0.02
"""Seconds from the order to the first call, so that all processes begin together."""
_TICK = 0.1
_PATIENCE = 2.0
"""Seconds for a process to tell what it has when it is to stop."""


def _gone(exc: BaseException) -> ConnectionLostError:
    return ConnectionLostError("a process that made the calls has ended by itself")


_GONE: Mapping[type[BaseException], Renaming] = {EOFError: _gone, OSError: _gone}


class Measured:
    """What came of one load, or of several turns of it."""

    def __init__(self, processes: int) -> None:
        """Nothing yet."""
        self.tally = Tally()
        self.seconds = 0.0
        """While calls were made."""
        self.since: float | None = None
        """When the turn that runs began, on the clock of `perf_counter`."""
        self.cpu = [0.0] * processes
        """Seconds of processor time that each process took."""
        self.due: int | None = 0
        """Calls that were to be begun; None when nobody can tell."""

    def elapsed(self) -> float:
        """Seconds so far, the turn that runs included."""
        return self.seconds + (max(0.0, perf_counter() - self.since) if self.since is not None else 0.0)

    def busy(self) -> float:
        """The part of the time that the busiest process spent computing; 1.0 is one processor, all the time."""
        return max(self.cpu) / self.seconds if self.seconds else 0.0


class Crew:
    """So many processes with connections to one server. Close it, or use it as a context manager."""

    def __init__(self, subject: Subject, connections: int, processes: int) -> None:
        """Nothing is started."""
        self._subject = subject
        self._connections = connections
        self._count = min(processes, connections)
        self._members: list[_Member] = []

    def __enter__(self) -> "Crew":
        """Start the processes and let them connect; raises what kept one of them from it."""
        try:
            for number in range(self._count):
                self._members.append(_Member())
                numbers = tuple(range(number, self._connections, self._count))
                self._members[-1].say(Setup(self._subject, numbers, self._connections, tuple(sys.path)))
            for member in self._members:
                member.expect_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        """End the processes."""
        self.close()

    def measure(self) -> Measured:
        """An empty measurement for this crew."""
        return Measured(self._count)

    def run(self, load: Load, measured: Measured, tick: Callable[[], None] = lambda: None) -> None:
        """Have the load made, and add what comes of it to `measured`; `tick` is called ten times a second.

        Also what was measured until Ctrl-C is in it. ConnectionLostError when a process has died.
        """
        load = load._replace(begin=perf_counter() + _LEAD)
        measured.since = load.begin
        due = load.due()
        measured.due = None if due is None or measured.due is None else measured.due + due
        turn = _Turn(self._members, measured, load.begin)
        try:
            turn.order(load)
            while turn.listen(_TICK):
                tick()
        except KeyboardInterrupt:
            turn.halt()
            raise
        finally:
            measured.seconds += turn.end - load.begin
            measured.since = None

    def close(self) -> None:
        """End the processes. Safe to repeat."""
        members, self._members = self._members, []
        for member in members:
            member.channel.close()
        for member in members:
            member.end()


class _Member:
    """One process."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._popen = subprocess.Popen(
                [sys.executable, "-c", _START.format(_ROOT, theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=os.name == "posix",
            )
        self.channel: Channel[Any, Any] = Channel(ours.detach())

    def expect_ready(self) -> None:
        message = self.receive()
        if isinstance(message, Refused):
            raise message.error
        assert isinstance(message, Ready), message

    def say(self, message: Setup | Load | Stop) -> None:
        with renamed(_GONE):
            self.channel.send(message)

    def receive(self) -> Any:
        with renamed(_GONE):
            return self.channel.recv()

    def end(self) -> None:
        try:
            self._popen.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


class _Turn:
    """One load, until the last process has made its part."""

    def __init__(self, members: list[_Member], measured: Measured, begin: float) -> None:
        self._running = {member.channel: (number, member) for number, member in enumerate(members)}
        self._measured = measured
        self.end = begin

    def order(self, load: Load) -> None:
        for _, member in self._running.values():
            member.say(load)

    def listen(self, seconds: float) -> bool:
        """Take what the processes tell within so many seconds; whether one still works."""
        for channel in wait(list(self._running), seconds):
            assert isinstance(channel, Channel)
            number, member = self._running[channel]
            message = member.receive()
            if isinstance(message, Over):
                self.end = max(self.end, message.end)
                self._measured.cpu[number] += message.cpu
                del self._running[channel]
            else:
                self._measured.tally.merge(message)
        return bool(self._running)

    def halt(self) -> None:
        """Have them stop, and wait a little for what they have."""
        until = perf_counter() + _PATIENCE
        try:
            for _, member in self._running.values():
                member.say(Stop())
            while (left := until - perf_counter()) > 0 and self.listen(left):
                continue
        except ConnectionLostError:
            pass  # What the others have told by now is all that there is.
