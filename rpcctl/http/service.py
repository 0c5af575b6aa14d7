"""What the servers of all protocols over HTTP share: they bind, drain and close as the HTTP server does.

Knows no protocol: which paths and which app are its own, a subclass says.
"""

from rpcctl.address import Address
from rpcctl.http.answers import TEXT
from rpcctl.http.server import Done, HttpServer
from rpcctl.interfaces import Settings
from rpcctl.messages import Description, Reply, Result


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


def answer_page(reply: Reply, done: Done) -> None:
    """Answer a GET by what the handler tells of its methods."""
    from rpcctl.http.page import HTML, render

    if isinstance(reply, Result) and isinstance(reply.value, Description):
        done(200, render(reply.value), HTML)
    else:
        done(503, b"the server is busy\n", TEXT)
