"""Our server and hand-made peers: heartbeats, the credit of streams, limits, draining, and many channels."""

import threading
import time
from typing import Any

from rpcctl.hosting import Server
from tests import sample
from tests.interop.raw import BEAT, Raw


def test_a_server_beats_from_receipt_while_the_call_waits_for_a_thread(serve, raw):
    client = raw(serve(executor="threads:1", options={"heartbeat": BEAT}))
    client.call("slow", [BEAT * 3], "first")
    client.call("add", [2, 3], "waiting")
    beats: list[Any] = []
    while not beats or beats[-1] != "waiting":
        header, name, _ = client.read()
        assert name == "_zpc_hb"
        beats.append(header["response_to"])
    assert "waiting" in beats


def test_blocking_methods_do_not_stop_heartbeats_of_others(serve, raw):
    client = raw(serve(options={"heartbeat": BEAT}))
    for number in range(5):
        client.call("slow", [BEAT * 2.5], f"x{number}")
    seen = [client.read()[0]["response_to"] for _ in range(10)]
    assert sorted(seen) == sorted([f"x{n}" for n in range(5)] * 2)


def test_a_client_that_only_echoes_lives_on(client):
    client.call("slow", [BEAT * 8])
    while True:
        _, name, args = client.read()
        if name != "_zpc_hb":
            break
        assert args == [0]
        client.signal("_zpc_hb", None)
    assert (name, args) == ("OK", [BEAT * 8])


def test_a_client_may_answer_the_id_of_the_heartbeat_as_php_does(client):
    client.call("slow", [BEAT * 6])
    while (event := client.read())[1] == "_zpc_hb":
        client.send({"message_id": "x", "v": 3, "response_to": event[0]["message_id"]}, "_zpc_hb", [])
    assert event[1] == "OK"


def test_a_client_that_never_beats_is_given_up_after_three_periods_and_told_nothing(client):
    sample.released.clear()
    began = time.monotonic()
    client.call("endless", [])
    assert client.answer() == ["STREAM", 0]
    assert sample.released.wait(BEAT * 10)
    assert BEAT * 2.5 < time.monotonic() - began < BEAT * 8
    assert client.answer(seconds=BEAT * 2) is None


def test_only_heartbeats_count_as_life(client):
    sample.released.clear()
    client.call("endless", [])
    deadline = time.monotonic() + BEAT * 20
    while not sample.released.is_set() and time.monotonic() < deadline:
        client.signal("_zpc_more", [1])
        client.read(0.02)
    assert sample.released.is_set()


def test_version_1_knows_no_heartbeats(client):
    client.send({"message_id": "x"}, "slow", [BEAT * 5])
    assert client.read(BEAT * 3) is None
    assert client.read()[1:] == ["OK", [BEAT * 5]]


def test_a_client_that_disappears_frees_its_call_within_two_heartbeats(serve):
    sample.released.clear()
    gone = Raw(serve(options={"heartbeat": 0.5}))
    gone.call("endless", [])
    gone.signal("_zpc_more", [10_000_000])
    assert gone.answer() == ["STREAM", 0]
    gone.close()
    assert sample.released.wait(1.0)


def test_a_stream_stops_at_its_credit_and_goes_on_with_a_grant(client):
    client.call("count", [5])
    assert client.answer() == ["STREAM", 0]
    assert client.answer(seconds=BEAT / 2) is None
    client.signal("_zpc_more", [2])
    assert [client.answer(), client.answer()] == [["STREAM", 1], ["STREAM", 2]]
    assert client.answer(seconds=BEAT / 2) is None
    client.signal("_zpc_more", [100])
    assert [client.answer() for _ in range(3)] == [["STREAM", 3], ["STREAM", 4], ["STREAM_DONE", None]]


