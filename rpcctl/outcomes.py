"""What became of a call among several, as the one reply that stands for it. Knows no wire."""

from collections.abc import Generator, Iterator

from rpcctl.errors import ConnectionLostError, DeadlineError, RpcctlError
from rpcctl.messages import End, Failure, Item, Reply, Result


def to_failure(exc: RpcctlError) -> Failure:
    """A Failure of the kind `timeout`, `lost` or `protocol`, with the error's message."""
    kind = (
        "timeout" if isinstance(exc, DeadlineError) else "lost" if isinstance(exc, ConnectionLostError) else "protocol"
    )
    return Failure(kind, type(exc).__name__, exc.message)


def collect(replies: list[Reply]) -> Reply | None:
    """All replies of one call as one: a stream as the list of its items."""
    if replies and isinstance(replies[0], (Item, End)) and not isinstance(replies[-1], Failure):
        return Result([each.value for each in replies if isinstance(each, Item)])
    return replies[-1] if replies else None


def silently(replies: Iterator[Reply]) -> Generator[Reply, None, Reply | None]:
    """Run a one-way call to its end without a word to the caller; what it came to is the generator's own result."""
    last = None
    for reply in replies:
        last = reply
    yield from ()
    return last
