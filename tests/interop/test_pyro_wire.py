"""What nobody should send: to our server, which goes on, and to our client, which says what was wrong."""

import re
import resource
import select
import socket
import threading
from contextlib import contextmanager

import pytest

from rpcctl.api import Connection
from rpcctl.errors import (
    AuthError,
    ConnectError,
    ConnectionLostError,
    DeadlineError,
    RemoteError,
    RemoteProtocolError,
    TransportError,
)
from rpcctl.hosting import Server
from rpcctl.protocols.pyro import codec
from rpcctl.protocols.pyro.codec import Message, Messages, pack
from rpcctl.protocols.pyro.encodings import BY_NAME, JSON, MSGPACK

ANY = "pyro+tcp://127.0.0.1:0"
MOST = 1 << 20


@pytest.fixture(scope="module")
def at():
    with Server("tests.sample", ANY, max_message=MOST, options={"stall-timeout": 0.3}) as server:
        yield server.addresses[0]


class Raw:
    """A connection that says what it is told to."""

    def __init__(self, at):
        self.sock = socket.create_connection((at.host, at.port), 10)
        self.reading = Messages(MOST * 2)
        self.heard = []

    def say(self, *messages):
        """Send messages or bytes; a server may hang up in the middle."""
        for each in messages:
            self.sock.sendall(each if isinstance(each, bytes) else pack(each))

    def hear(self):
        """The next message; None when the server has hung up."""
        while not self.heard and (data := self._receive()):
            self.heard += self.reading.feed(data)
        return self.heard.pop(0) if self.heard else None

    def _receive(self):
        try:
            return self.sock.recv(1 << 20)
        except ConnectionError:
            return b""


@pytest.fixture
def raw(at):
    made = Raw(at)
    yield made
    made.sock.close()


def hello(name="rpcctl", coding=MSGPACK):
    return Message(codec.CONNECT, coding.id, coding.dump({"handshake": "hello", "object": name}))


def call(method, *args, coding=MSGPACK, flags=0, sequence=1, name="rpcctl"):
    return Message(codec.INVOKE, coding.id, coding.dump_call(name, method, args, {}), flags, sequence)


def long(kind, size):
    """The header of a message that claims to be so long."""
    data = pack(Message(kind, 3, b""))
    return data[:12] + size + data[16:]


def still_serves(at):
    """Whether the server answers others."""
    with Connection(str(at), timeout=10) as client:
        return client.add(2, 3) == 5


