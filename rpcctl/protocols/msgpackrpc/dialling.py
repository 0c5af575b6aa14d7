"""How a server is reached: over TCP, over a Unix socket, or as a command that speaks on its standard streams."""

import socket
from typing import TYPE_CHECKING

from rpcctl.address import Address
from rpcctl.errors import AddressError, ConnectError
from rpcctl.messages import Deadline
from rpcctl.sockets.wire import Wire, connect

if TYPE_CHECKING:
    from subprocess import Popen

_PARTING = 1.0
"""Seconds for a command to end when its input does, before it is told to."""


def dial(at: Address, patience: float | None, deadline: Deadline) -> Wire:
    """Connect within `patience` seconds and the deadline; a TransportError says why not, or DeadlineError."""
    return _run(at) if at.kind == "text" else connect(at, patience, deadline)


class _CommandWire(Wire):
    """The wire to a command, which ends with it."""

    def __init__(self, sock: socket.socket, process: "Popen[bytes]") -> None:
        super().__init__(sock)
        self._process = process

    def shut(self) -> None:
        """Close its input and wait until it has ended."""
        super().shut()
        from subprocess import TimeoutExpired

        try:
            self._process.wait(_PARTING)
        except TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(_PARTING)
            except TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _run(at: Address) -> Wire:
    from shlex import split
    from subprocess import Popen

    try:
        words: list[str] = split(at.path)
    except ValueError as exc:
        raise AddressError(f"{at}: {exc}", hint="as in msgpackrpc+exec:'nvim --embed --headless'") from None
    ours, theirs = socket.socketpair()
    try:
        # One socket for both directions: to the command it is a pipe like any other.
        process = Popen(words, stdin=theirs.fileno(), stdout=theirs.fileno())
    except OSError as exc:
        ours.close()
        raise ConnectError(f"{at}: {words[0]}: {(exc.strerror or str(exc)).lower()}", hint="is it installed?") from exc
    finally:
        theirs.close()
    return _CommandWire(ours, process)
