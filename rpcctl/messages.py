"""What travels between the layers: requests, replies, descriptions, and the instant at which patience ends.

Values are named tuples, not dataclasses: a cold call pays 13 ms less at start-up and a reply costs a quarter.
Compare them with isinstance first: a tuple equals any other tuple of the same items. No wire is known here.
"""

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, NamedTuple

INSPECT = "rpcctl.inspect"
"""The reserved method name that asks a server for its `Description`; no target can expose it."""
PING = "rpcctl.ping"
"""The reserved method name that asks a server for a sign of life; its result is the server's name, maybe empty."""

REFUSED = "refused"
"""What a log calls the outcome of a request that never became a call, before it says why."""


class Deadline(NamedTuple):
    """An instant on the monotonic clock, or never."""

    at: float | None = None

    @classmethod
    def after(cls, seconds: float | None) -> "Deadline":
        """The instant `seconds` from now; None means never."""
        return cls(None if seconds is None else monotonic() + seconds)

    def remaining(self) -> float | None:
        """Seconds left, never negative; None when there is no end."""
        return None if self.at is None else max(0.0, self.at - monotonic())

    def expired(self) -> bool:
        """Whether the instant has passed."""
        return self.at is not None and monotonic() >= self.at

    def sooner(self, other: "Deadline") -> "Deadline":
        """Whichever of the two ends first."""
        if self.at is None:
            return other
        return self if other.at is None or self.at <= other.at else other


NEVER = Deadline()


def repr_of(value: Any) -> str:
    """The repr of what a peer has sent, which may be nested deeper than a repr can be."""
    try:
        return repr(value)
    except RecursionError:
        return f"<a {type(value).__name__} that is nested too deep to be shown>"


class Encoding(NamedTuple):
    """What values a wire can carry as they are; the rest is turned into these, or refused with its path."""

    name: str
    """The protocol, as error messages name it."""
    binary: bool = True
    """Whether bytes travel as bytes; otherwise as base64 text."""
    int_bits: int | None = None
    """Width of the largest integer; None means any."""
    unsigned: bool = True
    """Whether integers of the width also go to 2**width - 1, as msgpack's do."""
    nan: bool = True
    """Whether NaN and the infinities travel; otherwise as their names in text."""
    any_key: bool = True
    """Whether map keys keep their type; otherwise they become text."""
    control_characters: bool = True
    """Whether text may hold control characters; XML cannot."""
    exact: bool = False
    """Whether a Decimal travels as a number with all its digits; otherwise as its text."""
    dates: bool = False
    """Whether a datetime of whole seconds and without a zone travels as one; others always go as ISO 8601 text."""


NATIVE = Encoding("py")
"""No wire: everything plain passes."""


class Context(dict[str, Any]):
    """What travelled beside the arguments of a call: a method gets it in a parameter that is annotated so.

    It is what the caller says of itself, and proves nothing.
    """


class Request(NamedTuple):
    """Work asked of a server. `args` and `kwargs` are plain data."""

    method: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}
    oneway: bool = False
    fanout: bool = False
    """Together with `oneway`: for every server that listens, not for one of them."""
    deadline: Deadline = NEVER
    """Until the first reply is there."""
    limit: Deadline = NEVER
    """Until the whole call is over, a stream included."""
    item_timeout: float | None = None
    """Seconds between two items of a stream; None means without limit."""
    encoding: Encoding = NATIVE
    """What the reply's wire can carry; set by the server that received the request."""
    context: Mapping[str, Any] = {}
    """What travels beside the arguments: headers, tracing, tenant."""
    peer: str = ""
    """Who asks, for the access log."""


class Result(NamedTuple):
    """The whole answer of a plain call."""

    value: Any


class Item(NamedTuple):
    """One value of a stream."""

    value: Any


class End(NamedTuple):
    """A stream that came to its end."""


class Failure(NamedTuple):
    """A call that did not succeed, as data."""

    kind: str
    """One of FAILURES."""
    type: str
    """Name of the remote exception's class, as the wire tells it."""
    message: str
    traceback: str = ""
    """The remote traceback as text; empty when there is none."""
    data: Any = None
    code: int | None = None
    """The number that the method itself gave its error, for wires that have one."""
    module: str = ""
    """The module of that class, for wires that tell it; empty when it is not known."""
    args: tuple[Any, ...] | None = None
    """What the exception was made with, as plain data, for wires that tell it; None when that is not known."""


FAILURES = ("remote", "no_method", "arguments", "timeout", "busy", "lost", "protocol")