HANDSHAKES = [
    (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP client"),
    (b"\x93\x01\x02\x03", "no Pyro"),
    (b"PYRO\0\x30" + bytes(40), "Pyro4"),
    (pack(hello())[:38] + b"\0\0" + pack(hello())[40:], "0x0000"),
    (long(codec.CONNECT, b"\x80\0\0\0"), "2147483648 bytes"),
    (long(codec.CONNECT, b"\xff\xff\xff\xff"), "4294967295 bytes"),
    (call("add", 1, 2), "handshake"),
    (Message(codec.PING, 3, b"ping"), "handshake"),
    (Message(codec.CONNECT, 2, b"\x7b"), "serializer 2 is not accepted"),
    (Message(codec.CONNECT, 77, b""), "serializer 77"),
    (Message(codec.CONNECT, 3, b"{"), "cannot be read"),
    (Message(codec.CONNECT, 3, b"[]"), "no object"),
    (Message(codec.CONNECT, 1, b"__import__('os').abort()"), "cannot be read"),
    (hello("nope"), "unknown object"),
]


@pytest.mark.parametrize(("said", "why"), HANDSHAKES)
def test_what_is_no_handshake_is_refused_in_words_that_stock_clients_show(at, raw, said, why):
    raw.say(said)
    answer = raw.hear()
    assert (answer.type, answer.serializer) == (codec.CONNECT_FAIL, JSON.id)
    assert why in JSON.load(answer.payload)
    assert raw.hear() is None
    assert still_serves(at)


REQUESTS = [
    (Message(codec.INVOKE, 4, b"\xc1"), "no msgpack"),
    (Message(codec.INVOKE, 4, b"\x91" * 100_000), "no msgpack"),
    (Message(codec.INVOKE, 3, b"[" * 100_000), "no json"),
    (Message(codec.INVOKE, 1, b"(" * 100_000), "no serpent"),
    (Message(codec.INVOKE, 4, MSGPACK.dump(5)), "no call"),
    (Message(codec.INVOKE, 4, MSGPACK.dump(["rpcctl", "add", 5, {}])), "no call"),
    (call("add", 1, 2, flags=codec.SERIALIZED), "stay serialized"),
    (call("add", 1, 2, name="nope"), "unknown object"),
    (call("nope", name="Pyro.Daemon"), "no method"),
    (call("nope", name="rpcctl.meta"), "no method"),
    (call("describe", 5, name="rpcctl.meta"), "takes"),
    (call("registered", 5, name="Pyro.Daemon"), "takes"),
    (call("__getattr__"), "no method"),
    (call("__getattr__", "add"), "no method"),
    (call("__setattr__", "add", 5), "no method"),
    (call("x" * 2000), "no method"),
    (call("<batch>", 1, flags=codec.BATCH), "method, args and kwargs"),
]


@pytest.mark.parametrize(("said", "why"), REQUESTS, ids=range(len(REQUESTS)))
def test_a_request_that_cannot_be_run_is_answered_and_the_connection_goes_on(raw, said, why):
    raw.say(hello(), said, call("add", 2, 3, sequence=2))
    assert raw.hear().type == codec.CONNECT_OK
    answer = raw.hear()
    assert why in str(BY_NAME[{1: "serpent", 3: "json", 4: "msgpack"}[said.serializer]].load(answer.payload))
    assert MSGPACK.load(raw.hear().payload) == 5


@pytest.mark.parametrize("said", [Message(codec.RESULT, 4, b""), hello(), Message(codec.INVOKE, 2, b""), b"garbage"])
def test_what_is_no_request_ends_the_connection(at, raw, said):
    raw.say(hello())
    raw.hear()
    raw.say(said)
    assert raw.hear() is None
    assert still_serves(at)


def test_a_client_that_stops_in_the_middle_is_cut_off(at):
    for data in (b"", b"PYRO", pack(hello()) + pack(call("add", 2, 3))[:50]):
        peer = Raw(at)
        peer.say(data)
        while peer.hear() is not None:
            pass
        peer.sock.close()


def test_a_bomb_is_not_unpacked(at, raw):
    raw.say(hello(), Message(codec.INVOKE, 4, bytes(MOST * 20), codec.COMPRESSED))
    raw.hear()
    assert raw.hear() is None
    assert still_serves(at)


def test_a_stranger_is_not_listened_to_for_long(at, raw):
    raw.say(Message(codec.CONNECT, 3, JSON.dump({"handshake": "x" * 70_000, "object": "rpcctl"})))
    assert "65536 are allowed" in JSON.load(raw.hear().payload)
    assert raw.hear() is None
    assert still_serves(at)


def test_a_large_call_is_read_while_others_are_served(at, raw):
    large = call("echo", [9] * 330_000, coding=BY_NAME["serpent"])
    raw.say(hello())
    raw.hear()
    raw.say(large, call("add", 2, 3, sequence=2))
    with Connection(str(at), timeout=10) as client:
        assert [client.add(n, 1) for n in range(20)] == list(range(1, 21))
    assert select.select([raw.sock], [], [], 0)[0] == []
    assert [raw.hear().sequence for _ in range(2)] == [1, 2]


@pytest.mark.parametrize(
    ("large", "answered"),
    [
        (call("remember", "x" * 300_000, flags=codec.ONEWAY), [2]),
        (call("echo", "x" * 300_000), [1, 2]),
        (Message(codec.INVOKE, 4, b"\xc1" * 300_000, 0, 1), [1, 2]),
        (call("echo", "x" * 300_000, flags=codec.SERIALIZED), [1, 2]),
    ],
    ids=["one way", "call", "garbage", "serialized"],
)
def test_what_follows_a_large_call_has_its_turn_afterwards(raw, large, answered):
    raw.say(hello(), large, call("add", 2, 3, sequence=2))
    assert raw.hear().type == codec.CONNECT_OK
    assert [raw.hear().sequence for _ in answered] == answered


class Grows:
    """Answers with more than it is asked."""

    def grow(self, size: int) -> str:
        """So many letters."""
        return "x" * size


def test_a_result_that_is_too_large_is_told():
    with Server(Grows(), ANY, max_message=MOST) as server, Connection(str(server.addresses[0])) as client:
        with pytest.raises(RemoteError, match="--max-message"):
            client.grow(MOST)
        assert client.grow(3) == "xxx"


def test_garbage_costs_no_memory(at):
    payload = b"[" + b"9," * 50_000
    for n in range(12):
        if n == 4:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        peer = Raw(at)
        peer.say(hello(), Message(codec.INVOKE, 1, payload), Message(codec.INVOKE, 3, payload))
        for _ in range(3):
            peer.hear()
        peer.sock.close()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000


# Servers that do not behave.


@contextmanager
def scripted(*answers, times=2):
    """A server that says these things, one after each message; tells its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def work():
            for _ in range(times):
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    peer.settimeout(10)
                    for answer in answers:
                        if not peer.recv(65536):
                            break
                        if answer is None:
                            break
                        peer.sendall(answer if isinstance(answer, bytes) else pack(answer))
                    else:
                        peer.recv(65536)

        thread = threading.Thread(target=work)
        thread.start()
        yield f"PYRO:x@127.0.0.1:{listener.getsockname()[1]}?serializer=json"
        listener.close()
        thread.join()


METADATA = {"methods": ["add"], "attrs": [], "oneway": []}
WELCOME = Message(codec.CONNECT_OK, 3, JSON.dump({"handshake": "hello", "meta": METADATA}), sequence=1)


def refusal(text, serializer=3):
    return Message(codec.CONNECT_FAIL, serializer, JSON.dump(text) if serializer == 3 else text)


GREETINGS = [
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", RemoteProtocolError, "HTTP server"),
    (b"PYRO\0\x30" + bytes(40), RemoteProtocolError, "Pyro4"),
    (b"SSH-2.0-x\r\n", RemoteProtocolError, "SSH"),
    (None, RemoteProtocolError, "ended in the handshake"),
    (Message(codec.RESULT, 3, b"5"), RemoteProtocolError, "type 5"),
    (Message(codec.CONNECT_OK, 2, b""), RemoteProtocolError, "serializer 2"),
    (Message(codec.CONNECT_OK, 3, b"{"), RemoteProtocolError, "no json"),
    (refusal(b"z\x0fno free workers", 2), ConnectError, "no free workers"),
    (refusal("no free workers, increase server threadpool size"), ConnectError, "busy"),
    (refusal("invalid message or protocol version"), RemoteProtocolError, "protocol version"),
    (refusal("go away"), AuthError, "go away"),
    (refusal("serializer 3 is not accepted"), RemoteProtocolError, "not accepted"),
    (pack(WELCOME) + b"PYRO", RemoteProtocolError, "more than was asked"),
]


@pytest.mark.parametrize(("said", "kind", "why"), GREETINGS)
def test_what_answers_the_handshake(said, kind, why):
    with scripted(said, times=1) as at, pytest.raises((kind, TransportError), match=why) as caught:
        Connection(at, timeout=5).connect()
    assert type(caught.value).__mro__.index(kind) < 2


HINTS = [
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", r"http://127\.0\.0\.1:\d+/"),
    (b"garbage", ""),
    (None, r"another --serializer, or pyro\+tls://127\.0\.0\.1:\d+/x if it is encrypted"),
]


@pytest.mark.parametrize(("said", "hint"), HINTS)
def test_what_is_no_pyro_is_told_with_what_to_type_instead(said, hint):
    with scripted(said, times=1) as at, pytest.raises(RemoteProtocolError) as caught:
        Connection(at, timeout=5).connect()
    assert re.fullmatch(hint, caught.value.hint)


ANSWERS = [
    (None, ConnectionLostError, "unknown"),
    (Message(codec.PING, 3, b"5", sequence=2), RemoteProtocolError, "type 6"),
    (Message(codec.RESULT, 3, b"5", sequence=7), RemoteProtocolError, "request 7"),
    (Message(codec.RESULT, 2, b"5", sequence=2), RemoteProtocolError, "serializer 2"),
    (Message(codec.RESULT, 3, b"{", sequence=2), RemoteProtocolError, "no json"),
    (b"garbage", RemoteProtocolError, "no Pyro"),
    (long(codec.RESULT, b"\xff" * 4), RemoteProtocolError, "4294967295"),
    (Message(codec.RESULT, 3, b'"text"', codec.EXCEPTION, 2), RemoteError, "text"),
    (Message(codec.RESULT, 3, b"{}", codec.EXCEPTION, 2), RemoteError, "^RemoteError"),
    (Message(codec.RESULT, 3, b"{}", codec.EXCEPTION | codec.STREAM, 2), RemoteError, "lets none through"),
    (Message(codec.RESULT, 3, b'{"__class__": 5, "args": 5}', codec.EXCEPTION, 2), RemoteError, "^5$"),
]


@pytest.mark.parametrize(("said", "kind", "why"), ANSWERS)
def test_what_answers_a_call(said, kind, why):
    with scripted(WELCOME, said, times=1) as at, Connection(at, timeout=5) as client, pytest.raises(kind, match=why):
        client.add(1, 2)


def test_a_server_that_says_nothing():
    with scripted(b"", times=1) as at, pytest.raises(ConnectError, match="no answer within"):
        Connection(at, connect_timeout=0.2).connect()
    with scripted(WELCOME, b"", times=1) as at, Connection(at, timeout=0.2) as client, pytest.raises(DeadlineError):
        client.add(1, 2)


def test_a_lost_connection_is_made_anew_for_the_next_call_and_no_call_made_twice():
    five = Message(codec.RESULT, 3, b"5", sequence=2)
    with scripted(WELCOME, five, times=2) as at, Connection(at, timeout=5) as client:
        assert client.add(1, 2) == 5
        with pytest.raises(ConnectionLostError):
            client.add(1, 2)
        assert client.add(1, 2) == 5
