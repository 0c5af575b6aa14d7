"""What is logged of a call is what its caller was told, also where the wire could not carry the result."""

import threading
from collections.abc import Iterator

import pytest

from rpcctl.api import Connection, Stream
from rpcctl.errors import RemoteError
from tests.conftest import protocols_with, served_with


class Target:
    """Results that are more than a wire takes, or than a list may have."""

    def big(self) -> str:
        """More bytes than a message may have."""
        return "x" * 5000

    def items(self) -> Iterator[str]:
        """Items of which the third is too big."""
        yield from ("a", "b", "x" * 5000, "d")

    def many(self) -> Iterator[int]:
        """More items than a list may have."""
        yield from range(9)

    def fine(self) -> int:
        """A small one."""
        return 1


LARGE, LONG = "remote TypeError", "remote OverflowError"
OUTCOMES = {
    protocol: {
        "big": LARGE,
        "items": LARGE,
        "many": "ok" if protocol in protocols_with("stream") else LONG,
        "fine": "ok",
    }
    for protocol in served_with("args")
}
CALLS = [(protocol, method, outcome) for protocol in OUTCOMES for method, outcome in OUTCOMES[protocol].items()]
"""Protocol, method and outcome: where the wire has streams, they may be longer than a list."""


@pytest.mark.parametrize(("protocol", "method", "outcome"), CALLS)
@pytest.mark.parametrize("executor", ["inline", "threads"])
def test_the_log_says_what_the_caller_was_told(address, connect, method, outcome, executor):
    outcomes: list[str] = []
    told = threading.Event()

    def note(request: object, outcome: str, seconds: float) -> None:
        outcomes.append(outcome)
        told.set()

    client = connect(address(Target(), on_done=note, executor=executor, max_message=4000, max_items=5))
    assert outcome_seen(client, method) == outcome
    assert told.wait(5)
    assert outcomes == [outcome]


def outcome_seen(client: Connection, method: str) -> str:
    """How the call went for its caller, in the log's words."""
    try:
        found = client.call(method)
        if isinstance(found, Stream):
            list(found)
    except RemoteError as exc:
        return f"remote {exc.type}"
    return "ok"
