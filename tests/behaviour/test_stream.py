"""Streams: in order, as they arrive, ended or abandoned."""

import itertools
import time

import pytest

from rpcctl.errors import RemoteError
from tests import sample
from tests.conftest import every_protocol


@every_protocol("stream")
@pytest.mark.parametrize("n", [0, 1, 2, 99, 100, 101, 300, 1000])
@pytest.mark.parametrize("method", ["count", "count_async"])
def test_all_items_in_order(client, method, n):
    assert list(client.call(method, n)) == list(range(n))


@every_protocol("stream")
def test_items_before_an_error_arrive(client):
    stream = client.fail_midway(5)
    assert list(itertools.islice(stream, 5)) == [0, 1, 2, 3, 4]
    with pytest.raises(RemoteError, match="midway"):
        next(stream)


@every_protocol("stream")
def test_an_endless_stream_is_read_as_far_as_wanted_and_the_connection_goes_on(client):
    stream = client.endless()
    assert list(itertools.islice(stream, 250)) == list(range(250))
    stream.close()
    assert client.add(2, 3) == 5


@every_protocol("stream")
def test_an_abandoned_stream_is_closed_at_the_server(address, connect, monkeypatch):
    # A wire that cannot say "no more" notices by the missing heartbeats.
    monkeypatch.setenv("RPCCTL_HEARTBEAT", "0.2")
    sample.released.clear()
    client = connect(address())
    stream = client.endless()
    next(stream)
    stream.close()
    client.close()
    assert sample.released.wait(5)


@every_protocol("stream")
def test_two_streams_one_after_the_other(client):
    assert [list(client.count(3)), list(client.count(2))] == [[0, 1, 2], [0, 1]]


@every_protocol("stream")
def test_the_first_item_does_not_wait_for_the_last(client):
    began = time.monotonic()
    assert next(client.endless()) == 0
    assert time.monotonic() - began < 5
