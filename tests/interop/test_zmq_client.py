"""Our client and hand-made servers: what is no server, no zerorpc, hostile, or goes away; keys; one-way patterns."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import pytest
import zmq

from rpcctl.api import Connection
from rpcctl.errors import (
    AddressError,
    ArgumentError,
    AuthError,
    ConnectError,
    ConnectionLostError,
    DeadlineError,
    InputError,
    InvalidArgumentsError,
    RemoteError,
    RemoteProtocolError,
    ResolveError,
    RpcctlError,
    UsageError,
)
from tests import sample
from tests.behaviour.test_oneway import wait_until

BEAT = 0.2
Script = Callable[["Fake", list[bytes]], None]


class Fake:
    """A ROUTER that does what a script says with each message it gets."""

    def __init__(self, script: Script, kind: int = zmq.ROUTER) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(kind)
        self.socket.linger = 0
        self.endpoint = f"tcp://127.0.0.1:{self.socket.bind_to_random_port('tcp://127.0.0.1')}"
        self.events: list[Any] = []
        self.closing = False
        self.script = script
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        while not self.closing:
            if self.socket.poll(20):
                frames = self.socket.recv_multipart()
                try:
                    self.events.append(msgpack.unpackb(frames[-1]))
                except ValueError:
                    self.events.append(None)
                self.script(self, frames)
        self.socket.close()

    def send(self, frames: list[bytes], name: Any, args: Any, **header: Any) -> None:
        """An event to whoever sent the frames, in answer to them unless the header says otherwise."""
        asked = msgpack.unpackb(frames[-1])[0]
        full = {"message_id": "s", "v": 3, "response_to": asked.get("response_to", asked["message_id"]), **header}
        self.socket.send_multipart([*frames[:-1], msgpack.packb([full, name, args])])

    def close(self) -> None:
        self.closing = True
        self.thread.join()
        self.context.term()


@pytest.fixture
def fake() -> Iterator[Callable[..., Fake]]:
    fakes: list[Fake] = []

    def make(script: Script, kind: int = zmq.ROUTER) -> Fake:
        fakes.append(Fake(script, kind))
        return fakes[-1]

    yield make
    for each in fakes:
        each.close()


def answering(*events: tuple[Any, Any]) -> Script:
    """A script that answers each request with these events."""

    def script(server: Fake, frames: list[bytes]) -> None:
        if "response_to" not in server.events[-1][0]:
            for name, args in events:
                server.send(frames, name, args)

    return script


def sending(*data: bytes) -> Script:
    """A script that answers each message with these bytes as events."""

    def script(server: Fake, frames: list[bytes]) -> None:
        for each in data:
            server.socket.send_multipart([*frames[:-1], each])

    return script


WRONG = [
    answering(("OK", [])),
    answering(("OK", 5)),
    answering(("ERR", [])),
    answering(("FOO", [1])),
    sending(b"\xc1"),
    sending(b""),
    sending(msgpack.packb(5)),
    sending(msgpack.packb([{}, "OK", [1]])),
    lambda server, frames: server.socket.send_multipart(frames),
    lambda server, frames: server.send(frames, 7, [1]),
    lambda server, frames: server.send(frames, "OK", [b"x" * 3_000_000]),
]


@pytest.mark.parametrize("script", WRONG)
def test_what_breaks_the_rules_is_a_protocol_error(fake, connect, script):
    client = connect(fake(script).endpoint, max_message=2_000_000)
    with pytest.raises(RemoteProtocolError) as caught:
        client.call("m")
    assert caught.value.exit_code == 8


OLD = [
    (("OK", [b"text"]), b"text"),
    ((b"OK", [1]), 1),
    (("OK", [1, 2]), 1),
]


@pytest.mark.parametrize(("event", "value"), OLD)
def test_old_servers_are_understood(fake, connect, event, value):
    assert connect(fake(answering(event)).endpoint).call("m") == value


def test_an_id_that_comes_back_as_bin_is_ours(fake, connect):
    def script(server: Fake, frames: list[bytes]) -> None:
        asked = server.events[-1][0]["message_id"]
        server.send(frames, b"OK", [1], response_to=asked.encode())

    assert connect(fake(script).endpoint).call("m") == 1


def test_a_reply_with_the_wrong_id_is_dropped(fake, connect):
    def script(server: Fake, frames: list[bytes]) -> None:
        for wrong in ("nobody", ["list"], {"a": 1}, 5, b"\xff"):
            server.send(frames, "OK", ["wrong"], response_to=wrong)
        server.send(frames, "OK", ["right"])

    assert connect(fake(script).endpoint).call("m") == "right"


def test_a_flood_of_beats_does_not_hold_up_the_time_limit(fake, connect):
    stop = threading.Event()

    def script(server: Fake, frames: list[bytes]) -> None:
        while not stop.is_set():
            server.send(frames, "_zpc_hb", [0])
            if server.socket.poll(0):
                server.socket.recv_multipart()

    client = connect(fake(script).endpoint, timeout=0.3)
    began = time.monotonic()
    with pytest.raises(DeadlineError):
        client.call("m")
    stop.set()
    assert time.monotonic() - began < 1.0


def test_it_echoes_each_beat_once(fake, connect):
    def script(server: Fake, frames: list[bytes]) -> None:
        if "response_to" not in server.events[-1][0]:
            for _ in range(5):
                server.send(frames, "_zpc_hb", [0])
        elif len(server.events) == 6:
            server.send(frames, "OK", [None])

    server = fake(script)
    connect(server.endpoint).call("m")
    assert [(name, args) for _, name, args in server.events[1:]] == [("_zpc_hb", [0])] * 5
    assert {header["response_to"] for header, _, _ in server.events[1:]} == {server.events[0][0]["message_id"]}


def test_a_server_that_falls_silent_is_lost(fake, connect):
    server = fake(answering(("_zpc_hb", [0])))
    client = connect(server.endpoint, options={"heartbeat": BEAT})
    began = time.monotonic()
    with pytest.raises(ConnectionLostError, match="no heartbeat"):
        client.call("m")
    assert 3 * BEAT <= time.monotonic() - began < 6 * BEAT


def test_a_server_that_never_beats_is_waited_for(fake, connect):
    client = connect(fake(answering()).endpoint, timeout=BEAT * 6, options={"heartbeat": BEAT})
    with pytest.raises(DeadlineError):
        client.call("m")


def test_time_between_items_can_be_limited(fake, connect):
    client = connect(fake(answering(("STREAM", 1))).endpoint, item_timeout=0.2)
    stream = client.call("m")
    assert next(stream) == 1
    with pytest.raises(DeadlineError, match="--item-timeout"):
        next(stream)


def test_close_from_another_thread_ends_a_call_that_waits(fake):
    client = Connection(fake(answering()).endpoint)
    client.connect()
    threading.Timer(0.2, client.close).start()
    began = time.monotonic()
    with pytest.raises(ConnectionLostError):
        client.call("m")
    assert time.monotonic() - began < 2.0
    client.close()
    with pytest.raises(ConnectionLostError):
        client.call("m")


def test_a_server_that_comes_back_is_called_again(serve, connect):
    from rpcctl.hosting import Server

    with Server("tests.sample", "tcp://127.0.0.1:0") as server:
        at = str(server.addresses[0])
        client = connect(at)
        assert client.add(2, 3) == 5
    with Server("tests.sample", at):
        assert wait_until(lambda: answers(client))
    with pytest.raises(ConnectError):
        client.add(2, 3)


def answers(client: Connection) -> bool:
    try:
        return bool(client.add(2, 3) == 5)
    except ConnectError:
        return False


def test_our_server_killed_in_mid_call_is_lost_within_two_heartbeats(connect):
    words = ["serve", "tests.sample", "--bind", "tcp://127.0.0.1:0", "--heartbeat", "0.5"]
    with subprocess.Popen(
        [sys.executable, "-m", "rpcctl", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        client = connect(process.stdout.readline().strip(), options={"heartbeat": 0.5})
        killed = []

        def kill() -> None:
            killed.append(time.monotonic())
            process.kill()

        threading.Timer(0.3, kill).start()
        with pytest.raises(ConnectionLostError) as caught:
            client.slow(30)
        assert time.monotonic() - killed[0] < 1.0
        assert caught.value.exit_code == 56


def test_fifty_megabytes_go_and_come_back(serve, connect):
    client = connect(serve(), timeout=30)
    value = bytes(50_000_000)
    assert client.echo(value) == value


def test_a_message_over_the_limit_is_refused_before_it_is_sent(serve, connect):
    client = connect(serve(), max_message=1000)
    with pytest.raises(ArgumentError, match="1000 are allowed"):
        client.echo("x" * 1000)
    assert client.add(2, 3) == 5


def test_a_message_over_the_servers_limit_is_an_error_of_the_call(serve, connect):
    client = connect(serve(max_message=1_000_000))
    with pytest.raises(RpcctlError, match="1000000 are allowed"):
        client.echo(bytes(1_500_000))
    assert client.add(2, 3) == 5


def test_a_timeout_is_kept_and_the_late_reply_is_dropped(serve, connect):
    client = connect(serve(), timeout=0.2)
    began = time.monotonic()
    with pytest.raises(DeadlineError):
        client.slow(0.6)
    assert 0.2 <= time.monotonic() - began < 0.5
    client.timeout = 5.0
    assert [client.add(n, 1) for n in range(10)] == [n + 1 for n in range(10)]


def test_the_kinds_of_error_survive_without_tracebacks(serve, connect):
    client = connect(serve(tracebacks=False))
    with pytest.raises(InvalidArgumentsError):
        client.add(1)
    with pytest.raises(RemoteError, match="TypeError"):
        client.add(1, "x")


def refused() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


UNREACHABLE = [
    (refused, ConnectError, "refused", 7),
    (lambda: "tcp://no-such-host.invalid:4242", ResolveError, "no-such-host.invalid", 6),
    (lambda: "ipc:///no/such/socket", ConnectError, "no such file", 7),
    (lambda: "tcp://*:4242", AddressError, r"\*", 3),
]


@pytest.mark.parametrize(("at", "error", "message", "code"), UNREACHABLE)
def test_why_there_is_no_connection_is_said_at_once(at, error, message, code):
    began = time.monotonic()
    with pytest.raises(error, match=message) as caught, Connection(at()):
        pass
    assert caught.value.exit_code == code
    assert time.monotonic() - began < 3.0


class Listener:
    """A TCP server that says something to whoever connects, or to whoever has spoken."""

    def __init__(self, says: bytes, first: bool = False, when: bytes = b"") -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.server.getsockname()[1]}"
        self.says, self.first, self.when = says, first, when
        self.open: list[socket.socket] = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            try:
                peer, _ = self.server.accept()
            except OSError:
                return
            self.open.append(peer)
            threading.Thread(target=self.talk, args=(peer,), daemon=True).start()

    def talk(self, peer: socket.socket) -> None:
        try:
            heard = b"" if self.first else peer.recv(1000)
            if self.when in heard:
                peer.sendall(self.says)
                peer.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for peer in self.open:
            peer.close()


@pytest.fixture
def listener() -> Iterator[Callable[..., Listener]]:
    made: list[Listener] = []

    def make(*args: Any, **options: Any) -> Listener:
        made.append(Listener(*args, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


OTHERS = [
    ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), {}, "HTTP"),
    ((b"HTTP/1.0 200 OK\r\n\r\n",), {"when": b"GET /"}, "HTTP"),
    ((b"SSH-2.0-OpenSSH_9\r\n",), {"first": True}, "SSH"),
    ((b"AMQP\0\0\x09\x01",), {}, "AMQP"),
    ((b"-ERR unknown command\r\n",), {}, "-ERR"),
]


@pytest.mark.parametrize(("args", "options", "look"), OTHERS)
def test_another_kind_of_server_is_named(listener, args, options, look):
    with pytest.raises(RemoteProtocolError, match=look) as caught, Connection(listener(*args, **options).endpoint):
        pass
    assert caught.value.exit_code == 8


def test_a_silent_server_is_given_up_after_the_connect_timeout(listener):
    began = time.monotonic()
    with (
        pytest.raises(ConnectError, match="ZeroMQ"),
        Connection(listener(b"", when=b"never").endpoint, connect_timeout=1.0),
    ):
        pass
    assert 1.0 <= time.monotonic() - began < 3.0


def test_a_silent_server_and_a_time_limit(listener):
    with pytest.raises(DeadlineError), Connection(listener(b"", when=b"never").endpoint, timeout=0.3):
        pass


@pytest.mark.parametrize("kind", [zmq.PUB, zmq.PULL, zmq.PAIR])
def test_a_zeromq_socket_of_another_kind_is_named(kind):
    context = zmq.Context()
    other = context.socket(kind)
    port = other.bind_to_random_port("tcp://127.0.0.1")
    try:
        with pytest.raises(RemoteProtocolError, match="another kind"), Connection(f"tcp://127.0.0.1:{port}"):
            pass
    finally:
        context.destroy(linger=0)


def test_alternatives_are_tried_in_order(serve):
    with Connection(refused(), options={"alternative": (refused(), serve())}) as client:
        assert client.add(2, 3) == 5
    with pytest.raises(ConnectError), Connection(refused(), options={"alternative": (refused(),)}):
        pass


@pytest.mark.parametrize(("way", "back"), [("push", "pull"), ("publish", "subscribe")])
def test_one_way_patterns_between_our_ends(serve, way, back):
    sample._memory.clear()
    with Connection(serve(options={back: True})) as client:
        client.cast("remember", way)
        client.cast("remember", "again")
        with pytest.raises(UsageError, match="one-way"):
            client.add(2, 3)
    assert wait_until(lambda: len(sample._memory) == 2)
    assert sample._memory == [way, "again"]


def test_the_printed_address_says_how_to_send(serve):
    address = serve(options={"subscribe": True})
    assert address.endswith("?publish=yes")


def test_a_publisher_without_subscribers_is_told_so(fake):
    at = fake(answering(), zmq.XSUB).endpoint
    with (
        Connection(at, connect_timeout=0.3, options={"publish": True}) as client,
        pytest.raises(ConnectError, match="nobody subscribes"),
    ):
        client.cast("m")


def test_a_cast_leaves_although_the_client_closes_at_once(serve):
    sample._memory.clear()
    address = serve()
    for number in range(20):
        with Connection(address) as client:
            client.cast("remember", number)
    assert wait_until(lambda: len(sample._memory) == 20)


class Keys:
    """A key pair, and its files in both formats."""

    def __init__(self, folder: Any, name: str) -> None:
        public, secret = zmq.curve_keypair()
        self.public = public.decode()
        self.secret_file = str(folder / f"{name}.secret")
        self.public_file = str(folder / f"{name}.public")
        self.certificate = str(folder / f"{name}.certificate")
        (folder / f"{name}.secret").write_bytes(secret + b"\n")
        (folder / f"{name}.public").write_bytes(b"# a comment\n" + public + b"  who it is\n")
        text = f'metadata\ncurve\n    public-key = "{self.public}"\n    secret-key = "{secret.decode()}"\n'
        (folder / f"{name}.certificate").write_text(text)


@pytest.fixture
def keys(tmp_path):
    return {name: Keys(tmp_path, name) for name in ("server", "ann", "bob")}


def test_a_server_with_a_key_prints_an_address_that_is_enough_to_call(serve, keys):
    address = serve(options={"curve-secret-key-file": keys["server"].secret_file})
    with Connection(address) as client:
        assert client.add(2, 3) == 5
        assert list(client.count(200)) == list(range(200))


@pytest.mark.parametrize("form", ["secret_file", "certificate"])
def test_only_clients_on_the_list_are_let_in(serve, keys, form):
    address = serve(
        options={
            "curve-secret-key-file": getattr(keys["server"], form),
            "curve-allow": (keys["ann"].public_file,),
        }
    )
    with Connection(address, options={"curve-secret-key-file": getattr(keys["ann"], form)}) as client:
        assert client.add(2, 3) == 5
    for options in ({"curve-secret-key-file": keys["bob"].secret_file}, {}):
        with pytest.raises(AuthError, match="does not admit") as caught, Connection(address, options=options):
            pass
        assert caught.value.exit_code == 67


def test_keys_that_do_not_fit_are_named(serve, keys):
    plain = serve()
    encrypted = serve(options={"curve-secret-key-file": keys["server"].secret_file}).partition("?")[0]
    wrong = {"curve-server-key": keys["bob"].public}
    for at, options, message in (
        (encrypted, {}, "admits only"),
        (encrypted, wrong, "is not its key"),
        (plain, wrong, "does not encrypt"),
    ):
        with pytest.raises(AuthError, match=message), Connection(at, options=options):
            pass
    with Connection(encrypted, options={"curve-server-key": keys["server"].public_file}) as client:
        assert client.add(2, 3) == 5


WRONG_KEYS = [
    ({"curve-server-key": "/no/such/file"}, InputError),
    ({"curve-server-key": __file__}, UsageError),
    ({"curve-secret-key-file": __file__}, UsageError),
    ({"push": True, "publish": True}, UsageError),
    ({"alternative": ("http://x:1",)}, AddressError),
]


@pytest.mark.parametrize(("options", "error"), WRONG_KEYS)
def test_options_that_cannot_be_are_refused(options, error):
    with pytest.raises(error):
        Connection("tcp://127.0.0.1:1", options=options)


@pytest.mark.parametrize("options", [{"curve-allow": (__file__,)}, {"pull": True, "subscribe": True}])
def test_server_options_that_cannot_be_are_refused(serve, options):
    with pytest.raises(UsageError):
        serve(options=options)


def test_the_trace_shows_both_ways(serve, connect):
    lines: list[tuple[str, str]] = []
    client = connect(serve(), trace=lambda way, text, data: lines.append((way, text)))
    client.add(2, 3)
    assert [way for way, _ in lines] == [">", "<"]
    assert "add [2, 3]" in lines[0][1]
    assert "OK [5]" in lines[1][1]


def test_a_call_starts_no_thread_and_a_stream_starts_one(serve, connect):
    client = connect(serve())
    client.add(2, 3)
    assert not beating_threads()
    stream = client.count(200)
    next(stream)
    assert len(beating_threads()) == 1
    client.close()
    assert wait_until(lambda: not beating_threads())


def beating_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "rpcctl-zmq-heartbeat"]
