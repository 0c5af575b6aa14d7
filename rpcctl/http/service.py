"""What the servers of all protocols over HTTP share: they bind, drain and close as the HTTP server does.

Knows no protocol: which paths and which app are its own, a subclass says.
"""

from shlex import quote

from rpcctl.address import Address, check_host, split_place
from rpcctl.errors import AddressError, RpcctlError
from rpcctl.http.answers import TEXT
from rpcctl.http.calls import Exchange
from rpcctl.http.server import Done, HttpServer, Post
from rpcctl.interfaces import Settings, Snippet
from rpcctl.messages import Description, Reply, Request, Result


class HttpService:
    """One address, served over HTTP; a subclass adds `address` and `serve`."""

    def __init__(self, address: Address, settings: Settings) -> None:
        """Read what the options name; nothing is bound yet."""
        self._settings = settings
        self._http = HttpServer(address, settings)

    def bind(self) -> None:
        """Take the address, or raise ConnectError or AddressError."""
        self._http.bind()

    @property
    def files(self) -> tuple[str, ...]:
        """What `reload` reads."""
        return self._http.files

    def reload(self) -> None:
        """Read the file of who is let in again."""
        self._http.reload()

    def drain(self) -> None:
        """Accept no further calls; those accepted go on."""
        self._http.drain()

    def close(self) -> None:
        """Flush what was answered, free the address and let `serve` return."""
        self._http.close()

    def _paths(self, usual: tuple[str, ...]) -> tuple[str, ...]:
        """Where it answers: at the path of its address, and at the usual ones."""
        at = self._http.address
        own = dict(at.options).get("path", "") if at.kind == "path" else at.path
        return tuple(dict.fromkeys([own, *usual] if own else usual))


class ServiceApp:
    """What the HTTP server asks of every protocol alike; a subclass adds `answer` and `claims`."""

    def __init__(self, exchange: Exchange, at: Address, paths: tuple[str, ...], write_curl: Snippet) -> None:
        """Answer at these paths; the page shows people how to call `at`."""
        self.paths = paths
        self._exchange = exchange
        self._at = at
        self._write_curl = write_curl

    def page(self, post: Post, done: Done) -> None:
        """What there is, for people."""
        self._exchange.describe(lambda reply: self._answer_page(reply, post, done), post.peer)

    def refused(self, what: str, peer: str, why: str) -> None:
        """Tell the log."""
        self._exchange.refuse(what, peer, why)

    def _answer_page(self, reply: Reply, post: Post, done: Done) -> None:
        from rpcctl.http.page import HTML, render

        if isinstance(reply, Result) and isinstance(reply.value, Description):
            done(200, render(reply.value, self._exchange.encoding.name, self._examples(post)), HTML)
        else:
            done(503, b"the server is busy\n", TEXT)

    def _examples(self, post: Post) -> tuple[str, ...]:
        """How to call a method with rpcctl and without it, at the name by which whoever asks knows the server."""
        at = _known_as(self._at, post.headers.get("host", ""))
        call = Request("METHOD", ("ARGUMENT",))
        try:
            return f"rpcctl call {quote(str(at))} METHOD ARGUMENT", self._write_curl(
                at, call, Settings(connect_timeout=None)
            ).rstrip()
        except RpcctlError:
            return (f"rpcctl call {quote(str(at))} METHOD ARGUMENT",)


def _known_as(at: Address, host: str) -> Address:
    """The address with the name and port that a Host header gives; as it is where there is none."""
    found = split_place(host) if host and at.kind == "host" else None
    if found is None or not (found[1] or "0").isdecimal():
        return at
    try:
        name = check_host(host, found[0])
    except AddressError:
        return at
    return at._replace(host=name, port=int(found[1][:5] or (443 if at.transport == "https" else 80)))
