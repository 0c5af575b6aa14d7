"""Several calls under way on one connection, whatever means the wire has for it."""

import time

from rpcctl.messages import NEVER, Deadline, Failure, Request, Result
from rpcctl.pipeline import MAX_ITEMS, InTurn
from tests.conftest import every_protocol, protocols_with


def answers(calls):
    """The replies of all calls, by key."""
    found = {}
    while len(calls):
        found.update(calls.collect(NEVER))
    return found


@every_protocol()
def test_each_key_gets_its_own_reply(client):
    calls = client.pipeline()
    for n in range(40):
        calls.start(n, client.request("add", (n, n)))
    assert answers(calls) == {n: Result(2 * n) for n in range(40)}
    assert client.add(1, 1) == 2


@every_protocol()
def test_what_fails_fails_alone(client):
    calls = client.pipeline()
    calls.start("bad", client.request("fail", ("boom",)))
    calls.start("none", client.request("nope"))
    calls.start("good", client.request("echo", ("x",)))
    found = answers(calls)
    assert (found["bad"].kind, found["bad"].message) == ("remote", "boom")
    assert found["none"].kind == "no_method"
    assert found["good"] == Result("x")


@every_protocol()
def test_a_stream_is_one_list(client):
    calls = client.pipeline()
    calls.start("a", client.request("count", (700,)))
    calls.start("b", client.request("count", (0,)))
    calls.start("c", client.request("fail_midway", (2,)))
    found = answers(calls)
    assert found["a"] == Result(list(range(700)))
    assert found["b"] == Result([])
    assert found["c"].message == "midway"


@every_protocol("stream")
def test_a_stream_without_end_is_given_up(client):
    calls = client.pipeline()
    calls.start("a", client.request("endless"))
    ((key, reply),) = answers(calls).items()
    assert (key, reply.kind) == ("a", "protocol")
    assert str(MAX_ITEMS) in reply.message
    assert client.add(1, 1) == 2


@every_protocol()
def test_a_time_limit_ends_its_call_only(address, connect):
    client = connect(address(), timeout=0.3)
    calls = client.pipeline()
    calls.start("slow", client.request("slow", (1.5,)))
    ((key, reply),) = answers(calls).items()
    assert (key, reply.kind) == ("slow", "timeout")
    assert "--timeout" in reply.message


@every_protocol("pipeline")
def test_a_slow_call_holds_up_nobody(client):
    calls = client.pipeline()
    calls.start("slow", client.request("slow", (0.5,)))
    calls.start("fast", client.request("add", (1, 2)))
    assert calls.collect(NEVER) == [("fast", Result(3))]
    assert calls.collect(NEVER) == [("slow", Result(0.5))]
    assert calls.collect(NEVER) == []


@every_protocol("pipeline")
def test_no_longer_is_waited_than_asked(client):
    calls = client.pipeline()
    calls.start("slow", client.request("slow", (1.0,)))
    began = time.monotonic()
    assert calls.collect(Deadline.after(0.05)) == []
    assert time.monotonic() - began < 0.5
    assert len(calls) == 1


@every_protocol("pipeline")
def test_plain_calls_and_started_ones_do_not_disturb_each_other(client):
    calls = client.pipeline()
    calls.start("slow", client.request("slow", (0.2,)))
    assert client.add(1, 2) == 3
    assert list(client.count(3)) == [0, 1, 2]
    assert calls.collect(NEVER) == [("slow", Result(0.2))]


def test_the_features_tell_which_clients_can():
    assert {"zmq", "py"} <= set(protocols_with("pipeline"))


def test_calls_wait_for_their_turn_where_the_wire_has_no_means():
    class One:
        def connect(self, deadline):
            raise AssertionError

        def close(self):
            raise AssertionError

        def send(self, request):
            yield Failure("remote", "E", "") if request.method == "fail" else Result(request.method)

    calls = InTurn(One())
    for key in ("a", "fail", "b"):
        calls.start(key, Request(key))
    assert [calls.collect(NEVER) for _ in range(4)] == [
        [("a", Result("a"))],
        [("fail", Failure("remote", "E", ""))],
        [("b", Result("b"))],
        [],
    ]
