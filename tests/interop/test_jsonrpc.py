"""Our JSON-RPC and jsonrpclib-pelix 1.2, both ways, and a client in Perl."""

import json
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from socketserver import ThreadingMixIn
from typing import Any

import pytest
from jsonrpclib import MultiCall, ServerProxy
from jsonrpclib.config import Config
from jsonrpclib.jsonrpc import AppError, Fault, ProtocolError
from jsonrpclib.SimpleJSONRPCServer import PooledJSONRPCServer, SimpleJSONRPCServer

from rpcctl.api import Connection
from rpcctl.errors import InvalidArgumentsError, MethodNotFoundError, RemoteError
from rpcctl.hosting import Server
from rpcctl.messages import Failure, Result
from tests import sample
from tests.behaviour.test_oneway import wait_until

CONFIG = Config(use_jsonclass=False)


class ThreadingServer(ThreadingMixIn, SimpleJSONRPCServer):  # type: ignore[misc]
    """The variant that pelix's documentation shows."""

    daemon_threads = True


def add(a, b=2):
    """Add two numbers."""
    return a + b


def fail():
    raise ValueError("on purpose")


def fault():
    return Fault(1234, "custom", data={"k": 1}, config=CONFIG)


@pytest.fixture(params=[SimpleJSONRPCServer, PooledJSONRPCServer, ThreadingServer], ids=lambda kind: kind.__name__)
def pelix(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A connection to a server of pelix's."""
    server = request.param(("127.0.0.1", 0), config=CONFIG, logRequests=False)
    seen: list[Any] = []
    for function in (add, fail, fault, seen.append):
        server.register_function(function)
    server.register_function(lambda *values: values[0] if len(values) == 1 else list(values), "echo")
    server.register_function(lambda: list(seen), "seen")
    server.register_introspection_functions()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    # Not connected yet: the plain server has one thread, and a connection that waits keeps it.
    connection = Connection(f"http://127.0.0.1:{server.server_address[1]}/", timeout=10.0)
    yield connection
    connection.close()
    server.shutdown()
    server.server_close()


class TestOurClient:
    def test_calls_by_position_and_by_name(self, pelix):
        assert pelix.add(2, 3) == 5
        assert pelix.add(a=2, b=4) == 6
        assert pelix.call("echo", {"é": [1, None, 2.5, "漢"]}) == {"é": [1, None, 2.5, "漢"]}

    def test_errors_with_their_words(self, pelix):
        with pytest.raises(RemoteError, match="Server error"):  # Which is all that pelix tells.
            pelix.fail()
        with pytest.raises(RemoteError, match="custom") as caught:
            pelix.fault()
        assert caught.value.data == {"k": 1}
        with pytest.raises(MethodNotFoundError, match="'nope'"):
            pelix.nope()
        with pytest.raises(InvalidArgumentsError):
            pelix.add(1, 2, 3)

    def test_notifications_are_run(self, pelix):
        pelix.cast("append", "x")
        assert wait_until(lambda: pelix.seen() == ["x"])

    def test_methods_are_listed_with_their_help(self, pelix):
        description = pelix.describe()
        assert {"add", "fail", "echo"} <= {each.name for each in description.methods}
        assert description.find("add").doc == "Add two numbers."

    def test_a_batch_is_one_message_and_keeps_its_order(self, pelix):
        requests = [pelix.request("add", (n, n)) for n in range(5)] + [pelix.request("nope")]
        replies = pelix._client.send_batch(requests)
        assert replies[:5] == [Result(2 * n) for n in range(5)]
        assert isinstance(replies[5], Failure)

    def test_version_1_0(self, pelix):
        with Connection(str(pelix.address), options={"jsonrpc": "1.0"}, timeout=10.0) as old:
            assert old.add(2, 3) == 5
            with pytest.raises(RemoteError, match="Server error"):
                old.fail()


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The URL of the sample module."""
    with Server("tests.sample", "http://127.0.0.1:0/") as server:
        yield str(server.addresses[0])


@pytest.fixture
def proxy(served: str) -> Iterator[Any]:
    """pelix's client of it."""
    with ServerProxy(served, config=CONFIG) as made:
        yield made


class TestPelixClient:
    def test_calls(self, proxy):
        assert proxy.add(2, 3) == 5
        assert proxy.default(a=1, c=9) == [1, 2, 9]
        assert proxy.echo("漢") == "漢"
        assert proxy.nothing() is None
        assert proxy.count(3) == [0, 1, 2]

    def test_errors(self, proxy):
        with pytest.raises(ProtocolError) as caught:
            proxy.fail("boom")
        assert caught.value.args[0][0] == -32603
        assert "boom" in caught.value.args[0][1]
        with pytest.raises(ProtocolError) as caught:
            proxy.nope()
        assert caught.value.args[0][0] == -32601
        with pytest.raises(ProtocolError) as caught:
            proxy.add(1)
        assert caught.value.args[0][0] == -32602

    def test_a_batch(self, proxy):
        batch = MultiCall(proxy)
        batch.add(2, 3)
        batch.echo("x")
        assert list(batch()) == [5, "x"]

    def test_version_1_0(self, served):
        with ServerProxy(served, version=1.0, config=Config(version=1.0, use_jsonclass=False)) as old:
            assert old.add(2, 3) == 5
            with pytest.raises((ProtocolError, AppError)):
                old.fail("x")

    def test_introspection(self, proxy):
        assert "add" in proxy.system.listMethods()
        assert "Add two numbers." in proxy.system.methodHelp("add")
        assert proxy.system.methodSignature("add") == [["integer", "integer", "integer"]]

    def test_many_threads_each_with_a_client(self, served):
        wrong: list[int] = []

        def work(number):
            with ServerProxy(served, config=CONFIG) as own:
                wrong.extend(n for n in range(30) if own.echo([number, n]) != [number, n])

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not wrong

    def test_functions_registered_with_its_dispatcher_are_served_their_faults_kept(self):
        theirs = SimpleJSONRPCServer(("127.0.0.1", 0), config=CONFIG, bind_and_activate=False)
        theirs.register_function(fault, "a.fault")
        theirs.server_close()
        with Server(theirs, "http://127.0.0.1:0/") as server, Connection(str(server.addresses[0])) as client:
            with pytest.raises(RemoteError, match="custom") as caught:
                client.call("a.fault")
            assert caught.value.data == {"k": 1}


PERL = r"""
use strict; use warnings; use HTTP::Tiny; use JSON::PP;
my ($url) = @ARGV;
my $json = JSON::PP->new->utf8->canonical;
my $ask = sub {
    my $request = {headers => {'Content-Type' => 'application/json'}, content => $json->encode($_[0])};
    my $answer = HTTP::Tiny->new->post($url, $request);
    print "$answer->{status} $answer->{content}\n";
};
$ask->({jsonrpc => '2.0', method => 'add', params => [2, 3], id => 1});
$ask->({jsonrpc => '2.0', method => 'echo', params => ["\x{6f22}"], id => 'x'});
$ask->({jsonrpc => '2.0', method => 'remember', params => ['from Perl']});
$ask->([{jsonrpc => '2.0', method => 'add', params => [1, 1], id => 1}, {jsonrpc => '2.0', method => 'nope', id => 2}]);
"""


def test_a_client_in_perl(served):
    sample._memory.clear()
    done = subprocess.run(["perl", "-e", PERL, served], capture_output=True, check=True, timeout=20)
    first, second, third, fourth = done.stdout.decode().splitlines()
    assert first == '200 {"jsonrpc":"2.0","result":5,"id":1}'
    assert json.loads(second[4:])["result"] == "漢"
    assert third.strip() == "204"
    assert {each["id"]: each.get("result") for each in json.loads(fourth[4:])} == {1: 2, 2: None}
    assert wait_until(lambda: sample._memory == ["from Perl"])


def test_a_browser_is_shown_the_methods(served):
    with urllib.request.urlopen(served, timeout=10) as answer:
        page = answer.read().decode()
    assert answer.headers["content-type"].startswith("text/html")
    assert "Add two numbers." in page
    assert "(a: int, b: int) -&gt; int" in page