Reply = Result | Item | End | Failure
ENDS = (Result, End, Failure)
"""The replies after which nothing follows."""


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()
"""The `default` of a parameter that has none."""


Piece = tuple[str, str]
"""Part of a signature: `name`, `type`, `default` or nothing in particular; and its text."""


class Parameter(NamedTuple):
    """One parameter of a method."""

    name: str
    kind: str = "either"
    """`positional`, `either`, `rest` (*args), `named` (keyword only) or `more` (**kwargs)."""
    default: Any = REQUIRED
    """A plain value, or the source text of one that has no plain form."""
    type: str = ""
    """The annotation as text; empty when there is none."""

    def source(self) -> str:
        """As it stands in a signature: `b: int = 2`."""
        return "".join(text for _, text in self.pieces())

    def pieces(self) -> list[Piece]:
        """The same in parts."""
        found = [("", {"rest": "*", "more": "**"}.get(self.kind, "")), ("name", self.name)]
        if self.type:
            found += [("", ": "), ("type", self.type)]
        if self.default is not REQUIRED:
            found += [("", " = " if self.type else "="), ("default", repr(self.default))]
        return found


class MethodDescription(NamedTuple):
    """What can be known of a method without calling it."""

    name: str
    parameters: tuple[Parameter, ...] | None = None
    """None when there is no signature to be had."""
    returns: str = ""
    """The return annotation as text."""
    doc: str = ""
    """The whole docstring, dedented."""
    stream: bool = False
    """Whether it yields items."""
    exact: bool = True
    """False when the parameters were read from the docstring, and are for display only."""
    attribute: bool = False
    """Whether it is data rather than code: called without arguments it is read, with a value it is written."""

    def signature(self) -> str:
        """`(a, b=2, *, c: int = 3) -> float`; `(...)` when unknown."""
        return "".join(text for _, text in self.pieces())

    def pieces(self) -> list[Piece]:
        """The signature in parts."""
        if self.parameters is None:
            return [("", "(...)")]
        parts: list[list[Piece]] = []
        kinds = [parameter.kind for parameter in self.parameters]
        for index, parameter in enumerate(self.parameters):
            if parameter.kind == "named" and not {"rest", "named"} & set(kinds[:index]):
                parts.append([("", "*")])
            parts.append(parameter.pieces())
            if parameter.kind == "positional" and "positional" not in kinds[index + 1 :]:
                parts.append([("", "/")])
        inner = [piece for part in parts for piece in (("", ", "), *part)][1:]
        return [("", "("), *inner, ("", ")"), *([("", " -> "), ("type", self.returns)] if self.returns else [])]

    def summary(self) -> str:
        """The first paragraph of the docstring as one line."""
        return " ".join(self.doc.strip().split("\n\n", 1)[0].split())


class Description(NamedTuple):
    """What a server says of itself."""

    name: str
    methods: tuple[MethodDescription, ...]
    doc: str = ""

    def find(self, method: str) -> MethodDescription | None:
        """The description of one method by its exact name."""
        return next((each for each in self.methods if each.name == method), None)


class Notification(NamedTuple):
    """A message about something that happened, to whom it may concern."""

    event: str
    """What happened, as `compute.instance.create.end`."""
    payload: Any = None
    publisher: str = ""
    """Who says so, as `compute.host1`; on sending, empty for the program itself."""
    priority: str = "info"
    id: str = ""
    """Made up on sending when it is empty, as the time is."""
    timestamp: str = ""
    context: Mapping[str, Any] = {}


class Subscription(NamedTuple):
    """Which notifications are wanted, and how they are taken."""

    priorities: tuple[str, ...] = ("info",)
    pool: str = ""
    """The listeners of a pool share a copy of all; empty for sharing with those that are in none."""
    tap: bool = False
    """Whether to see copies only, which nobody misses."""
    requeue: bool = False
    """Whether all is given back in the end."""
    most: int | None = None
    """How many are wanted; None for all that come."""
    limit: Deadline = NEVER
    item_timeout: float | None = None
    """Seconds without a notification after which the listening ends."""


class Presence(NamedTuple):
    """What a ping found out."""

    name: str
    """The server's name, or an empty text."""
    notes: Mapping[str, Any] = {}
    """What else there is to say, as how many messages wait for it."""

    def describe(self) -> str:
        """The notes as text: `queue calc, waiting 3`."""
        return ", ".join(f"{key} {value}" for key, value in self.notes.items())


Trace = Callable[[str, str, bytes | None], None]
"""A wire trace: `>` sent, `<` received, `*` note; the message decoded; its bytes, if there are any."""
