"""Serves a handler to XML-RPC's clients. How calls run and are answered is in `calls`, HTTP in `rpcctl.http`."""

from rpcctl.address import Address
from rpcctl.http.server import Done, Post
from rpcctl.http.service import HttpService, answer_page
from rpcctl.interfaces import Executor, Handler

from . import INFO, codec
from .calls import Exchange

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
        self._http.serve(_App(Exchange(handler, executor, self._settings), self._paths(_PATHS)))


class _App:
    """What the HTTP server asks."""

    def __init__(self, exchange: Exchange, paths: tuple[str, ...]) -> None:
        self.paths = paths
        self._exchange = exchange

    def answer(self, post: Post, done: Done) -> None:
        """Run the call of a body; a fault is status 200 as well."""
        self._exchange.take(post.body, post.peer, lambda data: done(200, data, codec.CONTENT_TYPE))

    def page(self, done: Done) -> None:
        """What there is, for people."""
        self._exchange.describe(lambda reply: answer_page(reply, done))

    def claims(self, post: Post) -> bool:
        """Whether it is XML, by its type or, where that says neither, by its first bytes."""
        kind = post.content_type.partition(";")[0].lower()
        if "json" in kind or "xml" in kind:
            return "xml" in kind
        return post.body.lstrip(_BLANKS).startswith(_STARTS)
