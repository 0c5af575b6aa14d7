"""Which proxy the environment names, and calls through one."""

import socket
import threading

import pytest

from rpcctl.errors import AuthError, ConnectError, RemoteProtocolError, UsageError
from rpcctl.http.proxies import Proxy, find_proxy
from rpcctl.messages import NEVER, Deadline
from tests.http.conftest import address_of, answer, answering

P = Proxy("proxy", 3128)
FOUND = [
    ("http", "a.example", {"http_proxy": "http://proxy:3128"}, P),
    ("http", "a.example", {"http_proxy": "proxy:3128"}, P),
    ("http", "a.example", {"http_proxy": "http://u:p%40@proxy:3128/"}, Proxy("proxy", 3128, "u", "p@")),
    ("http", "a.example", {"HTTP_PROXY": "http://proxy:3128"}, None),
    ("http", "a.example", {"https_proxy": "http://proxy:3128"}, None),
    ("https", "a.example", {"HTTPS_PROXY": "http://proxy:3128"}, P),
    ("https", "a.example", {"all_proxy": "http://proxy:3128"}, P),
    ("http", "a.example", {}, None),
    ("http", "a.example", {"http_proxy": ""}, None),
    ("http", "localhost", {"http_proxy": "http://proxy:3128"}, None),
    ("http", "127.0.0.9", {"http_proxy": "http://proxy:3128"}, None),
    ("http", "::1", {"http_proxy": "http://proxy:3128"}, None),
]


@pytest.mark.parametrize(("scheme", "host", "environ", "proxy"), FOUND)
def test_what_the_environment_names(scheme, host, environ, proxy):
    assert find_proxy(scheme, host, 80, environ) == proxy


@pytest.mark.parametrize(
    ("host", "exempt", "is_exempt"),
    [
        ("a.example", "a.example", True),
        ("b.a.example", "a.example", True),
        ("b.a.example", ".a.example", True),
        ("ba.example", "a.example", False),
        ("A.EXAMPLE", "x, a.example", True),
        ("a.example", "x a.example:80", True),
        ("a.example", "a.example:81", False),
        ("a.example", "*", True),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("a.example", "10.0.0.0/8", False),
        ("a.example", "", False),
    ],
)
def test_hosts_that_are_asked_directly(host, exempt, is_exempt):
    found = find_proxy("http", host, 80, {"http_proxy": "http://proxy:3128", "NO_PROXY": exempt})
    assert (found is None) == is_exempt


@pytest.mark.parametrize("text", ["socks5://proxy:1080", "https://proxy:1", "http://", "http://proxy:x"])
def test_a_proxy_that_cannot_be_used(text):
    with pytest.raises(UsageError, match="http_proxy"):
        find_proxy("http", "a.example", 80, {"http_proxy": text})


def ask(client):
    return client.post(b"x", "text/plain", Deadline.after(5.0))


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_plain_http_asks_the_proxy_for_the_whole_url(script, client, monkeypatch):
    proxy = script(answering(answer(b"ok")))
    monkeypatch.setenv("http_proxy", f"http://u:p@127.0.0.1:{proxy.address.port}")
    assert ask(client(address_of(host="calc.example", port=8080, path="/rpc"))).body == b"ok"
    (sent,) = proxy.requests
    assert sent.startswith(b"POST http://calc.example:8080/rpc HTTP/1.1\r\nHost: calc.example:8080\r\n")
    assert b"Proxy-Authorization: Basic dTpw\r\n" in sent


def test_a_proxy_that_answers_itself(script, client, monkeypatch):
    proxy = script(answering(answer(b"<html><h1>Blocked", "503 Service Unavailable")))
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{proxy.address.port}")
    with pytest.raises(RemoteProtocolError, match="Blocked") as caught:
        ask(client(address_of(host="calc.example", port=80)))
    assert f"the proxy 127.0.0.1:{proxy.address.port}" in caught.value.hint


def test_https_goes_through_a_tunnel(script, serve, client, certificates, monkeypatch):
    cert, key = certificates.server
    server = serve(at=address_of("https"), cert=cert, key=key).address

    def tunnel(connection, script):
        answering(b"HTTP/1.1 200 OK\r\n\r\n")(connection, script)
        with socket.create_connection(("127.0.0.1", server.port)) as other:
            back = threading.Thread(target=copy, args=(other, connection))
            back.start()
            copy(connection, other)
            back.join(5)

    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The other half is gone.

    proxy = script(tunnel)
    monkeypatch.setattr(
        "rpcctl.http.client.find_proxy", lambda *about: Proxy("127.0.0.1", proxy.address.port, "u", "p")
    )
    at = address_of("https", host="localhost", port=server.port)
    connection = client(at, cacert=certificates.authority[0])
    assert ask(connection).body == b"x"
    connection.close()
    assert proxy.requests[0].startswith(f"CONNECT localhost:{server.port} HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic dTpw\r\n" in proxy.requests[0]


@pytest.mark.parametrize(
    ("sent", "error", "match"),
    [
        (answer(b"", "407 Login"), AuthError, "wants a login"),
        (answer(b"", "403 Forbidden"), ConnectError, "403 Forbidden"),
        (b"", ConnectError, "opens no way"),
        (b"220 mail\r\n\r\n", ConnectError, "220 mail"),
    ],
)
def test_a_tunnel_that_is_refused(script, client, monkeypatch, sent, error, match):
    proxy = script(answering(sent))
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.address.port}")
    with pytest.raises(error, match=match):
        client(address_of("https", host="calc.example", port=443)).connect(NEVER)


def test_a_proxy_that_is_not_there(client, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://u:hunter2@127.0.0.1:1")
    with pytest.raises(ConnectError, match=r"the proxy 127\.0\.0\.1:1: .*refused") as caught:
        client(address_of(host="calc.example", port=80)).connect(NEVER)
    assert "hunter2" not in caught.value.message
