"""Several addresses of one server: one target, one executor, one log, one drain, bound all or none."""

import socket
import threading

import pytest

import rpcctl
from rpcctl import registry
from rpcctl.errors import ConnectError, InputError, RpcctlError, UsageError
from rpcctl.messages import INSPECT
from tests.conftest import SAMPLE, place, served_with
from tests.process import run, running

SERVED = served_with("args")
PLACES = [place(each) for each in SERVED]


class Gate:
    """Calls that wait until they are let go, and say when they have come."""

    def __init__(self):
        self.come = threading.Semaphore(0)
        self.go = threading.Event()
        self.count = 0

    def wait(self):
        self.come.release()
        self.go.wait(20)
        self.count += 1
        return self.count

    def add(self, a, b):
        return a + b


@pytest.fixture
def gate():
    made = Gate()
    yield made
    made.go.set()


def call_all(addresses, method, *args):
    """A thread for each address that makes the call, and what came of it."""
    results = []

    def work(address):
        with rpcctl.connect(str(address), timeout=20.0) as client:
            try:
                results.append(client.call(method, *args))
            except RpcctlError as exc:
                results.append(exc)

    threads = [threading.Thread(target=work, args=(each,)) for each in addresses]
    for thread in threads:
        thread.start()
    return threads, results


def test_all_addresses_lead_to_one_target_and_one_log(gate):
    log = []
    gate.go.set()
    with rpcctl.Server(gate, *PLACES, on_done=lambda request, outcome, seconds: log.append(request.method)) as server:
        threads, results = call_all(server.addresses, "wait")
        for thread in threads:
            thread.join()
        server.drain(10.0)
    assert sorted(results) == list(range(1, len(PLACES) + 1))
    assert [each for each in log if each != INSPECT] == ["wait"] * len(PLACES)


def test_all_addresses_share_the_limits_of_one_executor(gate):
    with rpcctl.Server(gate, *PLACES, max_concurrent=1, max_wait=0.1) as server:
        threads, results = call_all(server.addresses[:1], "wait")
        assert gate.come.acquire(timeout=10)
        assert server.executor.running == 1
        others, refused = call_all(server.addresses[1:], "add", 2, 3)
        for thread in others:
            thread.join()
        gate.go.set()
        for thread in threads:
            thread.join()
    assert results == [1]
    assert len(refused) == len(PLACES) - 1
    assert all("--max-concurrent 1" in str(each) for each in refused)


def test_one_drain_finishes_the_calls_of_all_addresses(gate):
    server = rpcctl.Server(gate, *PLACES)
    server.start()
    threads, results = call_all(server.addresses, "wait")
    for _ in PLACES:
        assert gate.come.acquire(timeout=10)
    left = []
    drain = threading.Thread(target=lambda: left.append(server.drain(20.0)))
    drain.start()
    assert server.is_busy()
    gate.go.set()
    for thread in (*threads, drain):
        thread.join()
    server.stop()
    assert sorted(results) == list(range(1, len(PLACES) + 1))
    assert left == [0]
    assert server.wait(0)


def test_all_addresses_are_bound_or_none(free_port):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        server = rpcctl.Server(SAMPLE, f"tcp://127.0.0.1:{free_port}", busy)
        with pytest.raises(ConnectError):
            server.start()
    with socket.create_server(("127.0.0.1", free_port)):
        pass


def test_the_command_serves_all_of_them():
    binds = [word for place in PLACES for word in ("--bind", str(place))]
    with running("serve", SAMPLE, *binds) as process:
        addresses = [process.read_address() for _ in PLACES]
        assert [registry.parse_address(each).protocol for each in addresses] == SERVED
        for address in addresses:
            assert run("call", address, "add", "2", "3").stdout == "5\n"
            process.wait_for('"add"')
        process.signal()
        assert process.wait() == 0


PLAIN, TLS = "http://127.0.0.1:0/", "https://127.0.0.1:0/"
USELESS = [
    ([PLAIN], {"cert": "c.pem"}, "--cert"),
    ([PLAIN], {"key": "k.pem"}, "--key"),
    ([PLAIN], {"cacert": "a.pem"}, "--cacert"),
    (["http://127.0.0.1:0/?cert=c.pem"], {}, "--cert"),
    ([PLAIN, "xmlrpc+http://127.0.0.1:0/RPC2"], {"cert": "c.pem"}, "--cert"),
    (["pyro+tcp://127.0.0.1:0"], {"cert": "c.pem"}, "--cert"),
]


@pytest.mark.parametrize(("places", "options", "word"), USELESS)
def test_an_option_that_no_address_has_a_use_for_is_refused(places, options, word):
    with pytest.raises(UsageError, match=f"{word} would do nothing") as caught:
        rpcctl.Server(Gate(), *places, options=options)
    assert "https://" in caught.value.hint or "pyro+tls://" in caught.value.hint


def test_one_address_that_has_a_use_for_it_is_enough():
    with pytest.raises(InputError, match=r"^c\.pem: "):
        rpcctl.Server(Gate(), PLAIN, TLS, options={"cert": "c.pem"})
