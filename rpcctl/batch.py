"""Several calls as one message, where the wire has such; one after the other where it has not.

batch = server.batch()            with server.batch() as batch:
batch.add(2, 3)                       batch.add(2, 3)
batch.call("echo", "x")               batch.call("echo", "x")
sum, text = batch.send()          sum, text = batch.results
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from rpcctl.errors import ConnectionLostError, RpcctlError
from rpcctl.messages import Failure, Reply, Request, Result

if TYPE_CHECKING:
    from rpcctl.api import Connection


class Batch:
    """Calls that wait to be sent together. Made by `Connection.batch`."""

    def __init__(self, connection: "Connection") -> None:
        """Empty."""
        self._connection = connection
        self._calls: list[tuple[str, tuple[Any, ...], Mapping[str, Any], bool]] = []
        self.results: list[Any] = []
        """Of the block, when it is over: what `send` gave."""

    def __enter__(self) -> "Batch":
        """Collect calls in a block, which are sent at its end."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        """Send them; a block that failed sends nothing."""
        if kind is None:
            self.results = self.send()
        else:
            self._calls.clear()

    def __getattr__(self, name: str) -> Callable[..., None]:
        """A remote method as a function that adds its call; names with an underscore first are never remote."""
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self.call(name, *args, **kwargs)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._calls)

    def call(self, method: str, *args: Any, **kwargs: Any) -> None:
        """Add a call."""
        self._calls.append((method, args, kwargs, False))

    def cast(self, method: str, *args: Any, **kwargs: Any) -> None:
        """Add a one-way call."""
        self._calls.append((method, args, kwargs, True))

    def send(self) -> list[Any]:
        """Send them all, and forget them; what each returned, in order: None for a one-way call.

        A call that failed stands there as the error it would have raised alone; only what concerns them all is raised.
        ArgumentError or UsageError, before anything is sent, for one that the wire cannot carry.
        """
        make = self._connection.request
        requests = [make(method, args, kwargs, oneway=oneway) for method, args, kwargs, oneway in self._calls]
        self._calls.clear()
        replies = self._connection.send_batch(requests) if requests else []
        return [_value(request, reply) for request, reply in zip(requests, replies, strict=True)]


def _value(request: Request, reply: Reply | None) -> Any:
    from rpcctl.replies import to_error

    if isinstance(reply, Result):
        return reply.value
    if isinstance(reply, Failure):
        return to_error(reply)
    return None if request.oneway else _unanswered(request)


def _unanswered(request: Request) -> RpcctlError:
    return ConnectionLostError(f"{request.method}: the server left it out of its answer; it may have run")
