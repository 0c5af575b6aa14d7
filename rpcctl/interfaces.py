"""The seams: what a protocol, a client, a server and an executor owe each other, with the fewest methods that work.

One shape holds the program together: a `Handler` takes a `Request` and gives an iterator of replies. `Service.dispatch`
is one, `Client.send` is one, and a `Server` serves one; so a gateway is a server that is given a client's `send`.
Whoever gets the iterator drains it, or closes it to abandon the call; nothing has happened before the first `next`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from rpcctl.address import Address
from rpcctl.address import Transport as Transport
from rpcctl.messages import NATIVE, Deadline, Encoding, Notification, Reply, Request, Subscription, Trace

Handler = Callable[[Request], Iterator[Reply]]


class Option(NamedTuple):
    """One setting: a flag, the variable RPCCTL_NAME and, when a protocol declares it, a part of an address's query."""

    name: str
    """In words joined by hyphens, as the flag is spelled without its dashes."""
    help: str
    metavar: str = ""
    """What stands for the value in help texts; empty for a switch."""
    type: str = "text"
    """`text`, `number`, `integer`, `seconds`, `seconds_or_off`, `size`, `switch`, `count` or `choice`."""
    default: Any = None
    short: str = ""
    """A single-letter spelling with its dash, or a further long one."""
    choices: tuple[str, ...] = ()
    multiple: bool = False
    """May be given several times; the value is a tuple."""
    roles: tuple[str, ...] = ("client", "server")
    """For a protocol's option: whether it is meant for the `client`, the `server` or both."""
    secret: bool = False
    """Holds a path or name of a secret, never the secret; its value is kept out of output."""
    variable: bool = True
    """Whether RPCCTL_NAME sets it too."""
    panel: str = ""
    """Heading under which the help text lists it."""
    transports: tuple[str, ...] = ()
    """Those for which a server has a use for it; empty for all."""
    replaces_bind: bool = False
    """Whether a server that is given it needs no address of its own: without --bind none is bound."""


class ProtocolInfo(NamedTuple):
    """All that the rest of rpcctl knows of a protocol; each package under protocols/ holds one, named INFO."""

    scheme: str
    summary: str
    """What it speaks, in a few words."""
    transports: tuple[Transport, ...]
    """The first one is the default."""
    client: str
    """`package.module:Class` of the client; imported on first use."""
    server: str = ""
    """The same of the server; empty when the protocol has no server side."""
    aliases: tuple[str, ...] = ()
    features: frozenset[str] = frozenset()
    """Of FEATURES, those that the wire can carry; a request for another is refused before anything is sent."""
    encoding: Encoding = NATIVE
    port: int = 0
    """The port meant when an address names none; 0 when it must name one."""
    extra: str = ""
    """The extra that installs its libraries, as in `rpcctl[EXTRA]`; empty when the plain install has them."""
    options: tuple[Option, ...] = ()
    synonyms: Mapping[str, str] = {}
    """What else may stand in an address's query: another name of an option to that option, or `other=value` (in lower
    case) to `option=value`."""
    dialects: Mapping[str, frozenset[str]] = {}
    """By value of its option `dialect`, the features of that one, where they are not `features`."""
    paths: tuple[str, ...] = ()
    """What in a path makes a transport's name alone mean this protocol, where another one has the short form."""
    local_only: str = ""
    """Why a server of it is bound beyond this machine only when that is insisted on; empty for no reason."""
    in_process: bool = False
    """Whether the target runs in the caller's own process, where what it prints could mix with the results."""
    login: str = ""
    """How a login is given, as `--auth bearer:file:PATH`, for the hint of an error that looks like a refused one."""
    snippets: Mapping[str, str] = {}
    """What can write a call for people without rpcctl: `curl` or `python` to `package.module:function`, a Snippet."""

    def transport(self, name: str) -> Transport | None:
        """The transport of that name, if the protocol has it."""
        return next((each for each in self.transports if each.name == name), None)


FEATURES: Mapping[str, str] = {
    "args": "arguments by position",
    "kwargs": "named arguments",
    "stream": "streams",
    "oneway": "one-way calls",
    "fanout": "one-way calls to every server",
    "batch": "batches",
    "pipeline": "several calls at once on one connection",
    "inspect": "list and describe",
    "notify": "notifications",
    "auth": "authentication",
    "tls": "encryption",
    "traceback": "remote tracebacks",
}


def _ignore(text: str) -> None:
    """Tell nobody."""


class Settings(NamedTuple):
    """What a client or server is given beside its address; protocols read their own `options` by name."""

    options: Mapping[str, Any] = {}
    """Value of each of INFO.options, defaults filled in."""
    connect_timeout: float | None = 5.0
    """Seconds until the connection must stand; None means never give up."""
    max_message: int = 64 * 1024 * 1024
    """Largest message taken in or sent, in bytes."""
    trace: Trace | None = None
    """Called with every message sent and received; None costs nothing."""
    bound: bool = True
    """False when a server is to take no address, since one of its options says where to go instead."""
    load: Callable[[str], Handler] | None = None
    """Turns a target into a handler; for a protocol whose address is a target."""
    max_items: int = 10_000
    """Longest list that a server makes of a stream, where the wire has none."""
    name: str = ""
    """What is served, by its name, for wires that name it in addresses."""
    note: Callable[[str], None] = _ignore
    """Takes a line for a server's log, as of peers that speak another protocol; from any thread."""


