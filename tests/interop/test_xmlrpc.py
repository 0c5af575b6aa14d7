"""Our XML-RPC and the standard library's, both ways; a client in Perl; what is no XML-RPC; JSON-RPC beside it."""

import http.client
import http.server
import shutil
import socket
import socketserver
import subprocess
import threading
import xmlrpc.client
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

import pytest

from rpcctl.api import Connection
from rpcctl.errors import (
    ArgumentError,
    MethodNotFoundError,
    RemoteError,
    RemoteProtocolError,
)
from rpcctl.hosting import Server
from rpcctl.messages import INSPECT, Failure, Result
from tests import sample

ANY_PORT = "xmlrpc+http://127.0.0.1:0/RPC2"


# Stock clients of our server.


@pytest.fixture(scope="module")
def ours() -> Iterator[str]:
    """The URL of a server of the sample module."""
    with Server("tests.sample", ANY_PORT, max_items=50) as server:
        yield f"http://127.0.0.1:{server.addresses[0].port}/RPC2"


@pytest.fixture
def stock_client(ours: str) -> Iterator[Any]:
    with xmlrpc.client.ServerProxy(ours, allow_none=True, use_builtin_types=True) as proxy:
        yield proxy


VALUES = [
    None,
    True,
    0,
    -(2**31),
    1.5,
    "",
    "é 漢 \U0001f600 <&>",
    b"\x00\xff",
    datetime(2026, 1, 30, 14, 8, 55),
    [],
    [1, [2, {}]],
    {"a": {"b": [None]}},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_stock_client_gets_its_values_back(stock_client, value):
    assert stock_client.echo(value) == value


def test_a_stock_client_gets_a_stream_as_a_list(stock_client):
    assert stock_client.count(3) == [0, 1, 2]
    assert stock_client.count_async(50) == list(range(50))
    for method in ("count", "count_async"):
        with pytest.raises(xmlrpc.client.Fault, match="more than 50 items"):
            getattr(stock_client, method)(51)


def test_an_endless_stream_is_refused_and_closed(stock_client):
    sample.released.clear()
    with pytest.raises(xmlrpc.client.Fault, match="--max-items"):
        stock_client.endless()
    assert sample.released.wait(5)


STOCK_FAULTS = [
    (("nope",), -32601, "NameError: nope"),
    (("_hidden",), -32601, "NameError: _hidden"),
    (("rpcctl.ping",), -32601, "NameError: rpcctl.ping"),
    (("add", 1), -32602, "TypeError: add() missing"),
    (("fail", "boom"), -32500, "ValueError: boom"),
    (("fail", "\x1b"), -32700, "not well-formed"),
    (("leave",), -32500, "SystemExit: 3"),
    (("strange",), -32500, "TypeError: the result of strange cannot be sent: no plain form"),
    (("system.methodHelp", "nope"), -32602, "TypeError: there is no method 'nope'"),
    (("system.methodHelp",), -32602, "TypeError: system.methodHelp() takes 1"),
    (("system.multicall", 5), -32602, "TypeError: system.multicall() takes"),
]


@pytest.mark.parametrize(("call", "code", "text"), STOCK_FAULTS)
def test_faults_as_a_stock_client_sees_them(stock_client, call, code, text):
    name, *args = call
    with pytest.raises(xmlrpc.client.Fault) as caught:
        getattr(stock_client, name)(*args)
    assert caught.value.faultCode == code
    assert caught.value.faultString.startswith(text)
    assert stock_client.add(2, 3) == 5


def test_what_we_tell_a_stock_client_of_ourselves(stock_client):
    system = stock_client.system
    assert {*sample.__all__, "system.listMethods", "system.multicall"} <= set(system.listMethods())
    assert INSPECT not in system.listMethods()
    assert system.methodHelp("add") == "Add two numbers.\n\nThe sum of both."
    assert system.methodSignature("add") == [["int", "int", "int"]]
    assert system.methodSignature("count") == [["array", "int"]]
    assert {"faults_interop", "introspection", "nil"} <= set(system.getCapabilities())


def test_a_stock_multicall(stock_client):
    many = xmlrpc.client.MultiCall(stock_client)
    many.add(2, 3)
    many.count(2)
    many.nope()
    found = many()
    assert (found[0], found[1]) == (5, [0, 1])
    with pytest.raises(xmlrpc.client.Fault, match="nope"):
        found[2]


@pytest.mark.parametrize("options", [{"xmlrpc-strict": True}, {"no-nil": True}])
def test_a_peer_without_nil_gets_a_fault_and_never_a_nil(options):
    with Server("tests.sample", ANY_PORT, options=options) as server:
        proxy = xmlrpc.client.ServerProxy(f"http://127.0.0.1:{server.addresses[0].port}/RPC2")
        with pytest.raises(xmlrpc.client.Fault, match="None"):
            proxy.nothing()
        assert proxy.add(2, 3) == 5
        proxy("close")()


PERL = r"""
use strict; use warnings; use RPC::XML; use RPC::XML::Client;
binmode(STDOUT, ':utf8'); $RPC::XML::ENCODING = 'utf-8'; $RPC::XML::ALLOW_NIL = 1;
my $client = RPC::XML::Client->new($ARGV[0]);
print $client->send_request('add', 2, 3)->value, "\n";
print $client->send_request('echo', {a => [1, {b => RPC::XML::string->new('<&>')}]})->value->{a}[1]{b}, "\n";
print $client->send_request('echo', RPC::XML::base64->new('bytes'))->value, "\n";
print defined $client->send_request('nothing')->value ? "something" : "nil", "\n";
print $client->send_request('fail', 'boom')->code, ' ', $client->send_request('fail', 'boom')->string, "\n";
print $client->send_request('nope')->code, "\n";
print scalar @{$client->send_request('system.listMethods')->value} > 10 ? "listed" : "short", "\n";
"""


def test_a_client_in_perl(ours):
    found = shutil.which("perl") and subprocess.run(["perl", "-MRPC::XML", "-e", "1"], capture_output=True)
    if not found or found.returncode:
        pytest.skip("RPC::XML for Perl is not installed")
    done = subprocess.run(["perl", "-e", PERL, ours], capture_output=True, check=True, timeout=20, text=True)
    assert done.stdout.splitlines() == [
        "5",
        "<&>",
        "bytes",
        "nil",
        "-32500 ValueError: boom",
        "-32601",
        "listed",
    ]


# Our client to stock servers.


class Threaded(socketserver.ThreadingMixIn, SimpleXMLRPCServer):
    """The standard library's server as programs make it to serve several at once."""

    daemon_threads = True


class KeptAlive(SimpleXMLRPCRequestHandler):
    """Its handler, with connections that are kept."""

    protocol_version = "HTTP/1.1"


STOCK_SERVERS = [
    (SimpleXMLRPCServer, SimpleXMLRPCRequestHandler),
    (Threaded, SimpleXMLRPCRequestHandler),
    (Threaded, KeptAlive),
]


@contextmanager
def stock_server(kind: type[SimpleXMLRPCServer] = Threaded, handler: Any = KeptAlive, **options: Any) -> Iterator[Any]:
    """A stock server with a few functions, and its address as `address`."""
    server: Any = kind(("127.0.0.1", 0), handler, logRequests=False, **options)
    server.address = f"xmlrpc+http://127.0.0.1:{server.server_address[1]}/RPC2"
    server.register_function(sample.add)
    server.register_function(sample.echo)
    server.register_function(sample.fail)
    server.register_function(sample.nothing)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(("kind", "handler"), STOCK_SERVERS)
def test_calls_to_a_stock_server(kind, handler):
    with (
        stock_server(kind, handler, allow_none=True, use_builtin_types=True) as server,
        Connection(server.address, timeout=10) as client,
    ):
        for value in VALUES:
            assert client.echo(value) == value
        assert client.add(2, 3) == 5
        with pytest.raises(MethodNotFoundError, match="nope"):
            client.nope()
        with pytest.raises(RemoteError) as caught:
            client.fail("boom\né")
        assert (caught.value.type, caught.value.message) == ("ValueError", "ValueError: boom\né")
        assert client.ping() == ""


def test_a_stock_server_without_nil():
    with stock_server() as server, Connection(server.address) as client:
        with pytest.raises(RemoteError, match="cannot marshal None"):
            client.nothing()
        assert client.add(2, 3) == 5


def test_what_a_stock_server_tells_of_itself():
    with stock_server() as server:
        server.register_introspection_functions()
        for multicall in (False, True):
            if multicall:
                server.register_multicall_functions()
            with Connection(server.address) as client:
                found = client.describe()
            assert {"add", "echo", "system.listMethods"} <= {each.name for each in found.methods}
            method = found.find("add")
            assert method is not None
            assert (method.summary(), method.signature()) == ("Add two numbers.", "(...)")


def test_a_stock_server_that_tells_nothing_of_itself():
    with (
        stock_server() as server,
        Connection(server.address) as client,
        pytest.raises(MethodNotFoundError, match=r"system\.listMethods"),
    ):
        client.describe()


@pytest.mark.parametrize("multicall", [False, True])
def test_a_batch(multicall):
    with stock_server() as server, Connection(server.address) as client:
        if multicall:
            server.register_multicall_functions()
        wanted = [("add", (2, 3)), ("nope", ()), ("echo", ([1],)), ("fail", ("boom",))]
        replies = own_client(client).send_batch([client.request(*each) for each in wanted])
        assert [type(each) for each in replies] == [Result, Failure, Result, Failure]
        assert (replies[0].value, replies[2].value) == (5, [1])
        assert (replies[1].kind, replies[3].type) == ("no_method", "ValueError")


def test_types_that_the_peer_does_not_know_are_refused_before_anything_is_sent():
    with stock_server() as server, Connection(server.address, options={"xmlrpc-strict": True}) as client:
        for value, named in ((None, "None"), (2**31, "32 bits"), ("\x00", r"U\+0000")):
            with pytest.raises(ArgumentError, match=named):
                client.echo(value)


def own_client(connection: Connection) -> Any:
    """The client under a connection, which has connected."""
    connection.connect()
    return connection._client


# What is no XML-RPC.


@contextmanager
def answering(status: int, body: bytes, kind: str = "text/html") -> Iterator[str]:
    """A web server that answers everything with this."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"xmlrpc+http://127.0.0.1:{server.server_address[1]}/RPC2"
        server.shutdown()
        thread.join()


FOREIGN = [
    (200, b'{"jsonrpc": "2.0"}', "looks like JSON-RPC"),
    (200, b"", "200"),
    (200, b"plain text", "plain text"),
    (502, b"<html><body>Bad Gateway</body></html>", "Bad Gateway"),
    (404, b"nothing here", "404"),
    (200, b"<methodResponse><params>", "not well-formed"),
    (200, b"<?xml version='1.0'?><!DOCTYPE x><methodResponse/>", "DOCTYPE"),
]


@pytest.mark.parametrize(("status", "body", "named"), FOREIGN)
def test_an_answer_that_is_no_xmlrpc_is_named_and_is_exit_8(status, body, named):
    with answering(status, body) as at, Connection(at) as client:
        with pytest.raises(RemoteProtocolError, match=named) as caught:
            client.call("add", 2, 3)
        assert caught.value.exit_code == 8


@pytest.mark.parametrize("scheme", ["", "xmlrpc+"])
def test_what_speaks_the_other_protocol_comes_with_an_address_for_it(scheme):
    with answering(200, b'{"jsonrpc": "2.0"}') as at, Connection(scheme + at.removeprefix("xmlrpc+")) as client:
        with pytest.raises(RemoteProtocolError) as caught:
            client.call("add", 2, 3)
        assert caught.value.hint == f"jsonrpc+{at.removeprefix('xmlrpc+')}"


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_fault_counts_whatever_the_status(status):
    fault = xmlrpc.client.dumps(xmlrpc.client.Fault(4, "no")).encode()
    with answering(status, fault) as at, Connection(at) as client, pytest.raises(RemoteError, match="fault 4: no"):
        client.call("add", 2, 3)


# Beside JSON-RPC.


def test_both_protocols_on_one_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    places = [f"{scheme}+http://127.0.0.1:{port}/" for scheme in ("jsonrpc", "xmlrpc")]
    with Server("tests.sample", *places):
        for at in places:
            with Connection(at) as client:
                assert client.add(2, 3) == 5
                assert client.ping() == "tests.sample"


def test_json_to_an_xmlrpc_server_and_the_reverse_name_the_other():
    for scheme, other, named in (("jsonrpc", "xmlrpc", "JSON-RPC"), ("xmlrpc", "jsonrpc", "XML-RPC")):
        with Server("tests.sample", f"{scheme}+http://127.0.0.1:0/") as server:
            at = f"{other}+http://127.0.0.1:{server.addresses[0].port}/"
            with Connection(at) as client, pytest.raises(RemoteProtocolError, match=named):
                client.add(2, 3)
