"""What servers and clients do when others die, when messages are bad and when the broker goes: on a real RabbitMQ."""

import json
import signal
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import amqp
import pytest

from rpcctl.api import Connection
from rpcctl.errors import ConnectionLostError, MethodNotFoundError, TransportError
from rpcctl.hosting import Server
from rpcctl.messages import Notification, Subscription
from tests import sample
from tests.behaviour.test_oneway import wait_until
from tests.process import running

PATIENCE = 30.0
DIARY = """
import os, time
def note(value, path, seconds=0.0):
    with open(path, "a") as file:
        file.write(f"begun {value}\\n")
    time.sleep(seconds)
    with open(path, "a") as file:
        file.write(f"done {value}\\n")
"""


class Worker:
    """A served object that counts its calls."""

    def __init__(self, name):
        self.name = name
        self.calls = 0

    def work(self):
        self.calls += 1
        return self.name


class Held:
    """A served object whose calls run until the test lets them go."""

    def __init__(self):
        self.running = self.ended = 0
        self.free = threading.Event()

    def hold(self):
        self.running += 1
        self.free.wait(PATIENCE)
        self.ended += 1


@pytest.fixture
def wire(rabbitmq):
    """A channel of py-amqp, for what no client of ours would send."""
    connection = amqp.Connection(f"127.0.0.1:{rabbitmq.port}", confirm_publish=True)
    connection.connect()
    yield connection.channel()
    connection.close()


@pytest.fixture
def victim(rabbitmq):
    """The broker, to be killed or frozen; it is up again when the test has ended."""
    yield rabbitmq
    rabbitmq.signal(signal.SIGCONT)
    if rabbitmq.process.poll() is not None:
        rabbitmq.start()


@pytest.fixture
def diary(tmp_path):
    (tmp_path / "diary.py").write_text(DIARY)
    return tmp_path / "diary.txt"


def written(path: Path, word: str) -> list[str]:
    lines = path.read_text().splitlines() if path.exists() else []
    return sorted({line.split()[1] for line in lines if line.startswith(word)}, key=int)


def test_servers_of_a_topic_share_its_calls(rabbitmq, serve, connect, topic):
    workers = [Worker(f"w{number}") for number in range(3)]
    for worker in workers[:2]:
        serve(worker, rabbitmq.url(topic))
    client = connect(rabbitmq.url(topic))
    for _ in range(1000):
        client.work()
    assert all(400 <= worker.calls <= 600 for worker in workers[:2])
    serve(workers[2], rabbitmq.url(topic))
    for _ in range(300):
        client.work()
    assert 80 <= workers[2].calls <= 120


@pytest.mark.parametrize(("ack", "most_lost"), [("early", 1), ("late", 0)])
def test_a_killed_server_loses_at_most_what_it_had_begun(rabbitmq, topic, connect, diary, ack, most_lost):
    at, target = rabbitmq.url(topic), str(diary.parent / "diary.py")
    words = ("serve", target, "--bind", at, "--ack", ack, "--executor", "threads:1", "--quiet")
    numbers = [str(number) for number in range(8)]
    with running(*words) as first:
        first.read_address()
        client = connect(at)
        for number in numbers:
            client.cast("note", value=number, path=str(diary), seconds=0.2)
        assert wait_until(lambda: written(diary, "begun")[1:])
        first.signal(signal.SIGKILL)
        first.popen.wait()
    with running(*words) as second:
        second.read_address()
        assert wait_until(lambda: len(written(diary, "done")) >= len(numbers) - most_lost, PATIENCE)
    assert len(numbers) - len(written(diary, "done")) <= most_lost


@pytest.mark.parametrize(("prefetch", "waiting"), [(None, 4), (5, 1), (1, 5)])
def test_no_more_is_taken_than_the_executor_can_hold(rabbitmq, wire, connect, topic, prefetch, waiting):
    """Two run, and as many as are asked for are held; the rest waits for whoever comes."""
    held = Held()
    with Server(held, rabbitmq.url(topic), executor="threads:2", options={"prefetch": prefetch}):
        client = connect(rabbitmq.url(topic))
        for _ in range(8):
            client.cast("hold")
        assert wait_until(lambda: held.running == 2)
        assert wait_until(lambda: wire.queue_declare(topic, passive=True).message_count == waiting)
        held.free.set()
        assert wait_until(lambda: held.ended == 8)


def test_casts_wait_for_a_server(rabbitmq, connect, topic):
    sample._memory.clear()
    at = rabbitmq.url(topic)
    with Server(sample, at):
        pass
    client = connect(at)
    for number in range(50):
        client.cast("remember", value=number)
    with Server(sample, at):
        assert wait_until(lambda: len(sample._memory) == 50)


