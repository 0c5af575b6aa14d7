"""Pyro's name server: names and tags to addresses, and our own address put there. Spoken to as any Pyro object."""

from collections.abc import Sequence
from typing import Any

from rpcctl.address import Address, join_place, split_place
from rpcctl.errors import ConnectionLostError, MethodNotFoundError, RemoteError, RemoteProtocolError, UsageError
from rpcctl.interfaces import Settings
from rpcctl.messages import Deadline

from . import codec, faults
from .conversation import Conversation, open_conversation, read_answer
from .uri import NAME_SERVER_PORT, Place, place_at, spell

NAME_SERVER = "Pyro.NameServer"
_PATIENCE = 3.0
"""Seconds for a name server to register us or to let us go."""


def look_up(place: Place, settings: Settings, deadline: Deadline) -> Place:
    """Where the object is that has the name, or all of the tags; MethodNotFoundError when there is none."""
    server = open_conversation(place.at, NAME_SERVER, _shown(place.at), settings, deadline)
    try:
        if place.lookup == "pyroname":
            found = _ask(server, deadline, "lookup", place.object)
        else:
            found = _choose(place, _ask(server, deadline, "yplookup", meta_all=_tags(place), return_metadata=False))
    finally:
        server.wire.shut()
    return _read(place, found)


def _tags(place: Place) -> list[str]:
    return [each.strip() for each in place.object.split(",") if each.strip()]


class Registration:
    """Our address at a name server, from `enter` until `leave`."""

    def __init__(self, at: str, name: str, tags: Sequence[str], settings: Settings) -> None:
        """`at` is HOST[:PORT] as typed; UsageError when it is not."""
        found = split_place(at)
        if found is None or not found[0] or (found[1] and not found[1].isdecimal()):
            raise UsageError(f"--pyro-ns {at}: not HOST[:PORT]", hint="--pyro-ns 127.0.0.1:9090")
        self._at = place_at("pyro", found[0].strip("[]"), int(found[1] or NAME_SERVER_PORT))
        self._name = name
        self._tags = list(tags)
        self._settings = settings._replace(options={}, trace=None)
        self._uri = ""

    def enter(self, own: Address, name: str) -> None:
        """Have our object found; ConnectError and the like when the name server cannot be reached."""
        deadline = Deadline.after(self._settings.connect_timeout)
        server = self._open(deadline)
        try:
            place = own.location() if own.kind == "host" else f"./u:{own.path}"
            if own.host in ("0.0.0.0", "::"):
                # Under that address nobody can call; under the one that the name server sees us with, others can.
                place = join_place(server.wire.sock.getsockname()[0], own.port)
            self._name = self._name or name
            self._uri = f"PYRO:{name}@{place}"
            _ask(server, deadline, "register", self._name, self._uri, metadata=self._tags or None)
        finally:
            server.wire.shut()

    def leave(self) -> None:
        """Be found no more; nothing happens when the name server is gone, or has another one under our name by now."""
        uri, self._uri = self._uri, ""
        if not uri:
            return
        deadline = Deadline.after(_PATIENCE)
        try:
            server = self._open(deadline)
        except Exception:
            return
        try:
            if _spell(_ask(server, deadline, "lookup", self._name)) == uri:
                _ask(server, deadline, "remove", self._name)
        except Exception:
            pass  # It forgets those that it cannot reach.
        finally:
            server.wire.shut()

    def _open(self, deadline: Deadline) -> Conversation:
        return open_conversation(self._at, NAME_SERVER, _shown(self._at), self._settings, deadline)


def _shown(at: Address) -> str:
    return f"the name server at {at.location()}"


def _ask(server: Conversation, deadline: Deadline, method: str, *args: Any, **kwargs: Any) -> Any:
    try:
        answer = server.invoke(NAME_SERVER, method, args, kwargs, deadline)
    except OSError as exc:
        raise ConnectionLostError(f"the name server did not answer: {exc or 'too late'}") from exc
    assert answer is not None
    found = read_answer(answer, None)
    if not answer.flags & codec.EXCEPTION:
        return found
    failure = faults.from_exception(found, method)
    if failure.type == "NamingError":
        raise MethodNotFoundError(
            f"the name server has no such object: {failure.message}",
            hint=f"rpcctl call {server.spell(NAME_SERVER)} list shows what there is",
        )
    raise RemoteError(f"the name server: {failure.type}: {failure.message}", type=failure.type)


def _choose(place: Place, found: Any) -> Any:
    from random import choice

    if not isinstance(found, dict) or not found:
        at = spell(place.at, NAME_SERVER)
        raise MethodNotFoundError(
            f"the name server knows of no object with {place.object!r}",
            hint=f"rpcctl call {at} list return_metadata=true shows what there is",
        )
    return choice(list(found.values()))


def _read(place: Place, found: Any) -> Place:
    """A URI, as text or as an object of the class URI."""
    text = _spell(found)
    name, at, location = text.removeprefix("PYRO:").partition("@")
    if not at or not name or not text.startswith("PYRO:"):
        raise RemoteProtocolError(f"the name server says {str(found)[:200]!r}, which is no address of an object")
    if location.startswith("./u:"):
        return Place(place_at(place.at.protocol, "", 0, location[4:]), name)
    parts = split_place(location)
    if parts is None or not parts[0] or not parts[1].isdecimal():
        raise RemoteProtocolError(f"the name server says {text!r}, which is no address of an object")
    return Place(place_at(place.at.protocol, parts[0].strip("[]"), int(parts[1])), name)


def _spell(found: Any) -> str:
    if isinstance(found, str):
        return found
    state = found.get("state") if isinstance(found, dict) else None
    if not isinstance(state, (list, tuple)) or len(state) != 5:
        return ""
    scheme, name, path, host, port = state
    if path:
        return f"{scheme}:{name}@./u:{path}"
    return f"{scheme}:{name}@{join_place(str(host), port)}" if isinstance(port, int) else ""
