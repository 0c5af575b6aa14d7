"""What `serve` and `proxy` tell of each call, and how they notice that the one call of `--once` is over.

A log line has the time, the peer, the method, the outcome and how long it took; never arguments, unless asked with -v.
"""

import json
import reprlib
import threading
from datetime import datetime

from rpcctl.cli.output import Output
from rpcctl.interfaces import Option
from rpcctl.messages import INSPECT, PING, Request
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
_STYLES = {"ok": "good", "cancelled": "dim", "no_method": "refused", "arguments": "refused", "busy": "refused"}


class AccessLog:
    """Writes one line for each call that ended."""

    def __init__(self, output: Output, form: str, *, arguments: bool = False) -> None:
        """`form` is `text`, `json` or `auto`; `arguments` tells them too, shortened."""
        self._output = output
        self._is_text = form == "text" or (form == "auto" and output.is_watched())
        self._arguments = arguments

    def __call__(self, request: Request, outcome: str, seconds: float) -> None:
        """Tell of one call; an executor's `on_done`."""
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
        self._output.log(
            ("dim", f"{datetime.now():%H:%M:%S} "),
            (style, f"{kind:<9} "),
            f"{ms:>7.1f} ms  {request.method + args:<16}  ",
            (style, f"{name}  " if name else ""),
            ("dim", request.peer or "-"),
        )


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
        if request.method not in (INSPECT, PING):
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
