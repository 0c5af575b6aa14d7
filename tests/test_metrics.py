"""What Prometheus is shown: numbers, bounded labels, and a listener that a bad reader does not hold up."""

import socket
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families

import rpcctl
from rpcctl import metrics as module
from rpcctl.errors import AddressError, ConnectError
from rpcctl.messages import Request
from rpcctl.metrics import BUCKETS, OTHER, UNKNOWN, Metrics, MetricsServer
from rpcctl.registry import parse_address
from tests.conftest import SAMPLE


@contextmanager
def shown(metrics, at="127.0.0.1:0"):
    with MetricsServer(metrics, parse_address(at)) as server:
        yield server.address


def scrape(url):
    with urllib.request.urlopen(url, timeout=10) as page:
        text = page.read().decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items(), reverse=True))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_calls_are_counted_by_method_and_outcome():
    metrics = Metrics()
    with rpcctl.Server(SAMPLE, "tcp://127.0.0.1:0", on_done=metrics) as server:
        metrics.in_flight = lambda: server.executor.running
        with rpcctl.connect(str(server.addresses[0])) as client:
            client.add(2, 3)
            client.add(2, 3)
            for method in ("fail", "nope"):
                with pytest.raises(rpcctl.RpcctlError):
                    client.call(method)
        server.drain(10.0)  # A call is counted after it was answered.
        with shown(metrics) as url:
            found = scrape(url)
    assert found["rpcctl_calls_total", "ok", "add"] == 2
    assert found["rpcctl_calls_total", "remote", "fail"] == 1
    assert found["rpcctl_calls_total", "no_method", UNKNOWN] == 1
    assert found["rpcctl_call_seconds_count", "add"] == 2
    assert found["rpcctl_call_seconds_bucket", "add", "+Inf"] == 2
    assert found["rpcctl_calls_in_flight",] == 0


def test_a_call_is_in_its_bucket_and_all_longer_ones():
    metrics = Metrics()
    metrics(Request("f"), "ok", BUCKETS[3])
    with shown(metrics) as url:
        found = scrape(url)
    counts = [found["rpcctl_call_seconds_bucket", "f", str(limit)] for limit in BUCKETS]
    assert counts == [0, 0, 0] + [1] * (len(BUCKETS) - 3)
    assert found["rpcctl_call_seconds_sum", "f"] == BUCKETS[3]


def test_labels_are_bounded_whatever_callers_send():
    metrics = Metrics()
    for n in range(2000):
        metrics(Request(f"made_up_{n}"), "no_method NameError", 0.1)
        metrics(Request(f"method_{n}"), f"remote Error{n}", 0.1)
    with shown(metrics) as url:
        found = scrape(url)
    series = [key for key in found if key[0] == "rpcctl_calls_total"]
    assert len(series) <= module.MOST_METHODS + 2
    assert found["rpcctl_calls_total", "no_method", UNKNOWN] == 2000
    assert found["rpcctl_calls_total", "remote", OTHER] > 1000


def test_without_a_host_only_this_machine_can_read():
    with shown(Metrics(), ":0") as url:
        assert url.startswith("http://127.0.0.1:")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(url.removesuffix("/metrics"), timeout=10)
        with caught.value as answer:
            assert answer.code == 404


def test_silent_readers_are_few_and_hold_nobody_up(monkeypatch):
    monkeypatch.setattr(module._Handler, "timeout", 0.2)
    with shown(Metrics()) as url:
        place = ("127.0.0.1", int(url.rsplit(":", 1)[1].partition("/")[0]))
        silent = [socket.create_connection(place) for _ in range(module._MOST_READERS)]
        with socket.create_connection(place, timeout=10) as refused:
            assert refused.recv(100) == b""
        for each in silent:
            each.settimeout(10)
            assert each.recv(100) == b""
            each.close()
        assert ("rpcctl_calls_in_flight",) in scrape(url)


def test_a_taken_address_is_told(free_port):
    with (
        socket.create_server(("127.0.0.1", free_port)),
        pytest.raises(ConnectError, match="--metrics"),
        shown(Metrics(), f":{free_port}"),
    ):
        raise AssertionError("bound twice")


def test_a_path_is_no_place_for_metrics():
    with pytest.raises(AddressError, match="host and a port"):
        MetricsServer(Metrics(), parse_address("ipc:///tmp/x"))
