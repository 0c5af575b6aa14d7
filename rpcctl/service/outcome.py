"""How a call went, in a word, for logs; knows no log and no method."""

from collections.abc import Callable

from rpcctl.messages import Failure, Reply, Request

OnDone = Callable[[Request, str, float], None]
"""Told the request, its outcome as of `outcome_of`, `cancelled`, or `refused` and why; and the seconds it took."""


def outcome_of(last: Reply | None) -> str:
    """`ok`, or the kind and type of the Failure: `remote ValueError`, `no_method NameError`."""
    return f"{last.kind} {last.type}" if isinstance(last, Failure) else "ok"
