"""What the broker says, told with the right exit code: logins, permissions, unserved topics, hosts that are down."""

import socket
import threading
import time
from contextlib import suppress

import pytest

from rpcctl.errors import ArgumentError
from rpcctl.hosting import Server

REFUSED = [
    # login, virtual host, exit code, what is named
    ("guest:wrong", "/", 67, "login of 'guest' was refused"),
    ("nobody:x", "/", 67, "login of 'nobody' was refused"),
    ("", "nope", 67, "vhost nope not found"),
    ("weak:weak", "other", 67, "access to vhost 'other' refused for user 'weak'"),
    ("weak:weak", "/", 67, "exchange 'openstack' in vhost '/' refused for user 'weak'"),
    ("", "/", 78, "nobody has ever served"),
]


@pytest.mark.parametrize(("login", "vhost", "code", "names"), REFUSED)
def test_a_refusal_names_what_was_refused(rabbitmq, cli, topic, login, vhost, code, names):
    began = time.monotonic()
    done = cli("call", rabbitmq.url(topic, login=login, vhost=vhost), "add", "a=2")
    assert (done.exit_status, names in done.stderr) == (code, True), done.stderr
    assert "wrong" not in done.stderr
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("words", [("cast",), ("cast", "--fanout"), ("call",), ("ping",), ("list",)])
def test_an_unserved_topic_is_told_at_once(rabbitmq, cli, topic, words):
    command, *flags = words
    rest = () if command in ("ping", "list") else ("nothing",)
    began = time.monotonic()
    done = cli(command, rabbitmq.url(topic), *rest, *flags)
    assert done.exit_status == 78
    assert topic in done.stderr
    assert time.monotonic() - began < 1.0


def test_a_broker_that_is_down(cli, free_port):
    assert cli("call", f"amqp://127.0.0.1:{free_port}//?topic=x", "add").exit_status == 7
    assert cli("call", "amqp://nohost.invalid//?topic=x", "add").exit_status == 6


@pytest.mark.parametrize(("greeting", "look"), [(b"", "ZeroMQ"), (b"SSH-2.0-x\r\n", "SSH"), (b"\0\0what", "what")])
def test_a_port_where_no_broker_listens_says_what_does(cli, at, greeting, look):
    place = at.removeprefix("tcp://")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if greeting:
            place = f"127.0.0.1:{listener.getsockname()[1]}"
            threading.Thread(target=_greet, args=(listener, greeting), daemon=True).start()
        done = cli("call", f"amqp://{place}//?topic=x", "add", "--connect-timeout", "1")
    assert (done.exit_status, look in done.stderr) == (8, True), done.stderr


def _greet(listener, greeting):
    """Say so to whoever comes, twice: one is told apart from a broker, one is named."""
    for _ in range(2):
        # It is hung up on when it has said enough.
        with listener.accept()[0] as peer, suppress(ConnectionError):
            peer.sendall(greeting)
            peer.recv(100)


def test_plain_bytes_where_tls_is_expected(rabbitmq, cli):
    done = cli("call", f"amqps://127.0.0.1:{rabbitmq.port}//?topic=x", "add")
    assert done.exit_status == 35
    assert "amqp://" in done.stderr


def test_hosts_are_tried_in_turn(rabbitmq, cli, topic, free_port):
    at = f"amqp://127.0.0.1:{free_port},127.0.0.1:{rabbitmq.port}//?topic={topic}"
    with Server("tests.sample", at) as server:
        assert str(server.addresses[0]) == at
        assert cli("call", at, "add", "a=2", "b=3").json == 5


def test_a_password_can_be_in_a_file(rabbitmq, cli, topic, tmp_path):
    (tmp_path / "password").write_text("guest\n")
    with Server("tests.sample", rabbitmq.url(topic)):
        at = rabbitmq.url(topic, login="guest:wrong")
        assert cli("call", at, "nothing", "--password-file", str(tmp_path / "password")).exit_status == 0
        assert cli("call", at, "nothing", "--password-file", str(tmp_path / "nope")).exit_status == 26


def test_a_ping_shows_what_waits(rabbitmq, cli, topic):
    at = rabbitmq.url(topic)
    with Server("tests.sample", at):
        found = cli("ping", at, "--json").json
        assert {key: found[key] for key in ("name", "queue", "waiting", "consumers")} == {
            "name": "tests.sample",
            "queue": topic,
            "waiting": 0,
            "consumers": 1,
        }
    cli("cast", at, "nothing")
    done = cli("ping", at)
    assert (done.exit_status, "1 messages wait" in done.stderr) == (7, True)
    done = cli("call", at, "nothing", "--timeout", "1.3")
    assert (done.exit_status, "no server takes from the queue" in done.stderr) == (28, True)


def test_a_call_line_names_every_argument(rabbitmq, cli, topic):
    with Server("tests.sample", rabbitmq.url(topic)):
        assert f"rpcctl call '{rabbitmq.url(topic)}' add a=A b=B" in cli("describe", rabbitmq.url(topic), "add")


def test_a_message_that_the_broker_finds_too_large_costs_its_call_only(rabbitmq, connect, serve, topic):
    serve(at=rabbitmq.url(topic))
    client = connect(rabbitmq.url(topic))
    with pytest.raises(ArgumentError, match="no message of this size"):
        client.echo("x" * 17_000_000)
    assert client.echo("x") == "x"
