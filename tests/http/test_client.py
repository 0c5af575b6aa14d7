"""What the client sends, what it makes of answers, and which error each mishap is."""

import gzip
import re
import socket
import threading
import time

import pytest

from rpcctl.errors import (
    ArgumentError,
    AuthError,
    ConnectError,
    ConnectionLostError,
    DeadlineError,
    InputError,
    RemoteProtocolError,
    ResolveError,
    UsageError,
)
from rpcctl.hosting import Server
from rpcctl.messages import NEVER, Deadline
from tests.http.conftest import Echo, address_of, answer, answering, read_request


def headers_of(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def ask(client, body=b"x", timeout=5.0, **more):
    return client.post(body, "application/json", Deadline.after(timeout), **more)


def test_a_call_to_our_own_server(serve, client):
    found = ask(client(serve().address), b"hello")
    assert (found.status, found.reason, found.body) == (200, "OK", b"hello")
    assert found.headers["content-type"] == "application/json"


def test_what_is_sent(script, client):
    server = script(answering(answer(b"ok")))
    ask(client(server.address, "/api"), b"body", headers=(("X-One", "1"),))
    (sent,) = server.requests
    assert sent.startswith(b"POST /api HTTP/1.1\r\n")
    assert sent.endswith(b"\r\n\r\nbody")
    found = headers_of(sent)
    assert found.pop("user-agent").startswith("rpcctl")
    assert found == {
        "host": f"127.0.0.1:{server.address.port}",
        "accept": "*/*",
        "content-type": "application/json",
        "x-one": "1",
        "content-length": "4",
    }


def test_headers_of_the_user_come_last_and_can_take_away(script, client):
    server = script(answering(answer()))
    ask(client(server.address, header=("X-One: 2", "content-type: text/xml", "Accept:")), headers=(("X-One", "1"),))
    found = headers_of(server.requests[0])
    assert (found["x-one"], found["content-type"], "accept" in found) == ("2", "text/xml", False)


@pytest.mark.parametrize("header", ["X-One", ": x", "X One: 1", "X: a\r\nY: b", "X: a\nb", "Ä: 1"])
def test_what_is_no_header_is_refused(client, header):
    with pytest.raises(UsageError, match="--header"):
        client(address_of(port=1), header=(header,))


def test_one_connection_serves_many_calls(script, client):
    server = script(answering(*[answer(b"%d" % n) for n in range(5)]))
    connection = client(server.address)
    assert [ask(connection).body for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
    assert server.connections == 1


@pytest.mark.parametrize("first", [answer(b"1"), answer(b"1", "200 OK", "Connection: close")])
def test_a_connection_that_the_server_closed_is_opened_anew(script, client, first):
    server = script(answering(first), answering(answer(b"2")))
    connection = client(server.address)
    assert ask(connection).body == b"1"
    wait_for(lambda: server._thread.is_alive() and server.connections == 1)
    time.sleep(0.05)
    assert ask(connection).body == b"2"
    assert server.connections == 2


def wait_for(condition):
    until = time.monotonic() + 5
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)


BODIES = [
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
    (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", b"until the end"),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
    (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"ok"), b"ok"),
    (answer(gzip.compress(b"packed"), "200 OK", "Content-Encoding: gzip"), b"packed"),
    (answer(b"error text", "500 Oops"), b"error text"),
    (answer(b"error text", "404 Not Found"), b"error text"),
    (answer(b"<html>challenge", "409 Conflict"), b"<html>challenge"),
    (answer(b"<?xml version='1.0'?><x/>", "200 OK", "Content-Type: text/html"), b"<?xml version='1.0'?><x/>"),
]


@pytest.mark.parametrize(("sent", "body"), BODIES)
def test_bodies_are_read_whatever_the_status(script, client, sent, body):
    assert ask(client(script(answering(sent)).address)).body == body


MISHAPS = [
    ("closed before the answer", b"", ConnectionLostError, "before the reply"),
    ("cut short", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", ConnectionLostError, "may have run"),
    ("cut in a chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab", ConnectionLostError, "middle"),
    ("cut in the headers", b"HTTP/1.1 200 OK\r\nContent-Le", ConnectionLostError, "reply"),
    ("no HTTP", b"220 mail.example ESMTP\r\n", RemoteProtocolError, "not HTTP: 220 mail"),
    ("bytes", b"\x00\xff\x01\n", RemoteProtocolError, "not HTTP"),
    ("a web page", answer(b"\n<!DOCTYPE html>\n<p>Welcome"), RemoteProtocolError, "web page: <!DOCTYPE html>"),
    ("a web page of a proxy", answer(b"<HTML>blocked", "403 Forbidden"), RemoteProtocolError, "403 .*<HTML>blocked"),
    ("a login", answer(b"", "401 Unauthorized"), AuthError, "wants a login"),
    ("a redirect", answer(b"", "302 Found", "Location: /there"), RemoteProtocolError, "redirects to"),
    ("see other", answer(b"", "303 See Other", "Location: /there"), RemoteProtocolError, "303"),
    ("no gzip", answer(b"abc", "200 OK", "Content-Encoding: gzip"), RemoteProtocolError, "unpacked"),
    ("other packing", answer(b"abc", "200 OK", "Content-Encoding: br"), RemoteProtocolError, "'br'"),
    ("too much", answer(b"x" * 70_000), RemoteProtocolError, "more than 65536 bytes"),
    (
        "a gzip bomb",
        answer(gzip.compress(bytes(1 << 20)), "200 OK", "Content-Encoding: gzip"),
        RemoteProtocolError,
        "unpacks to more",
    ),
    ("endless headers", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, RemoteProtocolError, "not HTTP"),
    ("an endless line", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, RemoteProtocolError, "not HTTP"),
]


@pytest.mark.parametrize(("sent", "error", "match"), [case[1:] for case in MISHAPS], ids=[case[0] for case in MISHAPS])
def test_mishaps(script, client, sent, error, match):
    server = script(answering(sent))
    with pytest.raises(error, match=match):
        ask(client(server.address, max_message=65536))
    assert server.connections == 1


GREETINGS = [
    (b"\xff\0\0\0\0\0\0\0\x01\x7f", "ZeroMQ", "tcp://127.0.0.1:"),
    (b"\xff", "ZeroMQ", "tcp://127.0.0.1:"),
    (b"AMQP\0\0\x09\x01", "AMQP", "amqp://127.0.0.1:"),
    (b"PYRO\x01\xf5", "Pyro", r"pyro\+tcp://127.0.0.1:"),
    (b"\0\0\0\x1f#CHALLENGE#0123456789", "multiprocessing", r"manager\+tcp://127.0.0.1:"),
    (b"\x94\x01\x00\x92\x01\xd9", "MessagePack-RPC", r"msgpackrpc\+tcp://127.0.0.1:"),
    (b"SSH-2.0-OpenSSH_9.2p1", "SSH", "rpcctl protocols"),
    (b"+OK ready", "not HTTP: .OK ready", "another protocol"),
]


@pytest.mark.parametrize(("sent", "named", "hint"), GREETINGS, ids=lambda value: str(value)[:12])
def test_another_protocol_is_told_by_its_greeting_at_once(script, client, sent, named, hint):
    def greet(connection, server):
        server.requests.append(read_request(connection))
        connection.sendall(sent)
        connection.recv(1)  # A server of another protocol waits for what would be right.

    with pytest.raises(RemoteProtocolError, match=named) as caught:
        ask(client(script(greet).address))
    assert re.search(hint, caught.value.hint)


def test_a_zmq_port_is_told_by_its_greeting(client):
    with Server("tests.sample", "tcp://127.0.0.1:0") as server:
        at = server.addresses[0]
        with pytest.raises(RemoteProtocolError, match="ZeroMQ") as caught:
            ask(client(address_of(port=at.port)))
        assert caught.value.hint == str(at)


def test_an_answer_may_begin_with_a_single_byte(script, client):
    def drip(connection, server):
        server.requests.append(read_request(connection))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in answer(b"1"):
            connection.sendall(bytes([byte]))

    assert ask(client(script(drip).address)).body == b"1"


def test_a_call_that_may_have_run_is_not_repeated(script, client):
    def take_and_close(connection, server):
        answering(answer(b"1"))(connection, server)
        server.requests.append(read_request(connection))

    server = script(take_and_close, answering(answer(b"never")))
    connection = client(server.address)
    assert ask(connection).body == b"1"
    with pytest.raises(ConnectionLostError, match="may have run"):
        ask(connection)
    assert server.connections == 1


def test_a_refusal_that_comes_before_all_is_sent_is_read(serve, client):
    connection = client(serve(max_message=1000).address)
    found = ask(connection, bytes(20 << 20))
    assert found.status == 413
    assert b"--max-message" in found.body
    assert "413" in connection.refusal(found).message
    assert ask(connection, b"small").body == b"small"


def test_a_message_over_the_limit_is_not_sent(client):
    with pytest.raises(ArgumentError, match="11 bytes, 10 are allowed"):
        ask(client(address_of(port=1), max_message=10), b"x" * 11)


def test_nobody_listens(client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectError, match="refused"):
        client(address_of(port=port)).connect(NEVER)


def test_a_name_that_is_not_known(client):
    with pytest.raises(ResolveError, match=r"no-such-host\.invalid"):
        client(address_of(host="no-such-host.invalid", port=80)).connect(NEVER)


def test_a_reply_that_does_not_come_in_time_leaves_the_client_usable(serve, client):
    app = Echo()
    connection = client(serve(app).address)
    began = time.monotonic()
    with pytest.raises(DeadlineError) as caught:
        ask(connection, b"wait", timeout=0.2)
    assert 0.15 < time.monotonic() - began < 1.0
    assert "--timeout" in caught.value.hint
    app.go_on.set()
    assert ask(connection).body == b"x"


def test_an_answer_that_drips_does_not_buy_time(script, client):
    over = threading.Event()

    def drip(connection, server):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not over.wait(0.02):
            connection.sendall(b"x")

    connection = client(script(drip).address)
    began = time.monotonic()
    with pytest.raises(DeadlineError):
        ask(connection, timeout=0.3)
    over.set()
    assert time.monotonic() - began < 1.5


def test_closing_wakes_a_call_that_waits(serve, client):
    app = Echo()
    connection = client(serve(app).address)
    caught = []

    def call():
        try:
            ask(connection, b"wait", timeout=30)
        except ConnectionLostError as exc:
            caught.append(exc)

    thread = threading.Thread(target=call)
    thread.start()
    assert app.arrived.wait(5)
    connection.close()
    thread.join(5)
    app.go_on.set()
    assert "closed" in caught[0].message
    with pytest.raises(ConnectionLostError):
        ask(connection)


def test_a_unix_socket(serve, client, tmp_path, script):
    at = address_of("http+unix", path=str(tmp_path / "calc.sock"))
    with pytest.raises(ConnectError, match="no such socket"):
        client(at).connect(NEVER)
    serve(at=at)
    assert ask(client(at, path="/RPC2"), b"x").status == 404
    assert ask(client(at), b"x").body == b"x"
    other = str(tmp_path / "other.sock")
    server = script(answering(answer()), unix=other)
    from rpcctl.http.client import HttpClient
    from rpcctl.interfaces import Settings

    wire = HttpClient(address_of("http+unix", path=other), Settings({"path": "/RPC2"}), "/")
    ask(wire)
    wire.close()
    assert server.requests[0].startswith(b"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n")


def test_redirects_are_followed_when_asked_for(script, client):
    there = script(answering(answer(b"here", "200 OK")))
    moved = answer(b"", "307 Moved", f"Location: http://localhost:{there.address.port}/new?x=1")
    here = script(answering(answer(b"", "308 Moved", "Location: /next"), moved))
    at = here.address._replace(user="alice", password="pw")
    assert ask(client(at, location=True, header=("X-Key: k",)), b"call").body == b"here"
    assert [request.split()[1] for request in here.requests] == [b"/", b"/next"]
    assert headers_of(here.requests[1])["authorization"]
    (sent,) = there.requests
    assert sent.startswith(b"POST /new?x=1 ")
    assert sent.endswith(b"call")
    assert not {"authorization", "x-key"} & headers_of(sent).keys()


def test_redirects_without_end(script, client):
    server = script(answering(*[answer(b"", "307 Moved", "Location: /again")] * 20))
    with pytest.raises(RemoteProtocolError, match="10 redirects"):
        ask(client(server.address, location=True))


@pytest.mark.parametrize("where", ["ftp://x/", "http://:80/", "javascript:1", "http://h:99999/"])
def test_redirects_to_nowhere(script, client, where):
    server = script(answering(answer(b"", "307 Moved", f"Location: {where}")))
    with pytest.raises(RemoteProtocolError, match="redirects"):
        ask(client(server.address, location=True))


LOGINS = [
    ({"user": "alice:pa:ss"}, "Basic YWxpY2U6cGE6c3M="),
    ({"auth": "bearer:file:{token}"}, "Bearer s3cret"),
    ({"auth": "basic:file:{cookie}"}, "Basic X19jb29raWVfXzphYmM="),
    ({"auth": "bearer:env:TEST_TOKEN"}, "Bearer from-env"),
    ({"netrc": True}, "Basic Ym9iOm5ldHJj"),
    ({"auth": "bearer:file:{token}", "header": ("Authorization: mine",)}, "mine"),
    ({}, None),
]


@pytest.fixture
def secrets(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("s3cret\n")
    (tmp_path / "cookie").write_text("__cookie__:abc")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login bob password netrc\n")
    (tmp_path / "netrc").chmod(0o600)
    (tmp_path / "empty").write_text("")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("TEST_TOKEN", "from-env")
    return {name: tmp_path / name for name in ("token", "cookie", "netrc", "empty")}


@pytest.mark.parametrize(("options", "header"), LOGINS)
def test_where_a_login_comes_from(script, client, secrets, options, header):
    options = {n: v.format(**secrets) if isinstance(v, str) else v for n, v in options.items()}
    server = script(answering(answer()))
    ask(client(server.address, **options))
    assert headers_of(server.requests[0]).get("authorization") == header


def test_the_login_of_the_address(script, client):
    server = script(answering(answer()))
    ask(client(server.address._replace(user="a", password="b")))
    assert headers_of(server.requests[0])["authorization"] == "Basic YTpi"


def test_a_secret_is_read_for_every_connection(script, client, secrets):
    server = script(answering(answer(b"", "200 OK", "Connection: close")), answering(answer()))
    connection = client(server.address, auth=f"bearer:file:{secrets['token']}")
    ask(connection)
    secrets["token"].write_text("new")
    ask(connection)
    assert [headers_of(sent)["authorization"] for sent in server.requests] == ["Bearer s3cret", "Bearer new"]


@pytest.mark.parametrize(
    ("auth", "error"),
    [
        ("bearer:s3cret", UsageError),
        ("s3cret", UsageError),
        ("digest:file:{token}", UsageError),
        ("bearer:file:{empty}", UsageError),
        ("bearer:env:TEST_NOT_THERE", UsageError),
        ("bearer:file:/nowhere", InputError),
    ],
)
def test_a_login_that_cannot_be_had(client, secrets, auth, error):
    with pytest.raises(error) as caught:
        client(address_of(port=1), auth=auth.format(**secrets)).connect(NEVER)
    assert "s3cret" not in caught.value.message


def test_a_password_is_not_asked_for_without_a_terminal(client):
    with pytest.raises(UsageError, match="no terminal"):
        client(address_of(port=1), user="alice").connect(NEVER)


def test_the_wrong_login_is_exit_67(serve, client, tmp_path):
    (tmp_path / "auth").write_text("alice:right")
    at = serve(auth_file=str(tmp_path / "auth")).address
    with pytest.raises(AuthError) as caught:
        ask(client(at, user="alice:wrong"))
    assert caught.value.exit_code == 67
    assert "wrong" not in str(caught.value.__cause__)
    assert ask(client(at, user="alice:right")).body == b"x"


def test_the_trace_shows_the_heads(serve, client):
    lines = []
    ask(client(serve().address, trace=lambda *line: lines.append(line)))
    assert [line[0] for line in lines] == ["*", "*", ">", "<"]
    assert lines[2][1].startswith("POST / HTTP/1.1")
    assert lines[3][1].startswith("HTTP/1.1 200 OK")
