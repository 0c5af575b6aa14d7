"""The HTTP server and client under their protocols: one port for both, logins and certificates, a stop in mid-call."""

import os
import signal
import socket
import threading
import xmlrpc.client
from http.client import HTTPConnection
from typing import Any

import jsonrpclib.jsonrpc
import pytest

from rpcctl.api import Connection, connect
from rpcctl.errors import AuthError, ConnectError, RemoteError
from rpcctl.hosting import Server
from tests import sample
from tests.process import serving


def test_one_port_carries_both_protocols():
    with Server("tests.sample", "jsonrpc+http://127.0.0.1:0/") as first:
        port = first.addresses[0].port
        first.stop()
        where = (f"jsonrpc+http://127.0.0.1:{port}/", f"xmlrpc+http://127.0.0.1:{port}/RPC2")
        with Server("tests.sample", *where):
            for address in (*where, f"xmlrpc+http://127.0.0.1:{port}/", f"jsonrpc+http://127.0.0.1:{port}/RPC2"):
                with connect(address) as client:
                    assert client.add(2, 3) == 5


def test_a_login_and_certificates(tmp_path, certificates):
    (tmp_path / "auth").write_text("alice:wonderland\n")
    (tmp_path / "login").write_text("alice:wonderland\n")
    cert, key = certificates.server
    options = {"cert": cert, "key": key, "auth-file": str(tmp_path / "auth")}
    with Server("tests.sample", "jsonrpc+https://127.0.0.1:0/", options=options) as server:
        at = server.addresses[0]
        trusting = {"cacert": certificates.authority[0]}
        with connect(str(at), options={**trusting, "auth": f"basic:file:{tmp_path / 'login'}"}) as client:
            assert client.add(2, 3) == 5
        with connect(str(at), options={**trusting, "user": "alice:wrong"}) as client, pytest.raises(AuthError):
            client.add(2, 3)


def test_a_call_that_runs_is_answered_when_the_server_stops():
    started = threading.Event()
    go_on = threading.Event()

    def wait() -> str:
        started.set()
        go_on.wait(10)
        return "answered"

    target = type("Target", (), {"wait": staticmethod(wait)})()
    server = Server(target, "jsonrpc+http://127.0.0.1:0/")
    server.start()
    client = Connection(str(server.addresses[0]), timeout=10.0)
    found: list[str] = []
    caller = threading.Thread(target=lambda: found.append(client.call("wait")))
    caller.start()
    assert started.wait(5)
    drainer = threading.Thread(target=server.drain, args=(10.0,))
    drainer.start()
    while is_there(server.addresses[0].port):
        continue
    go_on.set()
    caller.join(10)
    drainer.join(10)
    server.stop()
    assert found == ["answered"]
    with pytest.raises(ConnectError):
        client.call("wait")
    client.close()


def is_there(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionError:
        return False
    return True


@pytest.mark.parametrize("how", ["SIGHUP", "--reload"])
def test_who_is_let_in_is_read_again(tmp_path, how):
    path = tmp_path / "auth"
    path.write_text("Bearer old\n")
    words = ["--bind", "http://127.0.0.1:0/", "--auth-file", str(path)]
    with serving(*words, *([how] if how == "--reload" else [])) as (process, at):
        path.write_text("Bearer new\n")
        os.utime(path, (1, 1))  # So that its time changes whatever the clock's grain.
        if how == "SIGHUP":
            process.signal(signal.SIGHUP)
        process.wait_for("reloaded")
        for token, right in (("new", True), ("old", False)):
            with connect(at, options={"header": [f"Authorization: Bearer {token}"]}) as client:
                if right:
                    assert client.add(2, 3) == 5
                else:
                    with pytest.raises(AuthError):
                        client.add(2, 3)


PROTOCOLS = pytest.mark.parametrize("at", ["jsonrpc+http://127.0.0.1:0/", "xmlrpc+http://127.0.0.1:0/RPC2"])


def pelix_fault() -> Any:
    return jsonrpclib.jsonrpc.Fault(1234, "custom", data={"k": 1})


def stdlib_fault() -> Any:
    return xmlrpc.client.Fault(1234, "custom")


@PROTOCOLS
@pytest.mark.parametrize("fault", [pelix_fault, stdlib_fault])
@pytest.mark.parametrize("raised", [False, True])
@pytest.mark.parametrize("use_repr", [False, True])
def test_a_fault_is_a_fault_whether_it_is_returned_or_raised(at, fault, raised, use_repr):
    def fail() -> Any:
        if raised and isinstance(fault(), Exception):
            raise fault()
        return fault()

    with Server(fail, at, use_repr=use_repr) as server, connect(str(server.addresses[0])) as client:
        with pytest.raises(RemoteError, match="custom") as caught:
            client.call("fail")
        assert "1234" in caught.value.type


@PROTOCOLS
def test_the_page_shows_what_is_served(at):
    with Server(sample, at) as server:
        connection = HTTPConnection("127.0.0.1", server.addresses[0].port, timeout=5)
        connection.request("GET", server.addresses[0].path or "/")
        reply = connection.getresponse()
        page = reply.read().decode()
        connection.close()
    assert reply.status == 200
    assert reply.getheader("content-type") == "text/html; charset=utf-8"
    assert "(a: int, b: int) -&gt; int" in page
