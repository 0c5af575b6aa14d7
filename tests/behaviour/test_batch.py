"""Several calls sent together: one message where the wire has such, one after the other elsewhere."""

import pytest

from rpcctl.errors import ArgumentError, InvalidArgumentsError, MethodNotFoundError, RemoteError
from tests import sample
from tests.behaviour.test_oneway import wait_until
from tests.conftest import every_protocol


@every_protocol()
def test_results_in_order_and_errors_in_their_place(client):
    batch = client.batch()
    batch.add(2, 3)
    batch.fail("boom")
    batch.call("echo", "x")
    batch.nope()
    batch.add(1)
    batch.nothing()
    batch.count(3)
    assert len(batch) == 7
    found = batch.send()
    assert [found[0], found[2], found[5], found[6]] == [5, "x", None, [0, 1, 2]]
    assert [type(found[n]) for n in (1, 3, 4)] == [RemoteError, MethodNotFoundError, InvalidArgumentsError]
    assert len(batch) == 0


@every_protocol()
def test_a_block_sends_its_calls_at_its_end(client):
    with client.batch() as batch:
        batch.add(2, 3)
        batch.call("echo", "x")
    assert batch.results == [5, "x"]


@every_protocol()
def test_a_block_that_fails_sends_nothing(client):
    sample._memory.clear()
    batch = client.batch()
    batch.remember("x")
    with pytest.raises(KeyError), batch:
        raise KeyError("y")
    assert (sample._memory, len(batch), batch.results) == ([], 0, [])


@every_protocol()
def test_an_empty_batch_sends_nothing(client):
    assert client.batch().send() == []


@every_protocol("oneway")
def test_one_way_calls_go_along(client):
    sample._memory.clear()
    batch = client.batch()
    batch.cast("remember", "batched")
    batch.add(1, 1)
    assert batch.send() == [None, 2]
    assert wait_until(lambda: sample._memory == ["batched"])


@every_protocol("oneway")
def test_a_batch_of_one_way_calls_alone(client):
    sample._memory.clear()
    batch = client.batch()
    batch.cast("remember", "a")
    batch.cast("remember", "b")
    assert batch.send() == [None, None]
    assert wait_until(lambda: sorted(sample._memory) == ["a", "b"])


@every_protocol()
def test_what_cannot_be_sent_is_refused_before_anything_is(client):
    sample._memory.clear()
    batch = client.batch()
    batch.remember("x")
    batch.echo(object())
    with pytest.raises(ArgumentError):
        batch.send()
    assert client.remembered() == []