def test_a_server_that_is_told_to_stop_answers_what_runs_and_leaves_the_rest(rabbitmq, topic, connect, diary):
    at, target = rabbitmq.url(topic), str(diary.parent / "diary.py")
    with running("serve", target, "--bind", at, "--executor", "threads:1") as server:
        server.read_address()
        client = connect(at)
        answers: list[object] = []
        caller = threading.Thread(target=lambda: answers.append(client.note(value=0, path=str(diary), seconds=0.7)))
        caller.start()
        assert wait_until(lambda: written(diary, "begun"))
        other = connect(at)
        for number in (1, 2):
            other.cast("note", value=number, path=str(diary))
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        caller.join(PATIENCE)
    assert answers == [None]
    assert written(diary, "done") == ["0"]
    with running("serve", target, "--bind", at) as server:
        server.read_address()
        assert wait_until(lambda: written(diary, "done") == ["0", "1", "2"])


POISON: list[tuple[bytes, dict[str, Any]]] = [
    # body, properties
    (b"no JSON", {"content_type": "application/json"}),
    (b'{"method": "nothing"}', {"content_type": "text/plain"}),
    (b'{"method": "nothing"}', {}),
    (b'{"oslo.version": "3.0", "oslo.message": "{}"}', {"content_type": "application/json"}),
    (b'{"oslo.version": "2.0", "oslo.message": {}}', {"content_type": "application/json"}),
    (b'{"oslo.version": "2.0", "oslo.message": "{"}', {"content_type": "application/json"}),
    (b'{"args": {}}', {"content_type": "application/json"}),
    (b"[" * 50_000, {"content_type": "application/json"}),
    (b'"' + b"x" * 15_000_000 + b'"', {"content_type": "application/json"}),
    (b"no zlib", {"content_type": "application/json", "application_headers": {"compression": "application/x-gzip"}}),
    (b"{}", {"content_type": "application/json", "application_headers": {"compression": "application/x-bz2"}}),
    (
        zlib.compress(b'"' + b"x" * 50_000_000 + b'"'),
        {"content_type": "application/json", "application_headers": {"compression": "application/x-gzip"}},
    ),
]


def test_poison_is_rejected_once_and_the_next_message_is_served(rabbitmq, wire, connect, topic):
    notes: list[str] = []
    # Replies into the server's own queues would come back as requests for ever.
    wrong = [{"method": "nothing", "_msg_id": "a", "_reply_q": each} for each in (topic, "q" * 256)]
    bodies = [*POISON, *((json.dumps(each).encode(), {"content_type": "application/json"}) for each in wrong)]
    at = rabbitmq.url(topic)
    with Server("tests.sample", at, note=notes.append, max_message=1_000_000):
        client = connect(at)
        for body, properties in bodies:
            wire.basic_publish(amqp.basic_message.Message(body, **properties), "openstack", topic)
        assert client.nothing() is None
        assert wire.queue_declare(topic, passive=True).message_count == 0
    rejected = [note for note in notes if note.startswith("rejected a message")]
    assert len(rejected) == len(bodies)
    assert all(topic in note for note in rejected)


def test_an_unknown_version_is_answered_and_a_foreign_queue_is_not_read(rabbitmq, wire, connect, topic):
    """A reply goes where it is asked for; what it does there is that queue's business, and the server goes on."""
    wire.queue_declare(f"foreign-{topic}", exclusive=True)
    asked = {"method": "nothing", "version": "9.0", "_msg_id": "a", "_reply_q": f"foreign-{topic}"}
    with Server("tests.sample", rabbitmq.url(topic)):
        message = amqp.basic_message.Message(json.dumps(asked).encode(), content_type="application/json")
        wire.basic_publish(message, "openstack", topic)
        assert connect(rabbitmq.url(topic)).nothing() is None
        found: list[Any] = []
        wire.basic_consume(f"foreign-{topic}", no_ack=True, callback=found.append)
        while not found:
            wire.connection.drain_events(timeout=PATIENCE)
    reply = json.loads(json.loads(found[0].body)["oslo.message"])
    assert json.loads(reply["failure"])["class"] == "UnsupportedVersion"


def test_a_repeated_message_runs_once(rabbitmq, wire, connect, topic):
    sample._memory.clear()
    body = json.dumps({"method": "remember", "args": {"value": "once"}, "_unique_id": "u" * 32}).encode()
    with Server(sample, rabbitmq.url(topic)):
        for _ in range(3):
            wire.basic_publish(amqp.basic_message.Message(body, content_type="application/json"), "openstack", topic)
        connect(rabbitmq.url(topic)).nothing()
        assert wait_until(lambda: sample._memory == ["once"])


