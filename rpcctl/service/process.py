"""One worker process as its parent sees it: started, spoken to over a socket pair, and noticed when it dies.

The channel is read and written on the event loop, which is where calls await their replies, so that none of them holds
a thread. Knows nothing of the other processes.
"""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from threading import Event

from rpcctl.errors import TargetError
from rpcctl.messages import Failure, Item, Reply, Request
from rpcctl.service.frames import GRANT, Answer, Cancel, Frames, More, Ready, Refused, Setup, Start, pack
from rpcctl.service.loop import event_loop
from rpcctl.service.stdio import warn

_SLACK = 1.0
"""Seconds between the end of the channel and that of the process, whichever comes first, before the other is forced."""
_ROOT = str(Path(__file__).parents[2])
_START = "import sys; sys.path.insert(0, {!r}); from rpcctl.service.child import main; main({})"


class Process(asyncio.Protocol):
    """A child process; everything without an underscore is for the event loop, unless it says otherwise."""

    def __init__(self, setup: Setup, started: "Future[None]", on_change: Callable[["Process"], None]) -> None:
        """Start it, from any thread; OSError when the system does not let us.

        `started` gets a result when the targets are loaded, or the TargetError that says why they are not. `on_change`
        is called whenever `is_open` may have changed.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._popen = _start(theirs.fileno(), setup.folder)
        except BaseException:
            ours.close()
            raise
        self.name = f"worker process {self._popen.pid}"
        self._connection = ours
        self._setup = setup
        self._started = started
        self._on_change = on_change
        self._frames = Frames()
        self._numbers = count()
        self._calls: dict[int, RemoteCall] = {}
        self._transport: asyncio.Transport | None = None
        self._ready = self._choked = self._leaving = False
        self._end = ""
        self._gone = Event()

    @property
    def is_open(self) -> bool:
        """Whether it takes calls now."""
        return self._ready and not self._choked and not self._leaving and self._transport is not None

    @property
    def load(self) -> int:
        """Its calls that are not over, abandoned ones included."""
        return len(self._calls)

    def begin(self, request: Request) -> "RemoteCall":
        """Hand it a call; only while it is open. Raises what pickle does for arguments that no wire can have sent."""
        number = next(self._numbers)
        frame = pack(Start(number, request))
        call = self._calls[number] = RemoteCall(self, number, request.method)
        self.write(frame)
        return call

    def write(self, frame: bytes) -> None:
        """Send a frame, if there is anybody left to read it."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    def retire(self) -> None:
        """Take no further calls, and end when those under way are over."""
        self._leaving = True
        self._on_change(self)
        if not self._calls:
            self.hang_up()

    def hang_up(self) -> None:
        """Let it end now; what it was doing is abandoned."""
        self._leaving = True
        self._on_change(self)
        if self._transport is not None:
            self._transport.close()
        if not self._ready:
            self.kill()

    def kill(self) -> None:
        """End it for sure; from any thread."""
        self._popen.kill()

    def run(self) -> str:
        """See it through to its end on a thread of the caller's, never the loop's; how it ended. OSError as above."""
        loop = event_loop()
        attached = asyncio.run_coroutine_threadsafe(loop.create_connection(lambda: self, sock=self._connection), loop)
        try:
            attached.result()
        except OSError:
            self.kill()
            self._popen.wait()
            self._connection.close()
            raise
        code = self._popen.wait()
        loop.call_soon_threadsafe(self._on_exit, code)
        self._gone.wait()
        return self._end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of asyncio: the channel is ours."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.write(pack(self._setup))
        if self._leaving:
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Of asyncio: the child said something."""
        try:
            for message in self._frames.feed(data):
                self._take(message)
        except Exception as exc:
            # Whatever a target wrote into our channel, or out of memory: the rest cannot be understood any more.
            warn(f"{self.name} is ended: its messages cannot be read: {type(exc).__name__}: {exc}")
            self.kill()
            if self._transport is not None:
                self._transport.abort()

    def pause_writing(self) -> None:
        """Of asyncio: the child reads too slowly."""
        self._choked = True
        self._on_change(self)

    def resume_writing(self) -> None:
        """Of asyncio: it has caught up."""
        self._choked = False
        self._on_change(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio: the channel has ended, by either side."""
        self._transport = None
        self._on_change(self)
        if self._end or self._leaving:
            self._settle()
        else:
            # Most likely it is dying; if it merely closed its end, it is of no use either.
            event_loop().call_later(_SLACK, self.kill)

    def _on_exit(self, code: int) -> None:
        self._end = f"{self.name} {_describe(code)}"
        if self._transport is None:
            self._settle()
        else:
            # What it had said before is still to be read. A program that it started may hold the channel open.
            event_loop().call_later(_SLACK, self._transport.abort)

    def _settle(self) -> None:
        """Nothing more will come: all that wait for it are told."""
        self._end = self._end or f"{self.name} was told to end"
        if not self._started.done():
            self._started.set_exception(TargetError(f"{self._end} while it loaded the target"))
        for number in list(self._calls):
            call = self._calls.pop(number)
            call.over = True
            call.arrived.put_nowait(_lost(call.method, self._end))
            call.arrived.put_nowait(None)
        self._gone.set()

    def _take(self, message: Answer | Ready | Refused) -> None:
        if isinstance(message, Answer):
            self._pass_on(message)
        elif isinstance(message, Ready):
            self._ready = True
            self._started.set_result(None)
            self._on_change(self)
        else:
            self._started.set_exception(TargetError(message.message, hint=message.hint, traceback=message.traceback))

    def _pass_on(self, answer: Answer) -> None:
        call = self._calls[answer.number]
        if answer.reply is not None:
            call.arrived.put_nowait(answer.reply)
        if answer.over:
            del self._calls[answer.number]
            call.over = True
            call.arrived.put_nowait(None)
            if self._leaving and not self._calls:
                self.hang_up()


class RemoteCall:
    """A call that runs in a child; its replies are awaited on the event loop."""

    def __init__(self, process: Process, number: int, method: str) -> None:
        """Begun already."""
        self.method = method
        self.arrived: asyncio.Queue[Reply | None] = asyncio.Queue()
        """Bounded by the stream's credit; None is the end."""
        self.over = False
        """Whether the child has let go of it."""
        self._process = process
        self._number = number
        self._taken = 0

    async def next_reply(self) -> Reply | None:
        """The next reply; None when there is none. The last one is a Failure when the child dies."""
        reply = await self.arrived.get()
        if type(reply) is Item:
            self._taken += 1
            if not self.over and self._taken % GRANT == 0:
                self._process.write(pack(More(self._number)))
        return reply

    async def close(self) -> None:
        """Abandon it, unless it is over, and wait until the method has let go."""
        if self.over:
            return
        self._process.write(pack(Cancel(self._number)))
        while await self.arrived.get() is not None:
            pass


def _start(descriptor: int, folder: str | None) -> "subprocess.Popen[bytes]":
    # A fresh interpreter: a copy of this one would have its locks, but not the threads that are to release them.
    command = [sys.executable, "-c", _START.format(_ROOT, descriptor)]
    return subprocess.Popen(command, pass_fds=(descriptor,), stdin=subprocess.DEVNULL, cwd=folder)


def _lost(method: str, end: str) -> Failure:
    return Failure("lost", "WorkerLost", f"{end} while it ran {method}: how far that came is not known")


def _describe(code: int) -> str:
    if code >= 0:
        return f"ended with status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
