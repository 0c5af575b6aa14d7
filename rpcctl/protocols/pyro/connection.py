"""A client's connection, made when it is needed and made anew when it is lost; one thread at a time has its turn.

What ends a wait is told here as the errors of rpcctl; what is said over the connection, the client knows.
"""

from collections.abc import Callable
from typing import TypeVar

from rpcctl.address import Address
from rpcctl.errors import ArgumentError, ConnectionLostError, RemoteProtocolError
from rpcctl.interfaces import Settings
from rpcctl.limits import Limit
from rpcctl.messages import Deadline, Request
from rpcctl.turn import Turn

from .conversation import Conversation
from .opening import open_place
from .uri import place_of

_Found = TypeVar("_Found")


class Connection:
    """The way to one server, for threads that share it."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Touches no network."""
        self._address = address
        self._place = place_of(address)
        self._settings = settings
        self._conversation: Conversation | None = None
        self._closed = False
        self._turn = Turn(address)

    @property
    def stands(self) -> bool:
        """Whether there is a connection."""
        return self._conversation is not None

    def connect(self, deadline: Deadline) -> None:
        """Reach the object, if it has not been reached."""
        if self._closed:
            raise ConnectionLostError("the connection is closed")
        if self._conversation is None:
            talk = open_place(self._place, self._settings, deadline, str(self._address))
            self._conversation = talk
            if self._closed:
                self.give_up()
                raise ConnectionLostError("the connection is closed")

    def close(self) -> None:
        """Free it for good; whoever waits is told. From any thread."""
        self._closed = True
        self.give_up()

    def give_up(self) -> None:
        """Free it; the next call makes another one."""
        talk, self._conversation = self._conversation, None
        if talk is not None:
            talk.wire.shut()

    def exchange(
        self, request: Request, limit: Limit, act: Callable[[Conversation], _Found], *, first: bool = False
    ) -> _Found:
        """Do something that waits for the server, while no other thread does; `first` is for a call's beginning.

        What ends the wait is told as ours, and ends the connection.
        """
        with self._turn.within(limit.deadline):
            return self._act(request, limit, self._ready(limit.deadline, first=first), act)

    def _act(self, request: Request, limit: Limit, talk: Conversation, act: Callable[[Conversation], _Found]) -> _Found:
        intact = False
        try:
            found = act(talk)
            intact = True
            return found
        except ArgumentError:
            intact = True
            raise
        except TimeoutError:
            raise limit.error(request) from None
        except OSError as exc:
            why = "it was closed" if self._closed else exc.strerror or str(exc)
            raise ConnectionLostError(_lost(request, why)) from exc
        except ConnectionLostError as exc:
            raise ConnectionLostError(_lost(request, exc.message)) from exc
        except RemoteProtocolError as exc:
            raise RemoteProtocolError(f"{self._address}: {exc.message}", hint=exc.hint) from exc
        finally:
            if not intact:
                self.give_up()

    def _ready(self, deadline: Deadline, *, first: bool) -> Conversation:
        """A connection that stands; for what is no beginning, the one that there is."""
        talk = self._conversation
        if talk is not None and first and talk.wire.is_stale():
            self.give_up()
            talk = None
        if talk is None:
            self.connect(deadline)
            talk = self._conversation
        if talk is None:
            raise ConnectionLostError("the connection is closed")
        return talk


def _lost(request: Request, why: str) -> str:
    return f"{request.method}: the connection was lost before the reply, so whether it ran is unknown: {why}"
