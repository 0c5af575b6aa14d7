"""What ends a server or changes its target: SIGTERM, Ctrl-C, SIGHUP, changed files, one call served.

The handlers only note what came; the main thread acts on it between two waits, so no lock is ever taken in a handler.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import Protocol

from rpcctl.errors import RpcctlError

POLL = 0.2
"""Seconds between two looks at the flags that threads and signals set."""
WATCH = 1.0
"""Seconds between two looks at the files that `--reload` watches."""


class Served(Protocol):
    """What can be run until a signal: `rpcctl.hosting.Server`."""

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it has stopped by itself."""

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

    def on_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop += 1
        if self.stop > 1:
            # The second one means now, even while the main thread waits for running calls.
            raise _Impatient

    def on_reload(self, number: int, frame: FrameType | None) -> None:
        self.reload = True


class _Impatient(BaseException):
    """A second signal while the first one's work went on."""


class _Files:
    """The files of the imported modules, as they are when it is made."""

    def __init__(self) -> None:
        self._seen = _stamps()
        self._at = monotonic()

    def changed(self) -> bool:
        """Whether one has changed since the last look; looks at most once in WATCH seconds."""
        if monotonic() - self._at < WATCH:
            return False
        seen, self._seen, self._at = self._seen, _stamps(), monotonic()
        return any(self._seen[path] != seen[path] for path in self._seen.keys() & seen.keys())


def run_until_signal(
    server: Served,
    *,
    grace: float = 10.0,
    once: Callable[[], bool] | None = None,
    watch: bool = False,
    note: Callable[[str], None] = lambda text: None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, or until `once()` says that its call is answered; then drain for `grace` seconds.

    SIGHUP, and with `watch` a change of an imported file, loads the target anew; `note` is told what happened. A second
    signal stops without waiting. Must run on the main thread.
    """
    flags = _Flags()
    files = _Files() if watch else None
    with _handling(flags):
        try:
            _run(server, flags, once, files, note)
            note("stopping: finishing the calls that run; again to stop now")
            left = server.drain(grace)
            if left:
                note(f"{left} {'call' if left == 1 else 'calls'} did not finish within --grace {grace:g} s")
        except _Impatient:
            note("stopped at once")
        finally:
            server.stop()


def _run(
    server: Served,
    flags: _Flags,
    once: Callable[[], bool] | None,
    files: _Files | None,
    note: Callable[[str], None],
) -> None:
    while not server.wait(POLL):
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
        trace = getattr(exc, "traceback", "")
        if trace:
            note(trace.rstrip())
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


def _stamps() -> dict[str, float]:
    found = {}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            try:
                found[path] = os.stat(path).st_mtime
            except OSError:
                continue
    return found
