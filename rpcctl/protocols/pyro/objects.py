"""The objects of one of our servers: which there are, what they have, and the calls and batches of them.

NAME, the target's own, and `rpcctl`    all methods
`math`, when there are methods `math.…`   those, under their names after the dot
`Pyro.Daemon`                             what every server of Pyro has
`rpcctl.meta`                             signatures and documentation, which Pyro's metadata leaves out
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rpcctl.answers import gather, unwritable
from rpcctl.described import to_plain
from rpcctl.errors import LocalProtocolError, RemoteProtocolError
from rpcctl.interfaces import Handler
from rpcctl.messages import INSPECT, PING, Description, Failure, Reply, Request, Result

from . import faults
from .description import DAEMON, META, WHOLE, carry, objects_of, part_of, to_metadata
from .encodings import Coding, check_arguments

RESERVED = frozenset({INSPECT, PING, ""})
_DAEMON_METHODS = ("registered", "ping", "info", "get_metadata", "get_next_stream_item", "close_stream")


class Objects:
    """What a handler offers, as objects."""

    def __init__(self, handler: Handler, name: str) -> None:
        """`name` is that of the object with all methods, beside `rpcctl`."""
        self.name = name
        self._handler = handler
        self._description = Description("", ())
        self._prefixes: dict[str, str] = {}
        self._attributes: frozenset[str] = frozenset()
        self._learn(self._description)

    def describe(self) -> Description:
        """What can be called now: a target may have been loaded anew."""
        reply = next(iter(self._handler(Request(INSPECT))), None)
        found = reply.value if isinstance(reply, Result) else None
        if isinstance(found, Description) and found is not self._description:
            self._learn(found)
        return self._description

    def prefix_of(self, name: str) -> str | None:
        """What the names of that object's methods begin with; None when there is no such object."""
        if name not in self._prefixes:
            self.describe()
        return self._prefixes.get(name)

    def is_attribute(self, name: str) -> bool:
        """Whether that is the whole name of data."""
        return name in self._attributes

    def names(self) -> list[str]:
        """Of the objects, those for people."""
        self.describe()
        shown = [name for name in self._prefixes if name != WHOLE or self.name == WHOLE]
        return [DAEMON, *shown]

    def metadata(self, name: str) -> dict[str, Any] | None:
        """What a client is told of that object when it connects; None when there is no such object."""
        if name == DAEMON:
            return {"methods": [*_DAEMON_METHODS], "oneway": [], "attrs": []}
        if name == META:
            return {"methods": [*ABOUT], "oneway": [], "attrs": []}
        found = self.describe()
        prefix = self._prefixes.get(name)
        return None if prefix is None else to_metadata(part_of(found, prefix))

    def part(self, name: str) -> Description:
        """What that object has; nothing when there is no such object."""
        found, prefix = self.describe(), self.prefix_of(name)
        return found._replace(methods=() if prefix is None else tuple(part_of(found, prefix)))

    def _learn(self, found: Description) -> None:
        self._description = found
        self._attributes = frozenset(each.name for each in found.methods if each.attribute)
        self._prefixes = {**objects_of(found), self.name: "", WHOLE: ""}


def _describe(objects: Objects, name: Any = WHOLE) -> Any:
    return to_plain(objects.part(name), carry)


def _list(objects: Objects) -> Any:
    return [each.name for each in objects.describe().methods]


def _signature(objects: Objects, name: Any) -> Any:
    method = objects.describe().find(name)
    return f"{name}{method.signature()}" if method else None


def _doc(objects: Objects, name: Any) -> Any:
    method = objects.describe().find(name)
    return method.doc if method else None


ABOUT: Mapping[str, Callable[..., Any]] = {
    "list": _list,
    "signature": _signature,
    "doc": _doc,
    "describe": _describe,
}
"""The methods of META to what answers them."""


def run_batch(
    handler: Handler, calls: Iterable[Any], request: Request, prefix: str, coding: Coding, max_items: int
) -> Iterator[Reply]:
    """Run calls one after the other, up to the first that fails; one Result, the list of what they gave."""
    found: list[Any] = []
    for each in calls:
        reply = _run_one(handler, each, request, prefix, coding, max_items)
        if isinstance(reply, Failure):
            found.append(faults.wrap(faults.to_exception(reply)))
            break
        found.append(reply.value)
    yield Result(found)


def _run_one(
    handler: Handler, call: Any, request: Request, prefix: str, coding: Coding, max_items: int
) -> Result | Failure:
    try:
        made = _make_request(call, request, prefix)
    except RemoteProtocolError as exc:
        return Failure("arguments", "TypeError", exc.message)
    if made.method in RESERVED:
        return Failure("no_method", "AttributeError", made.method)
    reply = gather(handler(made), made.method, max_items)
    if isinstance(reply, Result):
        try:
            coding.dump_result(reply.value)
        except LocalProtocolError as exc:
            return unwritable(made.method, exc.message)
    return reply


def _make_request(call: Any, request: Request, prefix: str) -> Request:
    if not isinstance(call, (list, tuple)) or len(call) != 3 or type(call[0]) is not str:
        raise RemoteProtocolError("a call in a batch is method, args and kwargs")
    args, kwargs = check_arguments(call[1], call[2])
    return request._replace(method=prefix + call[0], args=args, kwargs=kwargs, oneway=False)
