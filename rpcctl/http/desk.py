"""From a whole request to the app that answers it, and back; what takes long is done on other threads."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import gate
from .answers import Header, Reply, refuse
from .auth import Doorkeeper
from .calls import UNREADABLE
from .compress import LEAST, TooLargeError, deflate, inflate
from .connection import Connection
from .gate import Head
from .request import Request

if TYPE_CHECKING:
    from .host import Host
    from .server import App, Post


_SHOWN = 120
"""Most characters of what is told of a refused request."""


class Desk:
    """The apps of one host, and who may ask them."""

    def __init__(self, host: "Host", doorkeeper: Doorkeeper) -> None:
        """There is no app yet."""
        self._host = host
        self.doorkeeper = doorkeeper
        self._apps: list[App] = []
        self._paths: frozenset[str] = frozenset()

    def add(self, app: "App") -> None:
        """Let it answer, from the next request on. From any thread."""
        self._apps = [*self._apps, app]
        self._paths = self._paths.union(app.paths)

    def remove(self, app: "App") -> None:
        """Let it answer no more. From any thread."""
        self._apps = [each for each in self._apps if each is not app]
        self._paths = frozenset(path for each in self._apps for path in each.paths)

    def check(self, head: Head) -> Reply | None:
        """Why a request is refused by its head alone; None when it may go on."""
        refusal = gate.check(head, self._host.policy, self._paths)
        if refusal is None and head.method != "OPTIONS" and self.doorkeeper.look(head.headers) is False:
            return self.doorkeeper.refusal()
        return refusal

    def take(self, connection: Connection, request: Request) -> None:
        """Have a whole request answered, now or later."""
        if request.head.method == "OPTIONS":
            connection.answer(request, gate.options(request.head))
        elif self.doorkeeper.look(request.head.headers) is None:
            self._host.aside(lambda: self.doorkeeper.verify(request.head.headers), self._decide(connection, request))
        else:
            self._open(connection, request)

    def tell(self, peer: str, head: Head, refusal: "Reply | str") -> None:
        """Have the log say that a request was refused; in the apps' log, as the listener has none."""
        if self._apps:
            what = f"{head.method} {head.path}".strip()[:_SHOWN] or UNREADABLE
            self._apps[0].refused(what, peer, refusal if isinstance(refusal, str) else _summary(refusal))

    def _decide(self, connection: Connection, request: Request) -> Callable[[Any], None]:
        def decide(known: Any) -> None:
            if known is True:
                self._open(connection, request)
            else:
                connection.answer(request, self.doorkeeper.refusal())

        return decide

    def _open(self, connection: Connection, request: Request) -> None:
        """Unpack the body, if it is packed, and hand the request to its app."""
        body = b"".join(request.body)
        request.body.clear()
        encoding = request.head.headers.get("content-encoding", "").lower()
        if encoding in ("", "identity"):
            self._hand_over(connection, request, body)
            return

        def unpacked(found: Any) -> None:
            if isinstance(found, bytes):
                self._hand_over(connection, request, found)
            elif isinstance(found, TooLargeError):
                connection.answer(request, gate.too_large(self._host.policy))
            else:
                connection.answer(request, refuse(400, f"the body cannot be unpacked: {found}"))

        self._host.aside(lambda: inflate(body, self._host.policy.max_body), unpacked)

    def _hand_over(self, connection: Connection, request: Request, body: bytes) -> None:
        from .server import Post

        head = request.head
        post = Post(body, head.headers.get("content-type", ""), head.path, connection.peer, head.headers)
        app = self._choose(post)
        if app is None:
            connection.answer(request, refuse(503, "the server is shutting down"))
            return
        try:
            if head.method == "POST":
                app.answer(post, self._answerer(connection, request))
            else:
                app.page(post, self._answerer(connection, request))
        except Exception as exc:
            self._host.report("an app could not handle a request", exc)
            connection.answer(request, refuse(500, f"the request could not be handled: {type(exc).__name__}"))

    def _choose(self, post: "Post") -> "App | None":
        fitting = [app for app in self._apps if post.path in app.paths]
        if len(fitting) < 2:
            return fitting[0] if fitting else None
        return next((app for app in fitting if app.claims(post)), fitting[0])

    def _answerer(self, connection: Connection, request: Request) -> Callable[[int, bytes, str], None]:
        packed = "gzip" in request.head.headers.get("accept-encoding", "")
        mine = threading.get_ident()

        def done(status: int, body: bytes, content_type: str) -> None:
            more: tuple[Header, ...] = ()
            if packed and len(body) >= LEAST:
                # On the thread that made the answer, if that is another one.
                body, more = deflate(body), (("content-encoding", "gzip"), ("vary", "accept-encoding"))
            reply = Reply(status, body, content_type)
            if threading.get_ident() == mine:
                connection.answer(request, reply, more)
            else:
                self._host.post(lambda: connection.answer(request, reply, more))

        return done


def _summary(reply: Reply) -> str:
    """Status and text: what is refused by its head alone has nothing in it that is secret."""
    return f"{reply.status} {reply.body.decode('utf-8', 'replace').strip()}"[:_SHOWN]
