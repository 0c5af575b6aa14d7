"""Connections to one server for many threads: so many at most, each lent to one call at a time, and made when needed.

One that was lost is closed, and with it those that lie idle: they led to the same server. The next call dials again; no
call is ever repeated.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from time import monotonic
from typing import Any

from rpcctl.api import Connection
from rpcctl.errors import ConnectionLostError, TransportError, UsageError

DEFAULT_CONNECTIONS = 32
MOST = 4096
IDLE = 60.0
"""Seconds after which an idle connection is closed when the next one is asked for: a router may have forgotten it."""


class NoRoomError(Exception):
    """No connection became free in time; the text says so."""


class Pool:
    """Connections that `make` gives, not connected. From any thread."""

    def __init__(self, make: Callable[[], Connection], most: int, max_wait: float) -> None:
        """At most `most` at a time; whoever asks for one more waits up to `max_wait` seconds."""
        if not 1 <= most <= MOST:
            raise UsageError(f"--connections {most}: 1 to {MOST}", hint=f"--connections {DEFAULT_CONNECTIONS}")
        self._make = make
        self._most = most
        self._max_wait = max_wait
        self._changed = Condition()
        self._idle: list[tuple[Connection, float]] = []
        self._lent: dict[Connection, int] = {}
        """Each with the age in which it was made: those of an earlier one are not used again."""
        self._age = 0
        self._dialling = 0
        self._closed = False

    @contextmanager
    def lend(self, **connecting: Any) -> Iterator[Connection]:
        """A connection that stands, for the block; keywords as for its `connect`. NoRoomError, or why it does not.

        What the block raises decides: after a UsageError, of a call that was never sent, and after an abandoned stream
        the connection goes on.
        """
        connection = self._take() or self._dial(connecting)
        try:
            yield connection
        except (UsageError, GeneratorExit):
            self._give_back(connection)
            raise
        except TransportError:
            self._drop(connection)
            self._close_all(self._forget())
            raise
        except BaseException:
            self._drop(connection)
            raise
        self._give_back(connection)

    def renew(self) -> None:
        """Close those that are idle, and let no further call have one that was made before."""
        with self._changed:
            self._age += 1
        self._close_all(self._forget())

    def close(self) -> None:
        """Close all of them; calls that wait for a reply are told that they were lost. Safe to repeat."""
        with self._changed:
            self._closed = True
            lent = list(self._lent)
            self._changed.notify_all()
        self._close_all([*self._forget(), *lent])

    def _take(self) -> Connection | None:
        """An idle one, the last one used; None when the caller may make one. NoRoomError when neither, in time."""
        with self._changed:
            if not self._changed.wait_for(self._has_room, self._max_wait):
                raise NoRoomError(
                    f"all {self._most} connections to the server behind this proxy were in use for {self._max_wait:g} s"
                )
            if self._closed:
                raise ConnectionLostError("the proxy is being stopped")
            old = self._idle.pop() if self._idle else None
            if old is None:
                self._dialling += 1
                return None
            connection, since = old
            if monotonic() - since < IDLE:
                self._lent[connection] = self._age
                return connection
            self._dialling += 1
        # The last one used: the others have been idle for longer.
        self._close_all([connection, *self._forget()])
        return None

    def _has_room(self) -> bool:
        return self._closed or bool(self._idle) or len(self._lent) + self._dialling < self._most

    def _dial(self, connecting: Any) -> Connection:
        connection = self._make()
        try:
            connection.connect(**connecting)
        except BaseException:
            connection.close()
            with self._changed:
                self._dialling -= 1
                self._changed.notify()
            raise
        with self._changed:
            self._dialling -= 1
            self._lent[connection] = self._age
        return connection

    def _give_back(self, connection: Connection) -> None:
        with self._changed:
            fresh = self._lent.pop(connection) == self._age and not self._closed
            if fresh:
                self._idle.append((connection, monotonic()))
            self._changed.notify()
        if not fresh:
            connection.close()

    def _drop(self, connection: Connection) -> None:
        with self._changed:
            del self._lent[connection]
            self._changed.notify()
        connection.close()

    def _forget(self) -> list[Connection]:
        with self._changed:
            idle, self._idle = self._idle, []
        return [connection for connection, _ in idle]

    def _close_all(self, connections: list[Connection]) -> None:
        for connection in connections:
            connection.close()
