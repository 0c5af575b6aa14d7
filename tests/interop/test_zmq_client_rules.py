"""Our client and hand-made servers: what breaks the rules, is old, beats, falls silent or has no subscribers."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import pytest
import zmq

from rpcctl.api import Connection
from rpcctl.errors import ConnectError, ConnectionLostError, DeadlineError, RemoteProtocolError

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


def test_a_stream_that_never_beats_is_lost_when_it_falls_silent_and_told_how_to_wait_for_it(fake, connect):
    client = connect(fake(answering(("STREAM", 1))).endpoint, timeout=None, options={"heartbeat": BEAT})
    began = time.monotonic()
    with pytest.raises(ConnectionLostError, match=r"no heartbeat for 0\.6 s") as caught:
        list(client.m())
    assert 3 * BEAT <= time.monotonic() - began < 6 * BEAT
    assert caught.value.hint == "--heartbeat off for a server that sends none"


@pytest.mark.parametrize("heartbeat", [BEAT, None])
def test_a_plain_call_of_a_server_that_never_beats_has_its_time_limit_only(fake, connect, heartbeat):
    client = connect(fake(answering()).endpoint, timeout=BEAT * 6, options={"heartbeat": heartbeat})
    with pytest.raises(DeadlineError):
        client.call("m")


def test_a_reply_far_over_a_small_limit_is_refused_with_its_size(fake, connect):
    client = connect(fake(answering(("OK", [bytes(30_000_000)]))).endpoint, max_message=1024)
    with pytest.raises(RemoteProtocolError, match=r"sent 30\d{6} bytes, 1024 are allowed") as caught:
        client.call("m")
    assert caught.value.hint == "a larger --max-message"


def test_a_reply_that_is_not_even_read_breaks_the_connection_and_the_limit_is_told_as_a_cause(fake, connect):
    client = connect(fake(answering(("OK", [bytes(70_000_000)]))).endpoint, max_message=1024)
    with pytest.raises(ConnectionLostError, match="the connection broke") as caught:
        client.call("m")
    assert "--max-message" in caught.value.hint


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


def test_a_publisher_without_subscribers_is_told_so(fake):
    at = fake(answering(), zmq.XSUB).endpoint
    with (
        Connection(at, connect_timeout=0.3, options={"publish": True}) as client,
        pytest.raises(ConnectError, match="nobody subscribes"),
    ):
        client.cast("m")
