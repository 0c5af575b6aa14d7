"""Serves a handler as JSON-RPC over HTTP: bodies come from `rpcctl.http.server`, and what they mean is in `calls`."""

from rpcctl.address import Address
from rpcctl.http.server import Done, Post
from rpcctl.http.service import HttpService, ServiceApp
from rpcctl.interfaces import Executor, Handler, Settings

from . import codec, json_text
from .calls import Exchange
from .snippets import write_curl

JSON = "application/json"
PATHS = ("/", "/jsonrpc", "/RPC2")
"""Where it answers, beside the path of its address."""
_BLANKS = b" \t\r\n\xef\xbb\xbf"


class Server(HttpService):
    """Serves a handler at one address."""

    @property
    def address(self) -> Address:
        """Where it is bound, the real port in place of 0."""
        own = ("jsonrpc", "max-batch", "max-depth")
        at = self._http.address
        return at._replace(options=tuple(each for each in at.options if each[0] not in own))

    def serve(self, handler: Handler, executor: Executor) -> None:
        """Serve until `close`."""
        exchange = Exchange(handler, executor, self._settings, _rules(self._settings))
        self._http.serve(App(exchange, self.address, self._paths(PATHS), write_curl))


class App(ServiceApp):
    """What the HTTP server asks."""

    def answer(self, post: Post, done: Done) -> None:
        """Run the calls of a body; status 204 when there is nothing to answer."""
        self._exchange.take(post.body, post.peer, lambda data: done(200 if data else 204, data, JSON))

    def claims(self, post: Post) -> bool:
        """Whether it is JSON, by its type or, where that says neither, by its first byte."""
        kind = post.content_type.partition(";")[0].lower()
        if "json" in kind or "xml" in kind:
            return "json" in kind
        return post.body.lstrip(_BLANKS)[:1] in (b"{", b"[")


def _rules(settings: Settings) -> codec.Rules:
    options = settings.options
    only = options.get("jsonrpc")
    return codec.Rules(
        (only,) if only else codec.BOTH,
        options.get("max-batch", 1000),
        options.get("max-depth", json_text.DEPTH),
    )
