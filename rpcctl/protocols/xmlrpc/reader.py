"""One XML document to the values in it, by expat's events: the elements of XML-RPC and nothing else.

    methodCall      methodName params?           params  param*   param  value    struct  member*   array  data
    methodResponse  params | fault               fault   value    data   value*   member  name value
    value           text, a scalar, struct or array

Any DOCTYPE is refused, and with it every entity: no client sends one. Depth and number of values are bounded. Pure.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from xml.parsers import expat

from rpcctl.errors import RemoteProtocolError

from .scalars import SCALARS

NOT_WELL_FORMED = -32700
INVALID_REQUEST = -32600
INVALID_PARAMS = -32602


class MalformedError(RemoteProtocolError):
    """What is not XML, or not XML-RPC; `code` is that of the fault it is answered with."""

    def __init__(self, code: int, message: str) -> None:
        """Keep the code, one of the interoperability proposal of 2001."""
        super().__init__(message)
        self.code = code


class Limits(NamedTuple):
    """How much one document may hold."""

    depth: int = 100
    """Arrays and structs within each other."""
    values: int = 1_000_000


DEFAULT_LIMITS = Limits()


class Name(str):
    """The text of a `name` or `methodName`, to tell it from a value that is text."""

    __slots__ = ()


def read_document(body: bytes, root: str, limits: Limits = DEFAULT_LIMITS) -> list[Any]:
    """What the root element holds: a Name and a list for a call; a list, or a Fault, for a reply.

    Raises MalformedError for all that is not one such document.
    """
    return _Reading(root, limits).run(body)


class Fault(NamedTuple):
    """The struct of a fault."""

    value: Any


class _Reading:
    """One reading of one document. The handlers do the common case at once: they are most of what a call costs."""

    def __init__(self, root: str, limits: Limits) -> None:
        self._root = root
        self._limits = limits
        self._tags = [""]
        """The elements that are open, outermost first."""
        self._outer: list[list[Any]] = []
        self._found: list[Any] = []
        """What the children of the innermost element were; those of the elements around it are in `_outer`."""
        self._allowed = _CHILDREN[""]
        self._pieces: list[str] = []
        """The text since the last tag."""
        self._depth, self._values = limits
        """What is left of each limit."""
        self._skipped = 0
        """Levels below an element that is none of ours, in a place where it does no harm."""

    def run(self, body: bytes) -> list[Any]:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._pieces.append
        parser.StartDoctypeDeclHandler = _refuse_doctype
        try:
            parser.Parse(body, True)
        except expat.ExpatError as exc:
            raise MalformedError(NOT_WELL_FORMED, f"not well-formed XML: {exc}") from None
        except (LookupError, ValueError) as exc:
            # The declared encoding is none of Python's, or no encoding of single bytes.
            raise MalformedError(NOT_WELL_FORMED, f"XML in an encoding that cannot be read: {exc}") from None
        found: list[Any] = self._found[0]
        return found

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag not in self._allowed:
            tag = self._find_meaning(tag)
            if not tag:
                return
        self._tags.append(tag)
        self._allowed = _CHILDREN[tag]
        self._pieces.clear()
        if tag in _LEAVES:
            return
        self._outer.append(self._found)
        self._found = []
        if tag in _LIMITED:
            self._count(tag)

    def _end(self, tag: str) -> None:
        if self._skipped:
            self._end_skipped()
            return
        tags = self._tags
        tag = tags.pop()
        self._allowed = _CHILDREN[tags[-1]]
        read = _LEAVES.get(tag)
        if read is not None:
            self._found.append(_read_leaf(tag, read, "".join(self._pieces)))
            if tag in SCALARS:
                self._allowed = _NOTHING
            return
        found = self._found
        self._found = self._outer.pop()
        if tag == "value":
            self._found.append(found[0] if found else "".join(self._pieces))
        else:
            self._close(tag, found)

    def _close(self, tag: str, found: list[Any]) -> None:
        _CLOSE[tag](found, self._found)
        if tag in _CONTAINERS:
            self._depth += 1
            self._allowed = _NOTHING
        elif tag in _ROOTS and tag != self._root:
            raise _misplaced(f"<{tag}> where <{self._root}> should be")

    def _count(self, tag: str) -> None:
        if tag == "value":
            self._values -= 1
        else:
            self._depth -= 1
        if self._values < 0:
            raise _misplaced(f"more than {self._limits.values} values")
        if self._depth < 0:
            raise _misplaced(f"more than {self._limits.depth} arrays and structs within each other")

    def _find_meaning(self, tag: str) -> str:
        """The allowed element that is meant; empty when there is none but it may be passed over."""
        parent = self._tags[-1]
        plain = tag.rpartition(":")[2]  # Apache's extensions come with a prefix.
        if plain in self._allowed and not self._skipped:
            return plain
        if parent in _LENIENT:
            self._skipped += 1
            self._allowed = _NOTHING
            return ""
        raise _misplaced(self._describe(tag[:40], parent))

    def _describe(self, tag: str, parent: str) -> str:
        if not parent:
            return f"<{tag}> where <{self._root}> should be"
        if parent != "value":
            return f"<{tag}> does not belong within <{parent}>"
        return "two types within one <value>" if self._found else f"no such type: <{tag}>"

    def _end_skipped(self) -> None:
        self._skipped -= 1
        if not self._skipped:
            self._allowed = _CHILDREN[self._tags[-1]]


_NOTHING: frozenset[str] = frozenset()
_CONTAINERS = frozenset({"array", "struct"})
_LIMITED = frozenset({"value", *_CONTAINERS})
_ROOTS = frozenset({"methodCall", "methodResponse"})
_LEAVES: Mapping[str, Callable[[str], Any]] = {**SCALARS, "name": Name, "methodName": Name}
"""The elements that hold text alone, to what makes a value of it."""
_CHILDREN: Mapping[str, frozenset[str]] = {
    "": _ROOTS,
    "methodCall": frozenset({"methodName", "params"}),
    "methodResponse": frozenset({"params", "fault"}),
    "params": frozenset({"param"}),
    "param": frozenset({"value"}),
    "fault": frozenset({"value"}),
    "value": frozenset({*SCALARS, *_CONTAINERS}),
    "array": frozenset({"data"}),
    "data": frozenset({"value"}),
    "struct": frozenset({"member"}),
    "member": frozenset({"name", "value"}),
    **dict.fromkeys(_LEAVES, _NOTHING),
}
"""Element to those that may be within it."""
_LENIENT = _ROOTS
"""Where strange elements are passed over: some peers put signatures there."""


def _read_leaf(tag: str, read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except (ValueError, OverflowError) as exc:
        raise MalformedError(INVALID_PARAMS, f"<{tag}>: {exc}") from None


def _close_member(found: list[Any], into: list[Any]) -> None:
    # The order is free, whatever the specification shows.
    names = [each for each in found if type(each) is Name]
    values = [each for each in found if type(each) is not Name]
    if len(names) != 1 or len(values) != 1:
        raise _misplaced("a <member> is one <name> and one <value>")
    into.append((str(names[0]), values[0]))


def _close_single(found: list[Any], into: list[Any]) -> None:
    if len(found) != 1:
        raise _misplaced("a <param> or <fault> is one <value>")
    into.append(found[0])


def _close_fault(found: list[Any], into: list[Any]) -> None:
    _close_single(found, found)
    into.append(Fault(found[0]))


def _close_array(found: list[Any], into: list[Any]) -> None:
    # An array without its data is tolerated, as lenient readers do.
    into.append([value for data in found for value in data])


_CLOSE: Mapping[str, Callable[[list[Any], list[Any]], None]] = {
    "member": _close_member,
    "param": _close_single,
    "fault": _close_fault,
    "array": _close_array,
    "struct": lambda found, into: into.append(dict(found)),
    **dict.fromkeys(("data", "params", "methodCall", "methodResponse"), lambda found, into: into.append(found)),
}


def _refuse_doctype(*declaration: Any) -> None:
    raise MalformedError(NOT_WELL_FORMED, "a DOCTYPE is refused: XML-RPC has none, and entities could fill the memory")


def _misplaced(message: str) -> MalformedError:
    return MalformedError(INVALID_REQUEST, message)
