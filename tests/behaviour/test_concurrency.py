"""Several calls at once: a slow one holds up nobody."""

import threading
import time

from tests.conftest import every_protocol


@every_protocol()
def test_a_slow_call_does_not_hold_up_others(address, connect):
    at = address()
    slow = threading.Thread(target=connect(at).slow, args=(1.0,))
    slow.start()
    began = time.monotonic()
    assert connect(at).add(2, 3) == 5
    assert time.monotonic() - began < 0.8
    slow.join()


@every_protocol()
def test_many_clients_at_once_each_get_their_own_answer(address, connect):
    at = address()
    wrong = []

    def work(client, number):
        for n in range(50):
            if client.echo([number, n]) != [number, n]:
                wrong.append((number, n))

    threads = [threading.Thread(target=work, args=(connect(at), number)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
