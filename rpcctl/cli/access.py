"""What `serve` and `proxy` tell of each call, and how they notice that the one call of `--once` is over.

A log line has the time, the peer, the method, the outcome and how long it took; never arguments, unless asked with -v.
"""

import json
import reprlib
import threading
from collections.abc import Callable
from datetime import datetime
from time import monotonic

from rpcctl.cli.output import Output
from rpcctl.interfaces import Option
from rpcctl.messages import INSPECT, PING, REFUSED, Request
from rpcctl.service.outcome import OnDone

ACCESS_LOG = Option(
    "access-log",
    "a line for each call on stderr; auto is text on a terminal and json elsewhere",
    "FORM",
    "choice",
    "auto",
    choices=("auto", "text", "json", "off"),
    panel="Serving",
)
_STYLES = {"ok": "good", "cancelled": "dim", **dict.fromkeys(("no_method", "arguments", "busy", REFUSED), "refused")}
MOST_REFUSED = 50
"""Lines about refused requests in one second; those beyond are only counted, as strangers decide how many there are."""


class AccessLog:
    """Writes one line for each call that ended."""

    def __init__(
        self, output: Output, form: str, *, arguments: bool = False, clock: Callable[[], float] = monotonic
    ) -> None:
        """`form` is `text`, `json` or `auto`; `arguments` tells them too, shortened."""
        self._output = output
        self._is_text = form == "text" or (form == "auto" and output.is_watched())
        self._arguments = arguments
        self._refused = _Allowance(MOST_REFUSED, clock)

    def __call__(self, request: Request, outcome: str, seconds: float) -> None:
        """Tell of one call; an executor's `on_done`."""
        if outcome.startswith(REFUSED):
            left_out = self._refused.take()
            if left_out is None:
                return
            outcome += f" ({left_out} more before it)" if left_out else ""
        shown = reprlib.repr(request.args) if self._arguments else ""
        write = self._write_text if self._is_text else self._write_json
        write(request, outcome, seconds * 1000, shown)

    def _write_json(self, request: Request, outcome: str, ms: float, args: str) -> None:
        when = datetime.now().astimezone().isoformat(timespec="milliseconds")
        line = {"time": when, "peer": request.peer, "method": request.method, "outcome": outcome, "ms": round(ms, 3)}
        self._output.log(json.dumps({**line, "args": args} if args else line))

    def _write_text(self, request: Request, outcome: str, ms: float, args: str) -> None:
        """In columns; a narrow screen loses the peer first."""
        kind, _, name = outcome.partition(" ")
        style = _STYLES.get(kind, "bad")
        # Why a request was refused is long, and the less it says the more it matters who sent it.
        told = [(style, f"{name}  " if name else ""), ("dim", f"{request.peer or '-'}  ")]
        self._output.log(
            ("dim", f"{datetime.now():%H:%M:%S} "),
            (style, f"{kind:<9} "),
            f"{ms:>7.1f} ms  {request.method + args:<16}  ",
            *(told if kind != REFUSED else reversed(told)),
        )


class _Allowance:
    """So many lines in a second, and how many were left out before one. From any thread."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock()
        self._told = self._left_out = 0

    def take(self) -> int | None:
        """How many were left out since the last line; None when this one is to be left out too."""
        with self._lock:
            now = self._clock()
            if now - self._began >= 1.0:
                self._began, self._told = now, 0
            if self._told >= self._most:
                self._left_out += 1
                return None
            self._told += 1
            left_out, self._left_out = self._left_out, 0
            return left_out


def make_access_log(output: Output, form: str, *, arguments: bool = False) -> AccessLog | None:
    """The log that the option asks for; None when it is off."""
    return None if form == "off" else AccessLog(output, form, arguments=arguments)


class OneCall:
    """Notes when a call has been answered; asking what there is and pings do not count."""

    def __init__(self) -> None:
        """None has been."""
        self._over = threading.Event()

    def __call__(self, request: Request, outcome: str, seconds: float) -> None:
        """See one call; an executor's `on_done`."""
        if request.method not in (INSPECT, PING) and not outcome.startswith(REFUSED):
            self._over.set()

    def is_over(self) -> bool:
        """Whether one call has ended."""
        return self._over.is_set()


def tell_all(*listeners: OnDone | None) -> OnDone | None:
    """One listener that tells those that are there; None when there is none, so that it costs nothing."""
    present = [each for each in listeners if each is not None]
    if len(present) < 2:
        return present[0] if present else None

    def tell(request: Request, outcome: str, seconds: float) -> None:
        for each in present:
            each(request, outcome, seconds)

    return tell
