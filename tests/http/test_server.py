"""What the server answers, byte for byte: methods, paths, framing, encodings, who may ask, what is shared."""

import gzip
import os
import socket
import stat
import threading

import pytest

from rpcctl.errors import AddressError, ConnectError, UsageError
from rpcctl.http.server import HttpServer
from rpcctl.interfaces import Settings
from tests.http.conftest import Echo, address_of, post

CHUNKED = "Transfer-Encoding: chunked"
ANSWERS = [
    ("a call", post(b"hello"), 200, b"hello"),
    ("at another path", post(b"x", path="/rpc"), 200, b"x"),
    ("with a query", post(b"x", path="/?x=1"), 200, b"x"),
    ("with a path in per cent", post(b"x", path="/%72pc"), 200, b"x"),
    ("as a proxy asks", post(b"x", path="http://127.0.0.1/rpc"), 200, b"x"),
    ("without a host", b"POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx", 200, b"x"),
    ("in chunks", post(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n\r\n", CHUNKED), 200, b"abcde"),
    ("gzip", post(gzip.compress(b"packed"), "Content-Encoding: gzip"), 200, b"packed"),
    ("two gzip members", post(gzip.compress(b"a") + gzip.compress(b"b"), "Content-Encoding: gzip"), 200, b"ab"),
    ("no gzip", post(b"plain", "Content-Encoding: gzip"), 400, None),
    ("gzip cut short", post(gzip.compress(b"packed")[:-9], "Content-Encoding: gzip"), 400, None),
    ("unknown encoding", post(b"x", "Content-Encoding: br"), 415, None),
    ("a form with files", post(b"x", "Content-Type: multipart/form-data; boundary=x"), 415, None),
    ("another protocol", post(b"call", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"), 200, b"call"),
    ("a web socket", post(b"", "Connection: Upgrade", "Upgrade: websocket", method="GET"), 200, b"<p>page</p>"),
    ("another expectation", post(b"x", "Expect: 200-ok"), 417, None),
    ("a page", post(b"", method="GET"), 200, b"<p>page</p>"),
    ("unknown path", post(b"x", path="/nope"), 404, None),
    ("unknown page", post(b"", path="/nope", method="GET"), 404, None),
    ("wrong method", post(b"x", method="PUT"), 405, None),
    ("no length", b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 411, None),
    ("a length that is none", post(b"", "Content-Length: abc"), 400, None),
    ("a negative length", post(b"", "Content-Length: -5"), 400, None),
    ("two lengths", post(b"hello", "Content-Length: 5", "Content-Length: 2"), 400, None),
    ("length and chunks", post(b"0\r\n\r\n", "Content-Length: 5", CHUNKED), 400, None),
    ("a bad chunk", post(b"zz\r\n", CHUNKED), 400, None),
    ("no HTTP", b"hello there\r\n\r\n", 400, None),
    ("a length beyond the limit", post(b"", "Content-Length: 99999999999"), 413, None),
    ("a length beyond all limits", post(b"", "Content-Length: " + "9" * 30), (400, 413), None),
    ("a body beyond the limit", post(b"x" * 70_000), 413, None),
    ("chunks beyond the limit", post(b"%x\r\n%s\r\n0\r\n\r\n" % (70_000, b"x" * 70_000), CHUNKED), 413, None),
    ("gzip beyond the limit", post(gzip.compress(bytes(70_000)), "Content-Encoding: gzip"), 413, None),
    ("headers beyond the limit", post(b"x", "X-Long: " + "x" * 9000), 431, None),
    ("a path beyond the limit", post(b"x", path="/" + "x" * 9000), 431, None),
    ("another host", post(b"x", "Host: evil.example"), 403, None),
    ("this host in capitals", post(b"x", "Host: LOCALHOST:99"), 200, b"x"),
    ("this host as IPv6", post(b"x", "Host: [::1]:99"), 200, b"x"),
    ("a web page", post(b"x", "Origin: https://evil.example"), 403, None),
    ("a web page without origin", post(b"x", "Origin: null"), 403, None),
    ("a page of its own", post(b"x", "Host: 127.0.0.1:80", "Origin: http://127.0.0.1:80"), 200, b"x"),
    ("an app that fails", post(b"raise"), 500, None),
    ("an app that answers twice", post(b"twice"), 200, b"once"),
]


@pytest.mark.parametrize(("sent", "status", "body"), [case[1:] for case in ANSWERS], ids=[case[0] for case in ANSWERS])
def test_answers(serve, raw, sent, status, body):
    connection = raw(serve(max_message=65536, max_header=8192).address)
    connection.send(sent)
    found, _, text = connection.read_answer()
    assert found in (status if isinstance(status, tuple) else (status,))
    if body is None:
        assert text.endswith(b"\n")
        assert b"secret" not in text
    else:
        assert text == body


@pytest.mark.parametrize("size", [1, 7])
def test_a_request_may_arrive_in_any_pieces(serve, raw, size):
    connection = raw(serve().address)
    sent = post(b"hello") + post(b"4\r\nworl\r\n1\r\nd\r\n0\r\n\r\n", CHUNKED)
    for start in range(0, len(sent), size):
        connection.send(sent[start : start + size])
    assert connection.read_answer()[2] == b"hello"
    assert connection.read_answer()[2] == b"world"


def test_requests_sent_at_once_are_answered_in_their_order(serve, raw):
    connection = raw(serve().address)
    connection.send(b"".join(post(b"thread %d" % n if n % 2 else b"%d" % n) for n in range(500)))
    for n in range(500):
        assert connection.read_answer()[2] == (b"thread %d" % n if n % 2 else b"%d" % n)


def test_an_empty_answer_is_framed(serve, raw):
    connection = raw(serve().address)
    connection.send(post(b"nothing") + post(b"next"))
    assert connection.read_answer()[0] == 204
    assert connection.read_answer()[2] == b"next"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (post(b"x"), True),
        (post(b"x", "Connection: close"), False),
        (post(b"x", version="1.0"), False),
        (post(b"x", "Connection: keep-alive", version="1.0"), True),
        (post(b"", path="/nope", method="GET"), True),
        (post(b"x", path="/nope"), False),
        (post(b"", path="/x", method="CONNECT"), False),
    ],
)
def test_connections_are_kept_unless_one_side_wants_otherwise(serve, raw, sent, kept):
    connection = raw(serve().address)
    connection.send(sent)
    assert (connection.read_answer()[1].get("connection") != "close") == kept
    if kept:
        connection.send(post(b"again"))
        assert connection.read_answer()[2] == b"again"
    else:
        assert connection.is_closed()


def test_who_closes_its_half_still_reads_the_answer(serve, raw):
    app = Echo()
    connection = raw(serve(app).address)
    connection.send(post(b"wait"))
    assert app.arrived.wait(5)
    connection.socket.shutdown(socket.SHUT_WR)
    app.go_on.set()
    assert connection.read_answer()[2] == b"waited"
    assert connection.is_closed()


def test_a_body_that_is_expected_is_asked_for(serve, raw):
    connection = raw(serve().address)
    connection.send(post(b"", "Expect: 100-continue", "Content-Length: 5"))
    assert connection.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.send(b"hello")
    assert connection.read_answer()[2] == b"hello"


def test_a_body_that_is_refused_is_not_asked_for(serve, raw):
    connection = raw(serve().address)
    connection.send(post(b"", "Expect: 100-continue", "Content-Length: 999999999"))
    assert connection.read_answer()[0] == 413


def test_head_is_get_without_the_body(serve, raw):
    connection = raw(serve().address)
    connection.send(post(b"", method="HEAD"))
    head = connection.read_until(b"\r\n\r\n")
    assert b"content-length: 11\r\n" in head
    connection.send(post(b"x"))
    assert connection.read_answer()[2] == b"x"


def test_options_tells_the_methods(serve, raw):
    connection = raw(serve().address)
    connection.send(post(b"", method="OPTIONS"))
    status, headers, _ = connection.read_answer()
    assert (status, headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert "access-control-allow-origin" not in headers


def test_web_pages_of_the_origins_named_may_call(serve, raw):
    connection = raw(serve(cors=("https://app.example",)).address)
    asks = ("Origin: https://app.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: X-A")
    connection.send(post(b"", *asks, method="OPTIONS"))
    status, headers, _ = connection.read_answer()
    assert (status, headers["access-control-allow-origin"]) == (204, "https://app.example")
    assert headers["access-control-allow-headers"] == "X-A"
    connection.send(post(b"x", asks[0]))
    assert connection.read_answer()[1]["access-control-allow-origin"] == "https://app.example"
    connection.send(post(b"x", "Origin: https://other.example"))
    assert connection.read_answer()[0] == 403


def test_every_web_page_may_call_if_asked_to(serve, raw):
    connection = raw(serve(cors=("*",)).address)
    connection.send(post(b"x", "Origin: https://any.example"))
    assert connection.read_answer()[1]["access-control-allow-origin"] == "*"


def test_a_further_name_of_the_server(serve, raw):
    connection = raw(serve(allow_host=("calc.test",)).address)
    connection.send(post(b"x", "Host: CALC.test:80"))
    assert connection.read_answer()[0] == 200


def test_a_server_for_other_machines_answers_to_any_name(serve, raw):
    serving = serve(at=address_of(host="*"))
    assert serving.address.host == "0.0.0.0"
    connection = raw(serving.address._replace(host="127.0.0.1"))
    connection.send(post(b"x", "Host: any.example"))
    assert connection.read_answer()[0] == 200


def test_a_large_answer_is_packed_for_who_asks(serve, raw):
    connection = raw(serve().address)
    connection.send(post(b"thread" * 500, "Accept-Encoding: gzip, br"))
    _, headers, body = connection.read_answer()
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == b"thread" * 500
    connection.send(post(b"small", "Accept-Encoding: gzip"))
    assert connection.read_answer()[2] == b"small"
    connection.send(post(b"x" * 5000))
    assert connection.read_answer()[2] == b"x" * 5000


def test_the_app_is_told_who_asks_and_how(serve, raw):
    app = Echo()
    connection = raw(serve(app).address)
    connection.send(post(b"x", "X-Tenant: a", "X-Tenant: b", "Content-Type: text/xml", path="/rpc?q=1"))
    connection.read_answer()
    (told,) = app.posts
    assert (told.path, told.content_type, told.headers["x-tenant"]) == ("/rpc", "text/xml", "a, b")
    assert told.peer == "{}:{}".format(*connection.socket.getsockname())


def test_a_unix_socket_is_the_owners_alone_and_leaves_nothing_behind(serve, raw, tmp_path):
    path = tmp_path / "calc.sock"
    app = Echo()
    serving = serve(app, address_of("http+unix", path=str(path)))
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    connection = raw(serving.address)
    connection.send(post(b"x", "Host: anything"))
    assert connection.read_answer()[2] == b"x"
    assert app.posts[0].peer == "local"
    serving.stop()
    assert not path.exists()


def test_the_socket_of_a_killed_server_is_taken_over(serve, raw, tmp_path):
    path = str(tmp_path / "calc.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    connection = raw(serve(at=address_of("http+unix", path=path)).address)
    connection.send(post(b"x"))
    assert connection.read_answer()[0] == 200


def test_what_is_in_the_way_of_a_socket_stays(tmp_path, serve):
    path = tmp_path / "file"
    path.write_text("precious")
    with pytest.raises(ConnectError, match="no socket"):
        serve(at=address_of("http+unix", path=str(path)))
    assert path.read_text() == "precious"
    used = address_of("http+unix", path=str(tmp_path / "used.sock"))
    serve(Echo("/a"), used)
    with pytest.raises(UsageError, match="bound twice"):
        HttpServer(used, Settings()).bind()


def test_an_address_that_is_taken(serve):
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(ConnectError, match="in use"):
        serve(at=address_of(port=other.getsockname()[1]))


def test_an_address_of_another_machine(serve):
    with pytest.raises(AddressError, match="no address of this machine"):
        serve(at=address_of(host="192.0.2.1"))


def test_two_apps_share_a_port_by_path_and_by_what_they_claim(raw):
    first = HttpServer(address_of(), Settings())
    first.bind()
    second = HttpServer(first.address, Settings())
    second.bind()
    apps = {first: Echo("/", "/one", mark=b"1"), second: Echo("/", "/two", mark=b"2")}
    threads = [threading.Thread(target=server.serve, args=(app,)) for server, app in apps.items()]
    for thread in threads:
        thread.start()
    connection = raw(first.address)

    def ask(path: str, body: bytes) -> bytes:
        connection.send(post(body, path=path))
        answer: bytes = connection.read_answer()[2]
        return answer

    assert [ask("/", b"1"), ask("/", b"2"), ask("/one", b"2"), ask("/two", b"1")] == [b"11", b"22", b"12", b"21"]
    first.close()
    assert ask("/", b"1") == b"21"
    second.close()
    assert connection.is_closed()
    for thread in threads:
        thread.join(5)
    socket.create_server(("127.0.0.1", first.address.port)).close()


def test_draining_answers_what_is_under_way_and_takes_nothing_new(serve, raw):
    app = Echo()
    serving = serve(app)
    busy, idle = raw(serving.address), raw(serving.address)
    idle.send(post(b"x"))
    idle.read_answer()
    app.arrived.clear()
    busy.send(post(b"wait"))
    assert app.arrived.wait(5)
    serving.server.drain()
    assert idle.is_closed()
    with pytest.raises(ConnectionError):
        raw(serving.address)
    app.go_on.set()
    _, headers, body = busy.read_answer()
    assert (headers["connection"], body) == ("close", b"waited")
    assert busy.is_closed()


def test_closing_does_not_wait_for_connections(serve, raw):
    app = Echo()
    serving = serve(app)
    connection = raw(serving.address)
    connection.send(post(b"wait"))
    assert app.arrived.wait(5)
    serving.stop()
    assert connection.is_closed()
    app.go_on.set()


def test_a_server_that_was_bound_and_never_served_frees_its_address():
    server = HttpServer(address_of(), Settings())
    server.bind()
    port = server.address.port
    server.close()
    server.close()
    socket.create_server(("127.0.0.1", port)).close()
