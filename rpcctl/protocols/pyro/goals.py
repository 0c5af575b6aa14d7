"""What a name means to a client: a method or an attribute of the object; `object.name` where all objects are meant."""

from typing import Any, NamedTuple

from rpcctl.messages import Deadline, MethodDescription

from .conversation import Conversation
from .description import DAEMON, Metadata, from_metadata, read_metadata

ACCESS = ("__getattr__", "__setattr__")
"""What reads an attribute, and what writes one."""


class Goal(NamedTuple):
    """A method of an object, or an attribute of it."""

    object: str
    method: str
    attribute: bool = False

    def spell(self, args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
        """Method and arguments as the wire has them: without an argument an attribute is read, with one written."""
        return (ACCESS[bool(args)], (self.method, *args)) if self.attribute else (self.method, args)


class Goals:
    """The objects of a server, as far as they were asked about."""

    def __init__(self) -> None:
        """None was asked about but the one that a connection is for."""
        self._others: dict[str, Metadata] = {}

    def find(self, talk: Conversation, method: str) -> Goal | None:
        """What is known to have that name."""
        if method in talk.metadata.methods:
            return Goal(talk.name, method)
        if method in talk.metadata.attributes:
            return Goal(talk.name, method, attribute=True)
        if method in ACCESS and talk.metadata.attributes:
            return Goal(talk.name, method)
        for name, metadata in self._others.items() if talk.name == DAEMON else ():
            rest = method.removeprefix(f"{name}.")
            if rest != method and rest in metadata.methods | metadata.attributes:
                return Goal(name, rest, rest in metadata.attributes)
        return None

    def ask(self, talk: Conversation, method: str, deadline: Deadline) -> Goal | None:
        """The same once the server was asked: it may have been given more since it was asked first."""
        if talk.name == DAEMON:
            self.list_all(talk, deadline)
        else:
            talk.metadata = read_metadata(talk.ask_daemon("get_metadata", talk.name, deadline=deadline))
        return self.find(talk, method)

    def list_all(self, talk: Conversation, deadline: Deadline) -> list[MethodDescription]:
        """The methods of all objects of a server, under their names."""
        found = []
        self._others.clear()
        for name in list_objects(talk, deadline):
            metadata = read_metadata(talk.ask_daemon("get_metadata", name, deadline=deadline))
            self._others[name] = metadata
            found += from_metadata(metadata, f"{name}.")
        return found


def list_objects(talk: Conversation, deadline: Deadline) -> list[str]:
    """The names of a server's objects, but for its own."""
    found = talk.ask_daemon("registered", deadline=deadline)
    known = isinstance(found, (list, tuple))
    return [each for each in found if isinstance(each, str) and each != DAEMON] if known else []
