"""XML-RPC with the standard library's ends and with supervisord; and the table of cases through a real socket."""

import gzip
import http.client
import http.server
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
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
    AuthError,
    ConnectError,
    InvalidArgumentsError,
    MethodNotFoundError,
    RemoteError,
    RemoteProtocolError,
)
from rpcctl.hosting import Server
from rpcctl.messages import Failure, Result
from tests import sample
from tests.codec.xmlrpc_cases import CASES, body_of, check, dispatcher
from tests.process import run

ANY_PORT = "xmlrpc+http://127.0.0.1:0/RPC2"
WAIT = 15.0


# The table of cases, byte by byte.


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a server of the cases' methods, registered with the standard library's dispatcher."""
    with Server(dispatcher(), ANY_PORT, max_message=8 * 1024 * 1024) as server:
        yield server.addresses[0].port


def request_of(case: dict[str, Any]) -> bytes:
    """The request as the case's `http` has it."""
    how, body = case.get("http", {}), body_of(case)
    headers = dict(how.get("headers", {"Content-Type": "text/xml"}))
    if how.get("gzip"):
        body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
    if how.get("chunked"):
        headers["Transfer-Encoding"] = "chunked"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    elif not how.get("no_length") and not how.get("raw_length"):
        headers["Content-Length"] = str(len(body))
    lines = [f"{how.get('method', 'POST')} {how.get('path', '/RPC2')} HTTP/{how.get('version', '1.1')}"]
    lines += ["Host: localhost", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + (b"" if how.get("no_body") else body)


def read_answer(connection: socket.socket, method: str) -> tuple[int, bytes]:
    """Status and unpacked body of one answer."""
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    body = answer.read()
    return answer.status, gzip.decompress(body) if answer.getheader("Content-Encoding") == "gzip" else body


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_table_of_cases(case, port):
    how: dict[str, Any] = case.get("http", {})
    statuses = [*case.get("http_status", [200]), *case.get("also_status", ()), *case.get("http_also", ())]
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for _ in range(how.get("repeat", 1)):
            connection.sendall(request_of(case))
            status, body = read_answer(connection, how.get("method", "POST"))
            assert status in statuses, body
            if status == 200 and case["expect"] is not None:
                check(case, body)
    assert time.monotonic() - began < case.get("max_seconds", 10)


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
    (("strange",), -32500, "TypeError: no plain form"),
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


# supervisord, over its Unix socket and over TCP with a password.

CONFIGURATION = """
[supervisord]
nodaemon=true
logfile={folder}/log
pidfile={folder}/pid
[unix_http_server]
file={folder}/s.sock
[inet_http_server]
port=127.0.0.1:{port}
username=someone
password=s3cret
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:idle]
command=sleep 1000
autostart=false
"""


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The addresses of a supervisord: its socket, and TCP without a login."""
    pytest.importorskip("supervisor")
    folder = tmp_path_factory.mktemp("s")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "conf").write_text(CONFIGURATION.format(folder=folder, port=port))
    words = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(folder / "conf")]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        at = f"xmlrpc+http+unix://{folder}/s.sock"
        await_server(at)
        yield at, f"xmlrpc+http://127.0.0.1:{port}/RPC2"
    finally:
        process.terminate()
        process.wait(WAIT)


def await_server(at: str) -> None:
    """Return when a server answers there."""
    until = time.monotonic() + WAIT
    while True:
        try:
            with Connection(at) as client:
                client.ping()
            return
        except (ConnectError, RemoteProtocolError):
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def with_login(at: str, login: str = "someone:s3cret") -> str:
    return at.replace("://", f"://{login}@")


@pytest.fixture(params=["unix", "tcp"])
def to_supervisor(request: pytest.FixtureRequest, supervisor: tuple[str, str]) -> Iterator[Any]:
    at = supervisor[0] if request.param == "unix" else with_login(supervisor[1])
    with Connection(at, timeout=WAIT) as client:
        yield client


def test_calls_to_supervisord(to_supervisor):
    assert to_supervisor.call("supervisor.getState")["statename"] == "RUNNING"
    assert [each["name"] for each in to_supervisor.call("supervisor.getAllProcessInfo")] == ["idle"]
    # Its answer comes when the program runs, which supervisord calls a deferred result.
    assert to_supervisor.call("supervisor.startProcess", "idle") is True
    assert to_supervisor.call("supervisor.stopProcess", "idle") is True


def test_faults_of_supervisord(to_supervisor):
    with pytest.raises(RemoteError, match="BAD_NAME: nope") as caught:
        to_supervisor.call("supervisor.startProcess", "nope")
    assert caught.value.type == "fault 10"
    with pytest.raises(MethodNotFoundError, match=r"supervisor\.nope"):
        to_supervisor.call("supervisor.nope")
    with pytest.raises(InvalidArgumentsError, match="INCORRECT_PARAMETERS"):
        to_supervisor.call("supervisor.getState", 1)


def test_what_supervisord_tells_of_itself(to_supervisor):
    found = to_supervisor.describe()
    assert {"supervisor.getState", "system.multicall"} <= {each.name for each in found.methods}
    method = found.find("supervisor.startProcess")
    assert "Start a process" in method.doc
    assert method.returns == "bool"
    assert [each.type for each in method.parameters] == ["str", "bool"]


def test_a_batch_to_supervisord_which_leaves_out_an_array(to_supervisor):
    names = ["supervisor.getState", "supervisor.nope", "supervisor.getPID"]
    replies = own_client(to_supervisor).send_batch([to_supervisor.request(name) for name in names])
    assert replies[0].value["statename"] == "RUNNING"
    assert replies[1].kind == "no_method"
    assert replies[2].value > 0


@pytest.mark.parametrize("login", ["", "someone:wrong@", "nobody:s3cret@"])
def test_supervisord_refuses_a_wrong_login(supervisor, login):
    with Connection(supervisor[1].replace("://", f"://{login}")) as client, pytest.raises(AuthError) as caught:
        client.call("supervisor.getState")
    assert "wrong" not in caught.value.message
    assert "s3cret" not in caught.value.message


def test_the_command_line_calls_supervisord(supervisor):
    done = run("call", supervisor[0], "supervisor.getState")
    assert (done.returncode, done.stdout) == (0, '{"statecode": 1, "statename": "RUNNING"}\n')
    listed = run("list", with_login(supervisor[1]), "supervisor.start*")
    assert "supervisor.startProcess\n" in listed.stdout


# aria2, which has both protocols, and a client in Perl.


@pytest.fixture(scope="module")
def aria2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an aria2c whose secret is `s3cret`."""
    if shutil.which("aria2c") is None:
        pytest.skip("aria2c is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["aria2c", "--no-conf", "--enable-rpc", f"--rpc-listen-port={port}", "--rpc-secret=s3cret", "-q"]
    process = subprocess.Popen(words, cwd=tmp_path_factory.mktemp("aria2"), stdin=subprocess.DEVNULL)
    try:
        await_server(f"xmlrpc+http://127.0.0.1:{port}/rpc")
        yield port
    finally:
        process.terminate()
        process.wait(WAIT)


@pytest.mark.parametrize("place", ["xmlrpc+http://127.0.0.1:{}/rpc", "jsonrpc+http://127.0.0.1:{}/jsonrpc"])
def test_calls_to_aria2_with_its_secret(aria2, place, tmp_path):
    at, secret = place.format(aria2), tmp_path / "secret"
    secret.write_text("s3cret\n")
    with Connection(at, options={"auth": f"aria2:file:{secret}"}) as client:
        assert "version" in client.call("aria2.getVersion")
        assert client.call("aria2.tellStopped", 0, 10) == []
        gid = client.call("aria2.addUri", ["http://127.0.0.1:9/x"], {"pause": "true"})
        assert client.call("aria2.tellStatus", gid, ["status"])["status"] in ("paused", "error", "waiting")
        with pytest.raises(MethodNotFoundError, match=r"aria2\.nope"):
            client.call("aria2.nope")
        names = {each.name for each in client.describe().methods}
        assert {"aria2.addUri", "system.multicall"} <= names
        replies = client.send_batch([client.request("aria2.getVersion"), client.request("aria2.nope")])
        assert isinstance(replies[0], Result)
        assert isinstance(replies[1], Failure)
    with Connection(at) as client:
        with pytest.raises(RemoteError, match="Unauthorized"):
            client.call("aria2.getVersion")
        assert "version" in client.call("aria2.getVersion", "token:s3cret")


def test_a_token_is_kept_out_of_the_trace(aria2, tmp_path):
    secret, traced = tmp_path / "secret", []

    def note(*words: Any) -> None:
        traced.append(repr(words))

    secret.write_text("s3cret\n")
    options = {"auth": f"aria2:file:{secret}"}
    with Connection(f"xmlrpc+http://127.0.0.1:{aria2}/rpc", options=options, trace=note) as client:
        client.call("aria2.getVersion")
        client.send_batch([client.request("aria2.getVersion")] * 2)
    assert "token:***" in "".join(traced)
    assert "s3cret" not in "".join(traced)


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
