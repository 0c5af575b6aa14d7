"""What a call leaves behind: nothing that only the garbage collector would find."""

import gc

import pytest

CALLS = 300


@pytest.mark.parametrize("protocol", ["msgpackrpc", "py", "zmq"])
def test_a_call_is_freed_when_it_is_over(client):
    client.add(2, 3)
    gc.collect()
    gc.disable()
    try:
        for _ in range(CALLS):
            client.add(2, 3)
        found = gc.collect()
    finally:
        gc.enable()
    assert found < CALLS