def test_a_reply_to_a_queue_that_is_gone_harms_nobody(rabbitmq, wire, connect, topic):
    body = json.dumps({"method": "nothing", "_msg_id": "a", "_reply_q": "reply_gone"}).encode()
    with Server("tests.sample", rabbitmq.url(topic), executor="threads:1"):
        for _ in range(3):
            wire.basic_publish(amqp.basic_message.Message(body, content_type="application/json"), "openstack", topic)
        assert connect(rabbitmq.url(topic)).nothing() is None


def test_a_queue_that_is_deleted_under_a_server_is_made_again(rabbitmq, wire, connect, topic):
    notes: list[str] = []
    with Server("tests.sample", rabbitmq.url(topic), note=notes.append):
        wire.queue_delete(topic)
        assert wait_until(lambda: any("connected to the broker again" in note for note in notes), PATIENCE)
        assert connect(rabbitmq.url(topic)).nothing() is None


@pytest.mark.parametrize(("exchange", "queue"), [(True, True), (False, True), (True, False)])
def test_what_others_have_declared_is_left_as_it_is(rabbitmq, wire, connect, topic, exchange, queue):
    wire.exchange_declare(f"ex-{topic}", "topic", durable=exchange, auto_delete=False)
    arguments = {"x-message-ttl": 60_000} if queue else None
    wire.queue_declare(topic, durable=queue, auto_delete=False, arguments=arguments)
    at = rabbitmq.url(topic, more=f"exchange=ex-{topic}")
    with Server(sample, at):
        assert connect(at).nothing() is None


@pytest.mark.parametrize("options", [{"durable": True}, {"queue-type": "quorum"}])
def test_queues_are_made_as_the_options_say(rabbitmq, wire, connect, topic, options):
    at = rabbitmq.url(topic, more=f"exchange=ex-{topic}")
    with Server("tests.sample", at, options=options):
        arguments = {"x-queue-type": "quorum"} if "queue-type" in options else None
        wire.queue_declare(topic, durable=True, auto_delete=False, arguments=arguments)
        wire.exchange_declare(f"ex-{topic}", "topic", durable=True, auto_delete=False)
        assert connect(at).nothing() is None


def test_a_frozen_broker_is_noticed_by_its_missing_heartbeats(victim, serve, connect, topic):
    serve(at=victim.url(topic))
    client = connect(victim.url(topic), options={"heartbeat": 1.0})
    freeze = threading.Timer(0.3, victim.signal, (signal.SIGSTOP,))
    freeze.start()
    began = time.monotonic()
    try:
        with pytest.raises(ConnectionLostError, match=r"no sign of life|does not answer") as caught:
            client.slow(seconds=20)
    finally:
        freeze.join()
        victim.signal(signal.SIGCONT)
    assert caught.value.exit_code == 56
    assert "may have run" in caught.value.message
    assert time.monotonic() - began < 6.0
    assert client.nothing() is None


def test_a_broker_that_was_restarted_is_found_again(victim, serve, connect, topic):
    sample._memory.clear()
    at = victim.url(topic, more=f"exchange=ex-{topic}")
    serve(sample, at, options={"durable": True})
    client = connect(at, timeout=20.0)
    heard, late = _follow(connect(victim.url(f"n{topic}")), 2), _follow(connect(victim.url(f"m{topic}")), 1)
    assert _tell(victim.url(f"n{topic}"), "before")
    assert wait_until(lambda: heard == ["before"])
    waiting = victim.url(f"w{topic}", more=f"exchange=ex-{topic}")
    with Server("tests.sample", waiting, options={"durable": True}):
        pass
    connect(waiting).cast("remember", value="kept")
    killer = threading.Timer(0.3, victim.kill)
    killer.start()
    with pytest.raises(TransportError) as caught:
        client.slow(seconds=10)
    assert caught.value.exit_code == 56
    killer.join()
    victim.start()
    assert wait_until(lambda: _works(client), PATIENCE)
    client.cast("remember", value="after")
    assert wait_until(lambda: sample._memory == ["after"])
    serve(sample, waiting)
    assert wait_until(lambda: sample._memory == ["after", "kept"])
    assert _tell(victim.url(f"n{topic}"), "after")
    assert _tell(victim.url(f"m{topic}"), "first")
    assert wait_until(lambda: heard == ["before", "after"], PATIENCE)
    assert wait_until(lambda: late == ["first"], PATIENCE)


def _follow(client, most) -> list[object]:
    """The payloads that a listener of its own thread hears."""
    heard: list[object] = []

    def listen():
        for each in client.listen(Subscription(most=most)):
            heard.append(each.payload)

    threading.Thread(target=listen, daemon=True).start()
    return heard


def _works(client) -> bool:
    try:
        return client.nothing() is None
    except (TransportError, MethodNotFoundError):
        return False


def _tell(at: str, payload: str) -> bool:
    with Connection(at) as client:
        client.notify(Notification("restarted", payload))
    return True
