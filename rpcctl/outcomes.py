"""Errors that end one call of several, as the replies that stand for them. Knows no wire."""

from rpcctl.errors import ConnectionLostError, DeadlineError, RpcctlError
from rpcctl.messages import Failure


def to_failure(exc: RpcctlError) -> Failure:
    """A Failure of the kind `timeout`, `lost` or `protocol`, with the error's message."""
    kind = (
        "timeout" if isinstance(exc, DeadlineError) else "lost" if isinstance(exc, ConnectionLostError) else "protocol"
    )
    return Failure(kind, type(exc).__name__, exc.message)
