"""A worker process: loads the targets, runs the calls that its parent hands it, ends when the parent hangs up.

    from rpcctl.service.child import main; main(DESCRIPTOR)

The main thread reads the channel; calls run on the threads of an executor, as without worker processes. How long a call
may take and how many there may be is the parent's business. Knows no wire.
"""

import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from threading import Lock, Thread
from time import sleep
from types import FrameType

from rpcctl.errors import RpcctlError
from rpcctl.messages import Item, Reply
from rpcctl.service.calls import Call
from rpcctl.service.dispatch import Service
from rpcctl.service.executor import Calls, Limits
from rpcctl.service.frames import CREDIT, GRANT, Answer, Cancel, Frames, More, Ready, Refused, Setup, Start, pack
from rpcctl.service.methods import expose
from rpcctl.service.stdio import guarded_streams
from rpcctl.service.target import load
from rpcctl.service.workers import WorkerPool

FAREWELL = 1.0
"""Seconds for abandoned calls to run their `finally` blocks when the parent has hung up, and as many for the rest."""
_MOST_REPLACED = 256
"""Threads held by abandoned calls that are made up for."""
_CHUNK = 256 * 1024


def main(descriptor: int) -> None:
    """Serve over the inherited socket until its other end is closed; returns for the interpreter to exit."""
    with socket.socket(fileno=descriptor) as connection, guarded_streams():
        connection.set_inheritable(False)
        connection.setblocking(True)
        Thread(target=_watch, args=(descriptor,), name="rpcctl-parent", daemon=True).start()
        _heed_no_signals()
        _serve(Channel(connection))


class Channel:
    """The child's end: read by one thread, written to by all."""

    def __init__(self, connection: socket.socket) -> None:
        """Take a connected socket."""
        self._connection = connection
        self._lock = Lock()

    def say(self, message: Ready | Refused | Answer) -> None:
        """Tell the parent, if there still is one."""
        frame = pack(message)
        try:
            with self._lock:
                self._connection.sendall(frame)
        except OSError:
            pass  # Hung up: the reading thread sees it too, and ends everything.

    def messages(self) -> Iterator[Setup | Start | More | Cancel]:
        """What the parent says, until it hangs up."""
        frames = Frames()
        try:
            while data := self._connection.recv(_CHUNK):
                yield from frames.feed(data)
        except OSError:
            return


class Worker:
    """The calls of this process."""

    def __init__(self, service: Service, threads: int, channel: Channel) -> None:
        """No thread is started before the first call."""
        self._service = service
        self._channel = channel
        self._pool = WorkerPool(threads)
        self._calls = Calls(self._pool, Limits(max_concurrent=sys.maxsize))
        self._lock = Lock()
        self._running: dict[int, _Exchange] = {}
        self._held: set[int] = set()

    def take(self, message: Setup | Start | More | Cancel) -> None:
        """Do as the parent says; what is said of a call that has just ended is too late."""
        if isinstance(message, Start):
            self._start(message)
            return
        assert isinstance(message, (More, Cancel))
        exchange = self._running.get(message.number)
        if exchange is None:
            return
        if isinstance(message, More):
            exchange.grant()
        else:
            exchange.run.cancel()
            self._replace_worker_of(exchange)

    def close(self) -> None:
        """Abandon all calls and give them a moment to end."""
        for exchange in list(self._running.values()):
            exchange.run.cancel()
        self._calls.drain(FAREWELL)
        self._calls.close()

    def tell(self, number: int, reply: Reply) -> None:
        """Pass on a reply after which others follow."""
        self._channel.say(Answer(number, reply, False))

    def tell_end(self, number: int, last: Reply | None) -> None:
        """Pass on the last reply together with the end: one message for a plain call."""
        with self._lock:
            self._running.pop(number, None)
            if number in self._held:
                self._held.discard(number)
                self._pool.replace(min(len(self._held), _MOST_REPLACED))
        self._channel.say(Answer(number, last, True))

    def _start(self, start: Start) -> None:
        exchange = self._running[start.number] = _Exchange(self, start.number)
        # The last reply of a one-way call is what the parent's log tells its outcome from.
        request = start.request._replace(oneway=False)
        exchange.run = self._calls.submit(self._service.dispatch, request, exchange, CREDIT)

    def _replace_worker_of(self, exchange: "_Exchange") -> None:
        """An abandoned call whose method does not return must not cost the others a thread."""
        with self._lock:
            if exchange.number in self._running and exchange.run.stepping and exchange.run.holds_worker:
                self._held.add(exchange.number)
                self._pool.replace(min(len(self._held), _MOST_REPLACED))


class _Exchange:
    """One call; it is the Sink of its own run."""

    __slots__ = ("_credit", "_last", "_lock", "_paused", "_worker", "number", "run")

    run: Call
    """Set when the call is submitted; only the reading thread, which submits it, needs it earlier than its end."""

    def __init__(self, worker: Worker, number: int) -> None:
        self.number = number
        self._worker = worker
        self._last: Reply | None = None
        self._lock = Lock()
        self._credit = 0
        self._paused = False

    def deliver(self, reply: Reply) -> None:
        if isinstance(reply, Item):
            self._worker.tell(self.number, reply)
        else:
            self._last = reply

    def paused(self) -> None:
        with self._lock:
            credit, self._credit = self._credit, 0
            self._paused = not credit
        if credit:
            self.run.resume(credit)

    def ended(self) -> None:
        self._worker.tell_end(self.number, self._last)

    def grant(self) -> None:
        """The parent has taken items."""
        with self._lock:
            if not self._paused:
                self._credit += GRANT
                return
            self._paused = False
        self.run.resume(GRANT)


def _serve(channel: Channel) -> None:
    messages = channel.messages()
    setup = next(messages, None)
    if not isinstance(setup, Setup):
        return  # The parent ended before it could say what to do.
    try:
        service = _load_service(setup)
    except RpcctlError as exc:
        channel.say(Refused(exc.message, exc.hint, getattr(exc, "traceback", "")))
        return
    worker = Worker(service, setup.threads, channel)
    _heed_no_signals()  # Again, for the targets may have seen to signals when they were imported.
    channel.say(Ready())
    for message in messages:
        worker.take(message)
    worker.close()


def _load_service(setup: Setup) -> Service:
    sys.path[:] = setup.path
    loaded = [load(text, **setup.loading) for text in setup.targets]
    return Service(expose(loaded, setup.selection), **setup.answering)


def _heed_no_signals() -> None:
    """Ctrl-C and a closed terminal reach the whole process group, but the parent decides what they mean.

    By a handler that does nothing: that a signal is ignored would be inherited by programs that a target starts.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), _do_nothing)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    pass


def _watch(descriptor: int) -> None:
    """End the process when the parent has hung up, whatever hangs: an import, a method, a handler at exit."""
    poll = select.poll()
    poll.register(descriptor, 0)  # Hang-ups and errors are always told.
    poll.poll()
    sleep(2 * FAREWELL)
    os._exit(1)
