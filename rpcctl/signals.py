"""What ends a server or changes its target: SIGTERM, Ctrl-C, SIGHUP, changed files, one call served.

The handlers only note what came; the main thread acts on it between two waits, so no lock is ever taken in a handler.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Protocol

from rpcctl.errors import RpcctlError, UsageError

POLL = 0.2
"""Seconds between two looks at the flags that threads and signals set."""
WATCH = 1.0
"""Seconds between two looks at the files that `--reload` watches."""


class Served(Protocol):
    """What can be run until a signal: `rpcctl.hosting.Server`."""

    def start(self) -> None:
        """Bind and serve."""

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it has stopped by itself."""

    def is_busy(self) -> bool:
        """Whether calls are under way."""

    def drain(self, grace: float) -> int:
        """Finish the running calls; how many were left over."""

    def stop(self) -> None:
        """Stop at once."""

    def reload(self) -> None:
        """Load the target anew."""


class _Flags:
    """What has come since it was last looked at."""

    def __init__(self) -> None:
        self.stop = 0
        self.reload = False
        self.leaving = False

    def on_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop += 1
        if self.stop == 2 and not self.leaving:
            # The second one means now, even while the main thread waits for running calls.
            raise _Impatient

    def on_reload(self, number: int, frame: FrameType | None) -> None:
        self.reload = True


class _Impatient(BaseException):
    """A second signal while the first one's work went on."""


class _Files:
    """The files of the imported modules, and others, as they are when it is made."""

    def __init__(self, others: Sequence[str]) -> None:
        self._others = others
        self._seen = _stamps(others)
        self._at = monotonic()

    def changed(self) -> bool:
        """Whether one has changed since the last look; looks at most once in WATCH seconds."""
        if monotonic() - self._at < WATCH:
            return False
        seen, now = self._seen, _stamps(self._others)
        # What is missing may be in the midst of being written: its old time stays, until it is back.
        self._seen, self._at = {**seen, **now}, monotonic()
        return any(now[path] != seen[path] for path in now.keys() & seen.keys())


def run_until_signal(
    server: Served,
    *,
    grace: float = 10.0,
    once: Callable[[], bool] | None = None,
    watch: bool = False,
    files: Sequence[str] = (),
    ready: Callable[[], None] = lambda: None,
    note: Callable[[str], None] = lambda text: None,
    tick: Callable[[], None] = lambda: None,
) -> None:
    """Start and serve until SIGTERM, Ctrl-C or `once()` says that its call is answered; then drain for `grace` seconds.

    `ready` is called when the server is bound and signals are heeded. SIGHUP, and with `watch` a change of an imported
    file or one of `files`, loads the target anew; `note` is told what happened, and `tick` is called every now and then
    until the end begins. A second signal stops without waiting. UsageError when this is not the main thread: signals
    reach no other.
    """
    if threading.current_thread() is not threading.main_thread():
        raise UsageError("signals reach the main thread only", hint="rpcctl.Server serves from any thread")
    flags = _Flags()
    watched = _Files(files) if watch else None
    with _handling(flags):
        try:
            server.start()
            ready()
            _run(server, flags, once, watched, note, tick)
            if server.is_busy():
                note("stopping: finishing the calls that run; again to stop now")
            left = server.drain(grace)
            if left:
                note(f"{left} {'call' if left == 1 else 'calls'} did not finish within --grace {grace:g} s")
            flags.leaving = True
        except _Impatient:
            note("stopped at once")
        finally:
            flags.leaving = True
            server.stop()


def _run(
    server: Served,
    flags: _Flags,
    once: Callable[[], bool] | None,
    files: _Files | None,
    note: Callable[[str], None],
    tick: Callable[[], None],
) -> None:
    while not server.wait(POLL):
        tick()
        if flags.stop or (once is not None and once()):
            return
        if flags.reload or (files is not None and files.changed()):
            flags.reload = False
            _reload(server, note)


def _reload(server: Served, note: Callable[[str], None]) -> None:
    try:
        server.reload()
    except RpcctlError as exc:
        note(f"not reloaded, the old target goes on: {exc.message}")
        for line in getattr(exc, "traceback", "").splitlines():
            note(line)
    else:
        note("reloaded")


@contextmanager
def _handling(flags: _Flags) -> Iterator[None]:
    wanted = {signal.SIGINT: flags.on_stop, signal.SIGTERM: flags.on_stop}
    if hasattr(signal, "SIGHUP"):
        wanted[signal.SIGHUP] = flags.on_reload
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stamps(others: Sequence[str]) -> dict[str, float]:
    found = {}
    for other in others:
        try:
            found[other] = os.stat(other).st_mtime
        except OSError:
            continue  # It is gone, maybe for as long as it is written anew.
    for module in list(sys.modules.values()):
        try:
            path = getattr(module, "__file__", None)
            if isinstance(path, str):
                found[path] = os.stat(path).st_mtime
        except Exception:
            continue  # The file is gone, or what stands for a module cannot be asked.
    return found
