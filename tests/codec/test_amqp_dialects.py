"""The other dialects: nameko's and Celery's bodies as they were recorded, and our own over plain RabbitMQ."""

import json

import pytest

from rpcctl.errors import AddressError, RemoteProtocolError, UsageError
from rpcctl.messages import INSPECT, PING, Failure, Request, Result
from rpcctl.protocols.amqp.codec import Call, Ids
from rpcctl.protocols.amqp.dialects import dialect_of
from rpcctl.protocols.amqp.layout import Kind
from rpcctl.protocols.amqp.message import Delivery, Message
from rpcctl.registry import parse_address
from tests.codec.amqp_frames import MOST, RECORDED, delivery_of, published

AT = parse_address("amqp://127.0.0.1//?topic=calc")
IDS = Ids("e99319ca", "b862e2fe", "u")
NAMEKO = list(published(RECORDED["nameko"]["frames"]))
CELERY = list(published(RECORDED["celery"]["frames"]))


def make(dialect, **options):
    return dialect_of(AT, {"topic": "calc", "dialect": dialect, **options}, MOST)


def arrive(message: Message) -> Delivery:
    """A message as it arrives at the other end."""
    body, properties, exchange, key = message.body, message.properties, message.exchange, message.key
    return Delivery(body, properties, exchange, key, "1", 1, False, len(body))


def recorded(frames, key):
    """The messages with that routing key or the beginning of it."""
    return [each for each in frames if each["args"]["routing_key"].startswith(key)]


def test_an_address_without_a_topic_is_refused():
    with pytest.raises(AddressError, match="names no topic") as caught:
        dialect_of(parse_address("amqp://127.0.0.1//"), {}, MOST)
    assert caught.value.hint == "amqp://127.0.0.1:5672//?topic=NAME"


@pytest.mark.parametrize("dialect", ["plain", "nameko", "celery"])
def test_calls_are_not_monitored_where_servers_give_no_sign_of_life(dialect):
    with pytest.raises(UsageError, match=f"dialect={dialect} has no signs of life"):
        make(dialect, **{"call-monitor": 5.0})


@pytest.mark.parametrize("dialect", ["oslo", "plain", "nameko"])
@pytest.mark.parametrize("method", ["add", INSPECT, PING])
def test_a_request_arrives_as_it_was_sent(dialect, method):
    kwargs = {"b": [1, None, "é"]}
    args = () if dialect == "oslo" else (1, "x")
    ends = make(dialect)
    message = ends.request(Request(method, args, kwargs, context={"user": "ann"}), IDS, 1.5)
    call = ends.read_call(arrive(message))
    assert (call.method, call.args, call.kwargs) == (method, args, kwargs)
    assert (call.id, call.reply_to, dict(call.context)) == (IDS.id, IDS.reply_to, call.context)
    assert call.context["user"] == "ann"
    assert message.properties["expiration"] == "1500"


@pytest.mark.parametrize("dialect", ["oslo", "plain", "nameko"])
@pytest.mark.parametrize(
    "reply",
    [
        Result(7),
        Result(None),
        Failure("remote", "ValueError", "no"),
        Failure("arguments", "TypeError", "too few"),
        Failure("no_method", "NameError", "nope"),
    ],
    ids=repr,
)
def test_a_reply_arrives_as_it_was_sent(dialect, reply):
    ends = make(dialect)
    answer = ends.read_reply(arrive(ends.reply(Call("m", id="a", reply_to="q"), reply, "u")))
    assert answer.id == "a"
    if isinstance(reply, Result):
        assert answer.reply == reply
    else:
        assert (answer.reply.kind, answer.reply.message) == (reply.kind, reply.message)


@pytest.mark.parametrize("dialect", ["oslo", "plain", "nameko"])
def test_a_one_way_call_wants_no_reply(dialect):
    ends = make(dialect)
    call = ends.read_call(arrive(ends.request(Request("m", oneway=True), Ids("", "", "u"), 1.0)))
    assert (call.reply_to == "") is (dialect != "nameko")  # nameko's services answer always


def test_a_request_is_written_as_nameko_writes_it():
    frame = recorded(NAMEKO, "calc.add")[0]
    ids = Ids(frame["properties"]["correlation_id"], frame["properties"]["reply_to"], "u")
    made = make("nameko").request(Request("add", (3,), {"y": 4}), ids, None)
    assert json.loads(made.body) == json.loads(frame["body"])
    assert (made.exchange, made.key, made.mandatory) == ("nameko-rpc", "calc.add", True)
    headers = {"nameko.call_id_stack": ["rpcctl.call.u"]}
    assert dict(made.properties) == {**frame["properties"], "headers": headers}


def test_recorded_requests_of_nameko_are_read():
    calls = [make("nameko").read_call(delivery_of(each)) for each in recorded(NAMEKO, "calc.")]
    assert [(each.method, each.args, each.kwargs) for each in calls] == [
        ("add", (3,), {"y": 4}),
        ("fail", (), {}),
        ("nope", (), {}),
        ("add", (1,), {}),
    ]


