"""One-way calls."""

import time

import pytest

from rpcctl.errors import UsageError
from tests import sample
from tests.conftest import every_protocol, protocols_with


def wait_until(condition, seconds=5.0):
    """Whether the condition came true within so many seconds."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


@every_protocol("oneway")
def test_a_cast_is_run_and_says_nothing(client):
    sample._memory.clear()
    assert client.cast("remember", "x") is None
    assert wait_until(lambda: sample._memory == ["x"])


@every_protocol("oneway")
def test_a_cast_that_fails_says_nothing_and_harms_nobody(client):
    client.cast("fail")
    client.cast("nope")
    assert client.add(2, 3) == 5


@pytest.mark.parametrize("protocol", sorted(set(protocols_with("oneway")) - set(protocols_with("fanout"))))
def test_fanout_is_refused_where_the_wire_has_none(client):
    with pytest.raises(UsageError, match="to every server"):
        client.send(client.request("remember", ("x",), oneway=True, fanout=True))
