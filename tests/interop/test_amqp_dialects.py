"""The other dialects on a real RabbitMQ, each with a peer made by hand from py-amqp; and links without a broker."""

import json
import threading

import amqp
import pytest
from amqp.basic_message import Message

from rpcctl.errors import UsageError
from rpcctl.hosting import Server
from tests import sample
from tests.behaviour.test_oneway import wait_until

DIRECT = "amq.rabbitmq.reply-to"


@pytest.fixture
def hand(rabbitmq):
    """A connection of py-amqp and a channel on it."""
    connection = amqp.Connection(f"127.0.0.1:{rabbitmq.port}")
    connection.connect()
    yield connection, connection.channel()
    connection.close()


def ask(hand, exchange, key, body, **properties):
    """Publish, and wait for the reply that comes directly."""
    connection, channel = hand
    found: list[Message] = []
    tag = channel.basic_consume(DIRECT, no_ack=True, callback=found.append)
    message = Message(json.dumps(body), content_type="application/json", reply_to=DIRECT, **properties)
    channel.basic_publish(message, exchange, key)
    while not found:
        connection.drain_events(timeout=5)
    channel.basic_cancel(tag)
    return found[0]


def test_a_plain_client_calls_our_server(rabbitmq, serve, hand, topic):
    serve(at=rabbitmq.url(topic, more="dialect=plain"))
    body = {"jsonrpc": "2.0", "method": "add", "params": [2, 3], "id": 1}
    reply = ask(hand, "", topic, body, correlation_id="mine")
    assert (reply.correlation_id, json.loads(reply.body)["result"]) == ("mine", 5)
    reply = ask(hand, "", topic, {"method": "nope"}, correlation_id="mine")
    assert json.loads(reply.body)["error"]["code"] == -32601


@pytest.mark.parametrize("kind", ["direct", "topic", "fanout"])
def test_a_plain_server_is_bound_to_the_exchange_that_is_asked_for(rabbitmq, serve, connect, hand, topic, kind):
    at = rabbitmq.url(topic, more=f"dialect=plain&exchange=ex-{topic}")
    serve(at=at, options={"exchange-type": kind})
    assert connect(at).add(2, b=3) == 5
    reply = ask(hand, f"ex-{topic}", topic, {"method": "echo", "params": {"value": kind}}, correlation_id="x")
    assert json.loads(reply.body)["result"] == kind


def test_a_plain_fanout_reaches_every_server(rabbitmq, serve, connect, topic):
    sample._memory.clear()
    at = rabbitmq.url(topic, more="dialect=plain")
    for _ in range(2):
        serve(sample, at)
    client = connect(at)
    list(client.send(client.request("remember", ("x",), oneway=True, fanout=True)))
    assert wait_until(lambda: sample._memory == ["x", "x"])


def test_a_nameko_client_calls_our_service(rabbitmq, serve, hand, topic):
    serve(at=rabbitmq.url(topic, more="dialect=nameko"))
    connection, channel = hand
    channel.queue_declare(f"rpc.reply-{topic}", durable=True, auto_delete=True)
    channel.queue_bind(f"rpc.reply-{topic}", "nameko-rpc", f"uuid-{topic}")
    found: list[Message] = []
    channel.basic_consume(f"rpc.reply-{topic}", no_ack=True, callback=found.append)
    for method, args in (("add", [2, 3]), ("nope", []), ("fail", ["no"])):
        message = Message(
            json.dumps({"args": args, "kwargs": {}}),
            content_type="application/json",
            reply_to=f"uuid-{topic}",
            correlation_id=method,
        )
        channel.basic_publish(message, "nameko-rpc", f"{topic}.{method}")
    while len(found) < 3:
        connection.drain_events(timeout=5)
    replies = {each.correlation_id: json.loads(each.body) for each in found}
    assert replies["add"] == {"result": 5, "error": None}
    assert replies["nope"]["error"]["exc_path"] == "nameko.exceptions.MethodNotFound"
    assert replies["fail"]["error"]["exc_path"] == "builtins.ValueError"


def test_our_client_calls_a_task_of_celery(rabbitmq, connect, hand, topic):
    connection, channel = hand
    channel.queue_declare(topic, durable=True, auto_delete=False)
    ended = threading.Event()

    def work(message):
        (args, kwargs, _), task = json.loads(message.body), message.application_headers["task"]
        result = {"status": "SUCCESS", "result": [task, args, kwargs], "task_id": message.correlation_id}
        reply = Message(json.dumps(result), content_type="application/json", correlation_id=message.correlation_id)
        channel.basic_publish(reply, "", message.reply_to)
        ended.set()

    def serve_one():
        channel.basic_consume(topic, no_ack=True, callback=work)
        while not ended.is_set():
            connection.drain_events(timeout=5)

    worker = threading.Thread(target=serve_one)
    worker.start()
    client = connect(rabbitmq.url(topic, more="dialect=celery"))
    assert client.call("tasks.add", 2, y=3) == ["tasks.add", [2], {"y": 3}]
    worker.join(5)
    with pytest.raises(UsageError, match="list and describe"):
        client.describe()


@pytest.mark.parametrize("dialect", ["oslo", "plain", "nameko"])
def test_a_folder_is_enough(tmp_path, serve, connect, dialect):
    sample._memory.clear()
    at = f"filesystem://{tmp_path}/bus?topic=calc&dialect={dialect}"
    assert serve(sample, at) == at
    client = connect(at)
    assert client.add(2, 3) == 5
    assert client.ping() == "tests.sample"
    client.cast("remember", "cast")
    assert wait_until(lambda: sample._memory == ["cast"])


def test_servers_share_the_calls_in_a_folder(tmp_path, connect):
    at = f"filesystem://{tmp_path}?topic=calc"
    with Server("tests.sample", at), Server("tests.sample", at):
        client = connect(at)
        assert [client.echo(number) for number in range(20)] == list(range(20))
        list(client.send(client.request("remember", ("x",), oneway=True, fanout=True)))