def test_recorded_replies_of_nameko_are_read_and_written():
    frames = [each for each in NAMEKO if "result" in each["body"]]
    replies = [make("nameko").read_reply(delivery_of(each)).reply for each in frames]
    assert replies[0] == Result(7)
    assert [(each.kind, each.type, each.module) for each in replies[1:]] == [
        ("remote", "ValueError", "builtins"),
        ("no_method", "MethodNotFound", "nameko.exceptions"),
        ("arguments", "IncorrectSignature", "nameko.exceptions"),
    ]
    call = Call("m", id=frames[0]["properties"]["correlation_id"], reply_to=frames[0]["args"]["routing_key"])
    made = make("nameko").reply(call, Result(7), "u")
    assert json.loads(made.body) == json.loads(frames[0]["body"])
    assert (made.exchange, made.key) == ("nameko-rpc", frames[0]["args"]["routing_key"])
    assert dict(made.properties) == frames[0]["properties"]


def test_the_layout_of_a_nameko_service():
    exchanges, queues = make("nameko").layout("s", "id", Kind())
    recorded_queue = next(each["args"] for each in RECORDED["nameko"]["frames"] if each["frame"] == "Queue.Declare")
    assert (queues[0].name, queues[0].durable) == (recorded_queue["queue"], recorded_queue["durable"])
    assert (queues[0].exchange, queues[0].key, exchanges[0].durable) == ("nameko-rpc", "calc.*", True)


def test_a_task_is_written_as_celery_writes_it():
    frame = next(each for each in CELERY if each["properties"]["headers"].get("task") == "ctasks.add")
    ids = Ids(frame["properties"]["correlation_id"], "q", "u")
    made = make("celery", topic="cq").request(Request("ctasks.add", (3,), {"y": 4}), ids, None)
    assert json.loads(made.body) == json.loads(frame["body"])
    assert (made.exchange, made.key) == ("", "cq")
    theirs = frame["properties"]["headers"]
    ours = made.properties["headers"]
    assert {key: ours[key] for key in ours if key != "origin"} == {key: theirs[key] for key in ours if key != "origin"}


def test_recorded_results_of_celery_are_read():
    frames = [each for each in CELERY if "date_done" in each["body"]]
    answers = [make("celery").read_reply(delivery_of(each)) for each in frames]
    assert [each.id for each in answers] == [each["properties"]["correlation_id"] for each in frames]
    assert answers[0].reply == Result(7)
    assert (answers[1].reply.type, answers[1].reply.message, answers[1].reply.module) == (
        "ValueError",
        "bad, 42",
        "builtins",
    )
    assert answers[1].reply.traceback.startswith("Traceback")


def test_a_task_that_has_begun_is_not_over():
    body = json.dumps({"status": "STARTED", "result": None}).encode()
    properties = {"content_type": "application/json", "correlation_id": "a"}
    assert make("celery").read_reply(Delivery(body, properties, "", "q", "1", 1, size=len(body))).reply is None


def test_tasks_of_celery_are_not_served():
    with pytest.raises(UsageError, match="celery worker"):
        make("celery").layout("s", "id", Kind())


PLAIN = [
    ({"method": "m"}, Call("m")),
    ({"method": "m", "params": [1]}, Call("m", (1,))),
    ({"method": "m", "params": {"a": 1}}, Call("m", (), {"a": 1})),
    ({"method": "m", "params": {"a": 1, "__args": [2]}}, Call("m", (2,), {"a": 1})),
    ({"method": "m", "id": 7}, Call("m", id="7")),
]


@pytest.mark.parametrize(("body", "call"), PLAIN)
def test_a_plain_request_is_json_rpc(body, call):
    data = json.dumps({"jsonrpc": "2.0", **body}).encode()
    delivery = Delivery(data, {"content_type": "application/json"}, "", "calc", "1", 1, size=len(data))
    assert make("plain").read_call(delivery) == call


@pytest.mark.parametrize("error", [{"code": -32601, "message": "x"}, {"code": 5}, "text", {"message": None}])
def test_plain_errors_of_others_are_read(error):
    body = json.dumps({"jsonrpc": "2.0", "error": error, "id": "a"}).encode()
    properties = {"content_type": "application/json", "correlation_id": "a"}
    reply = make("plain").read_reply(Delivery(body, properties, "", "q", "1", 1, size=len(body))).reply
    assert reply.kind == ("no_method" if error == {"code": -32601, "message": "x"} else "remote")


@pytest.mark.parametrize("dialect", ["plain", "nameko", "celery"])
@pytest.mark.parametrize("body", [b"[]", b'{"result": 1}', b"{}", b"3"])
def test_what_is_no_reply_is_told(dialect, body):
    delivery = Delivery(body, {"content_type": "application/json"}, "", "q", "1", 1, size=len(body))
    with pytest.raises(RemoteProtocolError):
        make(dialect).read_reply(delivery)