def test_a_storm_of_grants_and_beats_also_after_the_end_harms_nobody(client):
    for name in ("a", "b", "c"):
        client.call("count", [3], name)
        for _ in range(300):
            client.signal("_zpc_more", [1], name)
            client.signal("_zpc_hb", [0], name)
            client.signal("nonsense", [0], name)
        assert [client.answer(name)[0] for _ in range(4)] == ["STREAM", "STREAM", "STREAM", "STREAM_DONE"]
    client.call("add", [2, 3], "d")
    assert client.answer("d") == ["OK", [5]]


def test_a_second_request_with_the_id_of_an_open_call_is_dropped(client):
    client.call("slow", [BEAT])
    client.call("add", [2, 3])
    assert client.answer() == ["OK", [BEAT]]
    assert client.answer(seconds=BEAT) is None


def test_the_same_id_from_two_clients_is_two_calls(serve, raw):
    endpoint = serve()
    one, other = raw(endpoint), raw(endpoint)
    one.call("slow", [0.1])
    other.call("slow", [0.2])
    assert (one.answer(), other.answer()) == (["OK", [0.1]], ["OK", [0.2]])


def test_results_that_cannot_be_sent_are_errors_of_that_call(serve, raw):
    class Target:
        def huge(self):
            return 1 << 64

        def large(self):
            return bytes(3_000_000)

        def items(self):
            yield 1
            yield bytes(3_000_000)
            yield 3

    client = raw(serve(Target(), max_message=2_000_000))
    client.call("huge", [], "a")
    assert client.answer("a")[0] == "ERR"
    client.call("large", [], "b")
    name, (_, message, _) = client.answer("b")
    assert (name, "--max-message" in message) == ("ERR", True)
    client.call("items", [], "c")
    client.signal("_zpc_more", [10], "c")
    assert [client.answer("c")[0], client.answer("c")[0]] == ["STREAM", "ERR"]
    assert client.answer("c", 0.2) is None


def test_a_request_that_is_too_large_is_an_error_of_that_call(serve, raw):
    client = raw(serve(max_message=1_000_000))
    client.call("echo", [bytes(1_500_000)])
    name, (_, message, _) = client.answer()
    assert name == "ERR"
    assert "1000000 are allowed" in message


def test_a_one_way_request_is_run_and_not_answered(client):
    sample._memory.clear()
    client.call("remember", ["x"], oneway=True)
    client.call("remembered", [], "later")
    assert client.answer("later") == ["OK", [["x"]]]


def test_while_it_drains_it_says_busy_and_finishes_what_runs(raw):
    server = Server("tests.sample", "tcp://127.0.0.1:0")
    server.start()
    client = raw(str(server.addresses[0]))
    client.call("slow", [0.5], "running")
    client.call("add", [1, 1], "before")
    assert client.answer("before") == ["OK", [2]]
    drained = threading.Thread(target=server.drain, args=(5.0,))
    drained.start()
    time.sleep(0.1)
    client.call("add", [2, 3], "late")
    name, (kind, message, _) = client.answer("late")
    assert (name, kind, message) == ("ERR", "ServerBusy", "the server is shutting down")
    assert client.answer("running") == ["OK", [0.5]]
    drained.join()
    server.stop()


def test_ten_thousand_open_channels_do_not_slow_a_new_call(serve, raw):
    endpoint = serve(options={"heartbeat": 30.0})
    client = raw(endpoint)

    def seconds_per_call() -> float:
        began = time.perf_counter()
        for number in range(300):
            client.call("add", [1, 2], f"call{number}")
            assert client.read()[1] == "OK"
        return time.perf_counter() - began

    seconds_per_call()
    before = min(seconds_per_call() for _ in range(3))
    crowd = raw(endpoint)
    for number in range(10_000):
        # Each sends one item and then waits for credit.
        crowd.call("count", [5], f"open{number}")
    crowd.call("add", [1, 2], "last")
    assert crowd.answer("last", 20.0) == ["OK", [3]]
    assert min(seconds_per_call() for _ in range(5)) < 2 * before + 0.02
