"""A process that makes calls: a thread for each of its connections, measured where they are made.

    from rpcctl.bench.worker import main; main(DESCRIPTOR)

It tells its parent what was measured four times a second, and ends when the parent hangs up. What comes over the
channel is pickled: both ends are this program, and the channel is a socket pair that one child inherits.
"""

import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection as Channel
from threading import Event, Lock, Thread
from time import perf_counter, process_time
from typing import Any

from rpcctl.api import Connection
from rpcctl.bench.plan import Load, Over, Ready, Refused, Setup, Stop, Subject, Tickets
from rpcctl.bench.tally import Tally
from rpcctl.errors import CallError, RpcctlError, UsageError
from rpcctl.messages import Deadline, Failure, Item
from rpcctl.service.stdio import guarded_streams

REPORT = 0.25
"""Seconds between two reports to the parent."""
FAREWELL = 0.5
"""Seconds that calls under way have when they are to stop at once."""


def main(descriptor: int) -> None:
    """Make calls as the parent at the other end says, until it hangs up."""
    channel = Channel(descriptor)
    with guarded_streams():
        try:
            _work(channel)
        except (EOFError, OSError):
            pass  # The parent is gone, and with it whoever wanted to know.


def _work(channel: "Channel[Any, Any]") -> None:
    setup = channel.recv()
    sys.path[:] = setup.path
    try:
        callers = _connect_all(setup)
    except RpcctlError as exc:
        channel.send(Refused(exc))
        return
    channel.send(Ready())
    while True:
        message = channel.recv()
        if isinstance(message, Load):
            _Run(callers, message, setup).report_to(channel)


def _connect_all(setup: Setup) -> "list[Caller]":
    callers = [Caller(setup.subject) for _ in setup.numbers]
    for caller in callers:
        caller.connect()
    return callers


class Caller:
    """One connection, made again when it was lost, and the one call that is made over it."""

    def __init__(self, subject: Subject) -> None:
        """Touches no network."""
        self._subject = subject
        self._connection: Connection | None = None

    def connect(self) -> None:
        """Reach the server, with the tries that were asked for."""
        subject = self._subject
        connection = Connection(subject.address, **subject.connecting)
        try:
            self._template = connection.request(subject.method, subject.args, subject.kwargs)
            connection.connect(**subject.retrying)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def call(self) -> tuple[int, Failure | None]:
        """Make the call and wait for all of it: how many items came, and the failure if it ended with one.

        RpcctlError when there was no answer; the next call then makes a new connection.
        """
        if self._connection is None:
            self.connect()
        connection = self._connection
        assert connection is not None
        items, failure = 0, None
        limits: Mapping[str, Any] = self._subject.connecting
        request = self._template._replace(
            deadline=Deadline.after(limits["timeout"]), limit=Deadline.after(limits["max_time"])
        )
        try:
            for reply in connection.send(request):
                if type(reply) is Item:
                    items += 1
                elif type(reply) is Failure:
                    failure = reply
        except (CallError, UsageError):
            raise
        except BaseException:
            self._connection = None
            connection.close()
            raise
        return items, failure


class _Run:
    """One load, while it lasts."""

    def __init__(self, callers: list[Caller], load: Load, setup: Setup) -> None:
        self._tickets = Tickets(load, setup.numbers, setup.connections)
        self._lock = Lock()
        self._tally = Tally()
        self._halt = Event()
        self._end = load.begin
        self._threads = [Thread(target=self._call, args=(caller,), daemon=True) for caller in callers]

    def report_to(self, channel: "Channel[Any, Any]") -> None:
        """Make the calls; tell the parent what is measured, and when they are over. EOFError when it hung up."""
        began = process_time()
        for thread in self._threads:
            thread.start()
        while any(thread.is_alive() for thread in self._threads) and not self._halt.is_set():
            if self._await(channel):
                self._halt.set()
                self._wait(FAREWELL)
            channel.send(self._collect())
        channel.send(self._collect())
        channel.send(Over(self._end, process_time() - began))

    def _await(self, channel: "Channel[Any, Any]") -> bool:
        """Let a while pass, or less when all is over; whether the parent says to stop."""
        until = perf_counter() + REPORT
        while (left := until - perf_counter()) > 0:
            if channel.poll(min(left, 0.02)):
                return isinstance(channel.recv(), Stop)
            if not any(thread.is_alive() for thread in self._threads):
                break
        return False

    def _wait(self, seconds: float) -> None:
        until = perf_counter() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - perf_counter()))

    def _collect(self) -> Tally:
        with self._lock:
            found, self._tally = self._tally, Tally()
        return found

    def _call(self, caller: Caller) -> None:
        while not self._halt.is_set():
            now = perf_counter()
            due = self._tickets.draw(now)
            if due is None or (due > now and self._halt.wait(due - now)):
                return
            if not self._call_once(caller, due):
                return

    def _call_once(self, caller: Caller, due: float) -> bool:
        """Make a call and count it, from the instant at which it was due; whether the server can still be reached."""
        try:
            items, failure = caller.call()
        except RpcctlError as exc:
            return self._fail(due, exc)
        end = perf_counter()
        with self._lock:
            self._tally.add(end - due, items, failure)
            self._end = end
        return True

    def _fail(self, due: float, error: RpcctlError) -> bool:
        end = perf_counter()
        # It goes to the parent as a value: neither its frames nor its cause.
        error = error.with_traceback(None)
        error.__cause__ = error.__context__ = None
        with self._lock:
            self._tally.add_error(end - due, error)
            self._end = end
        return error.kind in ("timeout", "lost", "remote", "protocol")
