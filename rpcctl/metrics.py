"""Numbers of a running server for Prometheus: calls by method and outcome, how long they took, how many are under way.

    rpcctl_calls_total{method="add",outcome="ok"}    rpcctl_call_seconds_bucket{method="add",le="0.005"}
    rpcctl_calls_in_flight                           process_resident_memory_bytes and its like

Labels are bounded, whatever callers send: a method that was not found is `(unknown)`, and so many names are enough.
Knows no protocol and no command.
"""

import socket
from bisect import bisect_left
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from threading import BoundedSemaphore, Lock, Thread
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from rpcctl.address import Address
from rpcctl.errors import AddressError, ConnectError, renamed
from rpcctl.messages import REFUSED, Request

PATH = "/metrics"
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""
MOST_METHODS = 500
UNKNOWN, OTHER = "(unknown)", "(other)"
_MOST_READERS = 8
_PATIENCE = 5.0
"""Seconds that a reader may let pass."""


class _Calls:
    """What is known of one method."""

    def __init__(self) -> None:
        self.outcomes: dict[str, int] = {}
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0


class Metrics(Collector):
    """Counts calls; an executor's `on_done`. From any thread."""

    def __init__(self) -> None:
        """Nothing was called."""
        self._lock = Lock()
        self._methods: dict[str, _Calls] = {}
        self.in_flight: Callable[[], int] = lambda: 0
        """How many calls are under way; set when there is an executor that knows."""

    def __call__(self, request: Request, outcome: str, seconds: float) -> None:
        """Count one call."""
        kind = outcome.partition(" ")[0]
        with self._lock:
            calls = self._find(UNKNOWN if kind in ("no_method", REFUSED) else request.method)
            calls.outcomes[kind] = calls.outcomes.get(kind, 0) + 1
            calls.buckets[bisect_left(BUCKETS, seconds)] += 1
            calls.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """Of prometheus-client: all numbers as they are now."""
        labels = ["method", "outcome"]
        counter = CounterMetricFamily("rpcctl_calls", "Calls that ended, by method and outcome.", labels=labels)
        histogram = HistogramMetricFamily("rpcctl_call_seconds", "How long calls took.", labels=labels[:1])
        limits = [*map(str, BUCKETS), "+Inf"]
        with self._lock:
            for method, calls in self._methods.items():
                for outcome, count in calls.outcomes.items():
                    counter.add_metric([method, outcome], count)
                buckets = list(zip(limits, accumulate(calls.buckets), strict=True))
                histogram.add_metric([method], buckets, calls.seconds)
        yield counter
        yield histogram
        yield GaugeMetricFamily("rpcctl_calls_in_flight", "Calls under way.", value=self.in_flight())

    def _find(self, method: str) -> _Calls:
        if method not in self._methods and len(self._methods) >= MOST_METHODS:
            method = OTHER
        return self._methods.setdefault(method, _Calls())


class MetricsServer:
    """Shows them to Prometheus, over HTTP. A context manager; `address` tells the real port."""

    def __init__(self, metrics: Metrics, at: Address) -> None:
        """Touches no network; AddressError when the address is no host and port."""
        if at.kind != "host":
            raise AddressError(f"--metrics {at}: metrics need a host and a port", hint="--metrics 127.0.0.1:9090")
        registry = CollectorRegistry()
        registry.register(metrics)
        ProcessCollector(registry=registry)
        self._at = at
        self._handler = type("Handler", (_Handler,), {"registry": registry})
        self._listener: _Listener | None = None

    @property
    def address(self) -> str:
        """Where Prometheus finds them."""
        port = self._listener.server_address[1] if self._listener else self._at.port
        host = "127.0.0.1" if self._at.host == "*" else self._at.host
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"

    def __enter__(self) -> "MetricsServer":
        """Bind and answer; ConnectError when the address is taken."""
        host = "" if self._at.host == "*" else self._at.host
        with renamed({OSError: lambda exc: ConnectError(f"--metrics {self._at}: {exc}", hint="another port")}):
            self._listener = _Listener((host, self._at.port), self._handler)
        Thread(target=self._listener.serve_forever, args=(0.1,), name="rpcctl-metrics", daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Free the address."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.server_close()


class _Handler(BaseHTTPRequestHandler):
    registry: CollectorRegistry
    timeout = _PATIENCE
    server_version = "rpcctl"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self.send_error(404, explain=f"metrics are at {PATH}")
            return
        page = generate_latest(self.registry)
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes come every few seconds: they are nobody's news."""


class _Listener(ThreadingHTTPServer):
    """A thread for each reader, and a few readers at once: the rest are hung up on."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, place: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in place[0]:
            self.address_family = socket.AF_INET6
        self._room = BoundedSemaphore(_MOST_READERS)
        super().__init__(place, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that goes away in the midst of it has nobody to complain to."""
