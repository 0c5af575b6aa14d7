"""A client's connection, made when it is needed and made anew when it is lost; one thread at a time has its turn.

What ends a wait is told here as the errors of rpcctl; what is said over the connection, the client knows.
"""

from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from rpcctl.address import Address
from rpcctl.errors import (
    ArgumentError,
    ConnectError,
    ConnectionLostError,
    MethodNotFoundError,
    RemoteProtocolError,
)
from rpcctl.interfaces import Settings
from rpcctl.limits import Limit
from rpcctl.messages import Deadline, Request

from .conversation import Conversation, open_conversation
from .description import DAEMON, WHOLE
from .goals import list_objects
from .naming import look_up
from .tokens import read_token
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
        self._turn = Lock()
        """Whose turn it is to speak and to listen: two threads must not take each other's answers."""

    @property
    def stands(self) -> bool:
        """Whether there is a connection."""
        return self._conversation is not None

    def connect(self, deadline: Deadline) -> None:
        """Reach the object, if it has not been reached."""
        if self._closed:
            raise ConnectionLostError("the connection is closed")
        if self._conversation is None:
            talk = self._open(deadline)
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
        left = limit.deadline.remaining()
        if not self._turn.acquire(timeout=-1 if left is None else left):
            raise limit.error(request)
        try:
            return self._act(request, limit, self._ready(limit.deadline, first=first), act)
        finally:
            self._turn.release()

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

    def _open(self, deadline: Deadline) -> Conversation:
        place = self._place
        if place.lookup:
            place = look_up(place, self._settings, deadline)
        token, shown = read_token(self._settings.options), str(self._address)

        def open_at(name: str) -> Conversation:
            return open_conversation(place.at, name, shown, self._settings, deadline, token)

        if place.object:
            return open_at(place.object)
        try:
            return open_at(WHOLE)
        except MethodNotFoundError:
            pass  # It is a stock server, where objects have names of their own.
        talk = open_at(DAEMON)
        try:
            names = list_objects(talk, deadline)
        except OSError as exc:
            talk.wire.shut()
            raise ConnectError(f"{shown}: it does not tell of its objects: {exc or 'too late'}") from exc
        if len(names) != 1:
            return talk
        talk.wire.shut()
        return open_at(names[0])


def _lost(request: Request, why: str) -> str:
    return f"{request.method}: the connection was lost before the reply, so whether it ran is unknown: {why}"
