"""What a call leaves behind: nothing that only the garbage collector would find."""

import gc

from tests.conftest import every_protocol

CALLS = 300


@every_protocol("args")
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