class Client(Protocol):
    """Calls the methods of one server. Usable from one thread at a time; `close` from any.

    The class is called with `(address, settings)`; doing so touches no network.
    """

    def connect(self, deadline: Deadline) -> None:
        """Reach the server, or raise a TransportError that says why not, or DeadlineError."""

    def send(self, request: Request) -> Iterator[Reply]:
        """Send on the first `next`; yield its replies, or raise TransportError, ProtocolError or DeadlineError.

        A Failure is yielded, not raised. `Request(INSPECT)` yields a `Result` holding a `Description`,
        `Request(PING)` one that holds the server's name, or a `Presence`, each by the wire's own means.
        """

    def close(self) -> None:
        """Free the connection; calls that wait raise ConnectionLostError. Safe to repeat."""


class Preview(NamedTuple):
    """One message that would be sent."""

    text: str
    """What it says, decoded."""
    data: bytes = b""
    """Its bytes; empty where there are none."""


class PreviewClient(Client, Protocol):
    """A client that can tell what it would send."""

    def preview(self, request: Request) -> list[Preview]:
        """What `send` would send first for the request, or raise what `send` would; touches no network.

        Secrets that the client itself adds are left out.
        """


Snippet = Callable[[Address, Request, Settings], str]
"""Writes a call as text that others can run: a shell command, or a script for the wire's stock library.

A secret is never written, only where it is. UsageError for what cannot be said so.
"""


class BatchClient(Client, Protocol):
    """A client of a wire with the feature `batch`."""

    def send_batch(self, requests: Sequence[Request]) -> list[Reply | None]:
        """Send calls as one message; their replies in the same order, None for what has no answer.

        The first request's time limits count for all.
        """


class PipelineClient(Client, Protocol):
    """A client of a wire with the feature `pipeline`: several calls under way on one connection, answered in any order.

    No heartbeat is missed while the caller is elsewhere, and streams are taken in no faster than they are collected.
    """

    def start(self, request: Request) -> int:
        """Send a call that is neither one-way nor reserved; a number that stands for it. Raises as `send` does."""

    def collect(self, deadline: Deadline) -> list[tuple[int, Reply]]:
        """The replies of all calls that have arrived; if there are none, those that come first until the deadline.

        A call that has no reply in time, or never will, ends with a Failure `timeout`, `lost` or `protocol`.
        """

    def abandon(self, call: int) -> None:
        """Take in nothing more of a call; of one that is over nothing is left to do."""


class NotificationClient(Client, Protocol):
    """A client of a wire with the feature `notify`."""

    def notify(self, notification: Notification, deadline: Deadline) -> None:
        """Hand a notification over; returns when it cannot get lost on the way any more."""

    def listen(self, subscription: Subscription) -> Iterator[Notification]:
        """Notifications as they come; each is done with when the next one is asked for. Connects by itself."""


class Run(Protocol):
    """One call in an executor's hands."""

    def resume(self, allowance: int) -> None:
        """Let a paused call go on for `allowance` further replies; only after `paused` was told to the sink."""

    def cancel(self) -> None:
        """Abandon the call: its iterator is closed when the running step returns; nothing is delivered any more."""


class Sink(Protocol):
    """Where a call's replies go; called from the executor's threads, one at a time for one call."""

    def deliver(self, reply: Reply) -> Reply | None:
        """Take the next reply; the one after which nothing follows is a Result, End or Failure.

        Gives back what the caller was told, if that ended the call in another way: the rest is then abandoned, and the
        call's outcome is that of what was told.
        """

    def paused(self) -> None:
        """The allowance is used up; the call goes on when `Run.resume` is called."""

    def ended(self) -> None:
        """Nothing follows; told once, also for one-way calls and cancelled ones."""


class Guest(Protocol):
    """A server's thread at the executor's: it may run what it submits itself, which spares a change of threads.

    The calls are run one after the other, as long as each is over in no time; what takes longer is for the executor's
    own threads.
    """

    def gather(self) -> None:
        """Keep the calls that this thread submits from now on for `work`, unless such calls have taken long lately."""

    def has_work(self) -> bool:
        """Whether there are calls to be run."""

    def work(self) -> None:
        """Gather no more, and run what was gathered on this thread, which may take as long as a method does."""

    def hand_over(self) -> None:
        """Leave what is not begun to the executor's threads. From any thread, also while another one works."""


class Executor(Protocol):
    """Runs handlers on threads of its own, so that a server's thread never blocks."""

    @property
    def capacity(self) -> int:
        """How many calls it runs side by side; further ones wait in it."""

    def submit(self, handler: Handler, request: Request, sink: Sink, allowance: int | None = None) -> Run:
        """Start a call at once or when there is room; it pauses after `allowance` replies."""

    def welcome(self) -> Guest | None:
        """A part in the work for a server's thread that somebody stands in for; None where nothing is won by it."""

    def refuse(self, request: Request, why: str) -> None:
        """Tell the log of a request that never became a call, its method as far as that is known. From any thread.

        `why` is a few words, without anything that the peer keeps secret.
        """


class Server(Protocol):
    """Serves a handler at one address. The class is called with `(address, settings)`."""

    @property
    def address(self) -> Address:
        """Where it is bound, the real port in place of 0; complete enough for `rpcctl call`."""

    def bind(self) -> None:
        """Take the address, or raise ConnectError or AddressError."""

    def serve(self, handler: Handler, executor: Executor) -> None:
        """Serve on the calling thread until `close`; no caller's doing ends it."""

    def drain(self) -> None:
        """Accept no further calls; those accepted go on. From any thread."""

    def close(self) -> None:
        """Flush what was answered, free the address and let `serve` return. From any thread, safe to repeat."""


@runtime_checkable
class Reloading(Protocol):
    """What a server is besides, if it goes by files that may change while it serves."""

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of those files."""

    def reload(self) -> None:
        """Read them again; an RpcctlError when they are of no use, and what was read before goes on."""
