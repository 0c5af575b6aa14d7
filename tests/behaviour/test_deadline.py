"""Time limits: which one it was, and that it is kept."""

import time

import pytest

from rpcctl.errors import DeadlineError
from tests.conftest import every_protocol


@every_protocol()
def test_a_slow_method_ends_the_wait_and_not_the_connection(address, connect):
    client = connect(address(), timeout=0.2)
    began = time.monotonic()
    with pytest.raises(DeadlineError) as caught:
        client.slow(1)
    assert 0.2 <= time.monotonic() - began < 0.5
    assert caught.value.exit_code == 28
    assert "--timeout" in caught.value.hint
    client.timeout = 10.0
    assert client.add(2, 3) == 5


@every_protocol("stream")
def test_the_timeout_covers_the_first_reply_only(address, connect):
    client = connect(address(), timeout=0.3)
    stream = client.endless()
    next(stream)
    time.sleep(0.4)
    assert next(stream) == 1


@every_protocol("stream")
def test_the_whole_call_can_be_limited(address, connect):
    client = connect(address(), max_time=0.3)
    with pytest.raises(DeadlineError, match="--max-time"):
        for _ in client.endless():
            pass


@every_protocol()
def test_no_limit_waits(address, connect):
    assert connect(address(), timeout=None).slow(0.3) == 0.3
