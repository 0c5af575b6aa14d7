"""What is refused before it becomes a call leaves a line in the log: who, what, why; nothing secret, not too many."""

import json
import socket
import ssl
import threading

import pytest

import rpcctl
from rpcctl.address import Address
from rpcctl.cli.access import MOST_REFUSED, AccessLog, OneCall
from rpcctl.messages import Request
from rpcctl.metrics import UNKNOWN, Metrics
from tests.behaviour.test_oneway import wait_until
from tests.cli.screen import Screen
from tests.http.conftest import Echo, address_of, post

LONG = "/" + "x" * 500


def name_of(connection: socket.socket) -> str:
    host, port = connection.getsockname()
    return f"{host}:{port}"


REFUSED = [
    (post(b"x", path="/nope?token=secret"), "POST /nope", "404 there is nothing at"),
    (post(b"x", method="PUT"), "PUT /", "405 "),
    (post(b"x", "Host: evil.example"), "POST /", "403 'evil.example'"),
    (post(b"x", "Origin: http://evil.example"), "POST /", "403 web pages of"),
    (post(b"", "Content-Length: 99999999"), "POST /", "413 "),
    (b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n", "POST /", "411 "),
    (post(b"", "Content-Length: 9"), "POST /", "408 the body"),
    (post(b"x", path=LONG), f"POST {LONG}"[:120], "404 "),
    (b"nonsense\r\n\r\n", "(unreadable)", "400 this is not HTTP"),
    (b"\x16\x03\x01\x02\0\x01", "(unreadable)", "400 TLS, where plain HTTP is spoken"),
]


@pytest.mark.parametrize(("sent", "what", "why"), REFUSED, ids=[row[2] for row in REFUSED])
def test_a_refused_request_is_told_of(serve, raw, sent, what, why):
    app = Echo()
    connection = raw(serve(app, body_timeout=0.2).address)
    connection.send(sent)
    assert wait_until(lambda: app.refusals)
    [(told, peer, reason)] = app.refusals
    assert (told, peer) == (what, name_of(connection.socket))
    assert reason.startswith(why)
    assert len(reason) <= 120
    assert "secret" not in told + reason


def test_a_refused_login_is_told_of_without_it(serve, raw, tmp_path):
    users = tmp_path / "users"
    users.write_text("alice:wonderland\n")
    app = Echo()
    raw(serve(app, auth_file=str(users)).address).send(post(b"x", "Authorization: Bearer secret"))
    assert wait_until(lambda: app.refusals)
    assert app.refusals[0][2] == "401 a login is needed, or this one is wrong"


def test_plain_http_to_a_tls_port_is_told_of(serve, raw, certificates):
    cert, key = certificates.server
    app = Echo()
    raw(serve(app, address_of("https"), cert=cert, key=key).address).send(post(b"x"))
    assert wait_until(lambda: app.refusals)
    assert app.refusals[0][2] == "plain HTTP, where TLS is spoken"


def test_a_handshake_that_fails_is_told_of(serve, certificates):
    cert, key = certificates.server
    app = Echo()
    at = serve(app, address_of("https"), cert=cert, key=key).address
    with socket.create_connection((at.host, at.port)) as plain, pytest.raises(ssl.SSLCertVerificationError):
        ssl.create_default_context().wrap_socket(plain, server_hostname=at.host)
    assert wait_until(lambda: app.refusals)
    assert app.refusals[0][2] == "TLS handshake: tlsv1 alert unknown ca"


UNREADABLE = [
    ("jsonrpc+http", b"{password", "refused -32700 Parse error"),
    ("jsonrpc+http", b"[]", "refused -32600 Invalid Request: an empty batch"),
    ("jsonrpc+http", b"[1, 2]", "refused -32600 Invalid Request: a message is an object; 2 of a batch of 2"),
    ("xmlrpc+http", b"<password", "refused -32700 not well-formed"),
    ("xmlrpc+http", b"<methodCall/>", "refused -32600 no call"),
]


class Told:
    """An `on_done`."""

    def __init__(self) -> None:
        self.calls: list[tuple[Request, str]] = []
        self.one = threading.Event()

    def __call__(self, request: Request, outcome: str, seconds: float) -> None:
        self.calls.append((request, outcome))
        self.one.set()


@pytest.mark.parametrize(("scheme", "body", "outcome"), UNREADABLE)
def test_a_body_without_a_call_is_told_of(raw, scheme, body, outcome):
    told = Told()
    with rpcctl.Server(Told(), f"{scheme}://127.0.0.1:0/RPC2", on_done=told) as server:
        connection = raw(server.addresses[0])
        connection.send(post(body, path="/RPC2"))
        assert connection.read_answer()[0] == 200
    [(request, said)] = told.calls
    assert (request.method, said) == ("(unreadable)", outcome)
    assert request.peer == name_of(connection.socket)


def test_who_asks_for_the_page_is_told_and_shown_how_to_call(raw):
    told = Told()
    with rpcctl.Server(Told(), "http://127.0.0.1:0/", on_done=told) as server:
        connection = raw(server.addresses[0])
        connection.send(post(b"", "Host: localhost:99", method="GET"))
        page = connection.read_answer()[2].decode()
        assert told.one.wait(5)
    assert told.calls[0][0].peer == name_of(connection.socket)
    assert "rpcctl call http://localhost:99/ METHOD ARGUMENT" in page
    assert "curl -sS" in page
    assert "over jsonrpc" in page


@pytest.mark.parametrize("host", ["evil:x", "[::", "a b", "-", "h:999999999", ""])
def test_no_host_header_spoils_the_page(raw, host):
    with rpcctl.Server(Told(), "http://127.0.0.1:0/", options={"allow-host": [host]}) as server:
        connection = raw(server.addresses[0])
        connection.send(post(b"", f"Host: {host}", method="GET"))
        assert connection.read_answer()[0] in (200, 400, 403)


def test_a_flood_of_refusals_is_counted_not_told():
    now = [0.0]
    screen = Screen()
    log = AccessLog(screen.output, "json", clock=lambda: now[0])
    for _ in range(MOST_REFUSED + 7):
        log(Request("GET /", peer="h:1"), "refused 404", 0.0)
    log(Request("add", peer="h:1"), "ok", 0.0)
    now[0] = 1.0
    log(Request("GET /", peer="h:1"), "refused 404", 0.0)
    outcomes = [json.loads(line)["outcome"] for line in screen.told.splitlines()]
    assert outcomes == ["refused 404"] * MOST_REFUSED + ["ok", "refused 404 (7 more before it)"]


def test_a_refused_request_is_no_call():
    once, metrics = OneCall(), Metrics()
    for each in (once, metrics):
        each(Request("GET /" + "x" * 99), "refused 404", 0.0)
    assert not once.is_over()
    assert list(metrics._methods) == [UNKNOWN]


def test_the_address_of_a_page_is_an_address():
    at = Address("jsonrpc", "http", "http", "host", "0.0.0.0", 80, "/")
    from rpcctl.http.service import _known_as

    assert str(_known_as(at, "box.example:8080")) == "http://box.example:8080/"
