"""Serves a handler to XML-RPC's clients. How calls run and are answered is in `calls`, HTTP in `rpcctl.http`."""

from rpcctl.address import Address
from rpcctl.http.server import Done, Post
from rpcctl.http.service import HttpService, ServiceApp
from rpcctl.interfaces import Executor, Handler

from . import INFO, codec
from .calls import Exchange
from .snippets import write_curl

_PATHS = ("/", "/RPC2", "/xmlrpc")
"""Where it answers, beside the path of its address."""
_STARTS = (b"<", b"\xff\xfe", b"\xfe\xff")
"""How a document begins: a tag, or UTF-16."""
_BLANKS = b" \t\r\n\xef\xbb\xbf"


class Server(HttpService):
    """Serves a handler at one address."""

    @property
    def address(self) -> Address:
        """Where it is bound, the real port in place of 0."""
        at = self._http.address
        own = {option.name for option in INFO.options if option.roles == ("server",)}
        return at._replace(options=tuple(each for each in at.options if each[0] not in own))

    def serve(self, handler: Handler, executor: Executor) -> None:
        """Serve on the calling thread until `close`."""
        exchange = Exchange(handler, executor, self._settings)
        self._http.serve(_App(exchange, self.address, self._paths(_PATHS), write_curl))


class _App(ServiceApp):
    """What the HTTP server asks."""

    def answer(self, post: Post, done: Done) -> None:
        """Run the call of a body; a fault is status 200 as well."""
        self._exchange.take(post.body, post.peer, lambda data: done(200, data, codec.CONTENT_TYPE))

    def claims(self, post: Post) -> bool:
        """Whether it is XML, by its type or, where that says neither, by its first bytes."""
        kind = post.content_type.partition(";")[0].lower()
        if "json" in kind or "xml" in kind:
            return "xml" in kind
        return post.body.lstrip(_BLANKS).startswith(_STARTS)
