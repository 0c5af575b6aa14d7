"""From what an address means to a connection: names are looked up, and where no object is named one is found."""

from rpcctl.errors import ConnectError, MethodNotFoundError
from rpcctl.interfaces import Settings
from rpcctl.messages import Deadline

from .conversation import Conversation, open_conversation
from .description import DAEMON, WHOLE
from .goals import list_objects
from .naming import look_up
from .tokens import read_token
from .uri import Place


def open_place(place: Place, settings: Settings, deadline: Deadline, shown: str) -> Conversation:
    """Connect to the object; without one to all objects of our servers, or to the only one of others.

    `shown` is what errors call the server; a TransportError or the like says why there is no connection.
    """
    if place.lookup:
        place = look_up(place, settings, deadline)
    token = read_token(settings.options)

    def open_at(name: str) -> Conversation:
        return open_conversation(place.at, name, shown, settings, deadline, token)

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
