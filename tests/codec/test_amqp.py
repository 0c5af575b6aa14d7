"""oslo.messaging's bodies as they were recorded, read and written; and what is none of them."""

import json
import zlib

import pytest

from rpcctl.errors import AddressError, ArgumentError, RemoteProtocolError, UsageError
from rpcctl.messages import INSPECT, Failure, Request, Result
from rpcctl.protocols.amqp import INFO, codec
from rpcctl.protocols.amqp.codec import Answer, Call, Ids
from rpcctl.protocols.amqp.dialects import Route
from rpcctl.protocols.amqp.layout import Kind
from rpcctl.protocols.amqp.message import Delivery
from rpcctl.protocols.amqp.oslo import Oslo
from rpcctl.registry import parse_address
from rpcctl.settings import fill_options
from tests.codec.amqp_frames import MOST, RECORDED, SCENARIOS, delivery_of, messages, published

AT = parse_address("amqp://127.0.0.1//?topic=calc")


def make(**options):
    """The dialect for a topic."""
    options = {"topic": "calc", **options}
    return Oslo(Route(AT, options), options, MOST)


def inner(frame):
    """A recorded message without its envelope."""
    return json.loads(json.loads(frame["body"])["oslo.message"])


def delivered(value, **properties):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Delivery(
        body, {"content_type": "application/json", **properties}, "openstack", "calc", "1", 1, False, len(body)
    )


REQUESTS = [
    # scenario, request, options of the address
    ("call", Request("add", kwargs={"x": 3, "y": 4}, context={"user": "ann", "request_id": "req-1"}), {}),
    ("call_server", None, {"server": "s1"}),
    ("call_namespace", Request("stop", kwargs={"why": "x"}), {"namespace": "admin", "version": "2.1"}),
    ("monitored", Request("slow", kwargs={"s": 3.5}), {"call-monitor": 2.0}),
    ("bad_version", None, {"version": "9.0"}),
    ("bad_namespace", None, {"namespace": "zzz"}),
    ("cast", None, {}),
    ("cast_server", None, {"server": "s1"}),
    ("fanout", Request("log", kwargs={"text": "to all"}, oneway=True, fanout=True, context={"user": "ann"}), {}),
]


@pytest.mark.parametrize(("name", "request_", "options"), REQUESTS, ids=[row[0] for row in REQUESTS])
def test_a_request_is_written_as_oslo_writes_it(name, request_, options):
    frame = next(each for each in messages(name) if each["args"]["exchange"])
    wanted = inner(frame)
    context = {key[9:]: value for key, value in wanted.items() if key.startswith("_context_")}
    request = request_ or Request(wanted["method"], kwargs=wanted["args"], context=context)
    ids = Ids(wanted.get("_msg_id", ""), wanted.get("_reply_q", ""), wanted["_unique_id"])
    made = make(**options).request(request, ids, 6.0)
    assert json.loads(json.loads(made.body)["oslo.message"]) == wanted
    assert dict(made.properties) == frame["properties"]
    assert (made.exchange, made.key) == (frame["args"]["exchange"], frame["args"]["routing_key"])
    assert made.mandatory


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name.startswith(("call", "cast", "fan", "fail"))])
def test_a_recorded_request_is_read(name):
    for frame in messages(name):
        if not frame["args"]["exchange"]:
            continue
        wanted = inner(frame)
        call = make(namespace=("", "admin=admin"), version=("admin=2.3",)).read_call(delivery_of(frame))
        assert call.method.removeprefix("admin.") == wanted["method"]
        assert call.kwargs == wanted["args"]
        assert (call.id, call.reply_to) == (wanted.get("_msg_id", ""), wanted.get("_reply_q", ""))
        assert call.context == {key[9:]: value for key, value in wanted.items() if key.startswith("_context_")}
        assert call.refusal is None


@pytest.mark.parametrize("name", [name for name in SCENARIOS if messages(name, "")])
def test_a_recorded_reply_is_read_and_written(name):
    for frame in messages(name, ""):
        wanted = inner(frame)
        answer = make().read_reply(delivery_of(frame))
        assert answer.id == wanted["_msg_id"]
        if not wanted["ending"]:
            assert answer.reply is None
        elif wanted["failure"] is None:
            assert answer.reply == Result(wanted["result"])
        if wanted["failure"] is None:
            call = Call("m", id=wanted["_msg_id"], reply_to=frame["args"]["routing_key"])
            made = make().reply(call, answer.reply, wanted["_unique_id"])
            assert json.loads(json.loads(made.body)["oslo.message"]) == wanted
            assert (made.exchange, made.key) == ("", frame["args"]["routing_key"])
            assert dict(made.properties) == frame["properties"]


FAILURES = [
    # scenario, kind, type, message, module
    ("fail_builtin", "remote", "ValueError", "('bad value', 42)", "builtins"),
    ("fail_custom", "remote", "Boom", "boom {'code': 7}", "__main__"),
    ("no_such_method", "no_method", "NoSuchMethod", "nope", "oslo_messaging.rpc.dispatcher"),
    ("bad_args", "remote", "TypeError", "missing", "builtins"),
    ("bad_version", "no_method", "UnsupportedVersion", "version 9.0", "oslo_messaging.rpc.dispatcher"),
]


@pytest.mark.parametrize(("name", "kind", "type_", "message", "module"), FAILURES, ids=[row[0] for row in FAILURES])
def test_a_recorded_failure_is_read(name, kind, type_, message, module):
    (frame,) = messages(name, "")
    reply = make().read_reply(delivery_of(frame)).reply
    assert (reply.kind, reply.type, reply.module) == (kind, type_, module)
    assert message in reply.message
    assert reply.traceback.startswith("Traceback (most recent call last):")


def test_a_failure_is_written_so_that_oslo_can_make_it_again():
    frame = messages("fail_builtin", "")[0]
    wanted = json.loads(inner(frame)["failure"])
    failure = Failure("remote", "ValueError", "('bad value', 42)", "".join(wanted["tb"]), module="builtins")
    made = json.loads(codec.write_failure(failure))
    made["tb"], wanted["tb"] = "".join(made["tb"]), "".join(wanted["tb"])
    assert all(made[key] == wanted[key] for key in ("class", "module", "message", "tb", "kwargs"))


def test_an_unknown_method_is_told_with_the_class_that_oslo_has_for_it():
    made = json.loads(codec.write_failure(Failure("no_method", "NameError", "nope")))
    wanted = json.loads(inner(messages("no_such_method", "")[0])["failure"])
    assert all(made[key] == wanted[key] for key in ("class", "module", "message", "args", "kwargs"))


OWN = [
    Failure("arguments", "TypeError", "add() takes 2", module="builtins"),
    Failure("busy", "ServerBusy", "full", module="rpcctl"),
    Failure("no_method", "NoSuchMethod", "x.y", module="oslo_messaging.rpc.dispatcher"),
    Failure("remote", "Fault", "told", "a\nb\n", {"more": [1]}, 7, module="shop"),
]


@pytest.mark.parametrize(("args", "written"), [(None, ["('bad', 42)"]), (("bad", 42), ["bad", 42]), ((), [])], ids=str)
def test_an_exception_is_told_with_what_it_was_made_with(args, written):
    failure = Failure("remote", "ValueError", "('bad', 42)", args=args)
    text = codec.write_failure(failure)
    assert json.loads(text)["args"] == written
    assert codec.read_failure(text).args == args


@pytest.mark.parametrize("module", ["", "builtins", "oslo_messaging.rpc.dispatcher"])
def test_a_missing_method_bears_the_name_that_stock_clients_make_again(module):
    written = json.loads(codec.write_failure(Failure("no_method", "NameError", "nope", module=module)))
    assert (written["module"], written["class"]) == ("oslo_messaging.rpc.dispatcher", "NoSuchMethod")


@pytest.mark.parametrize("failure", OWN, ids=lambda failure: failure.kind)
def test_what_our_own_ends_know_of_a_failure_survives(failure):
    assert codec.read_failure(codec.write_failure(failure)) == failure


LENIENT = [
    # what a peer may send as failure, type and message read from it
    ('{"class": "X", "module": "m", "message": "no"}', "X", "no"),
    ({"class": "X_Remote", "module": "m_Remote", "message": "no"}, "X", "no"),
    ("no JSON", "error", "no JSON"),
    ("[1]", "error", "[1]"),
    ('{"tb": 5, "message": null}', "error", ""),
]


@pytest.mark.parametrize(("text", "type_", "message"), LENIENT)
def test_a_failure_is_read_as_far_as_it_can_be(text, type_, message):
    failure = codec.read_failure(text)
    assert (failure.kind, failure.type, failure.message) == ("remote", type_, message)


def test_a_packed_body_is_unpacked():
    (frame,) = published(RECORDED["oslo_compressed"]["frames"])
    assert make().read_call(delivery_of(frame)).method


REPLIES = [
    # the inner message, what is read
    ({"_msg_id": "a", "result": 7, "failure": None, "ending": True}, Answer("a", Result(7))),
    ({"_msg_id": "a", "result": None, "failure": None, "ending": True}, Answer("a", Result(None))),
    ({"_msg_id": "a", "result": None, "failure": None, "ending": False}, Answer("a", None)),
    # Servers before 4.0 send the result first, and then an end of its own.
    ({"_msg_id": "a", "result": 7, "failure": None, "ending": False}, Answer("a", Result(7))),
    ({"_msg_id": "a", "result": 7}, Answer("a", Result(7))),
]


@pytest.mark.parametrize(("message", "answer"), REPLIES)
@pytest.mark.parametrize("bare", [False, True])
def test_replies_of_all_ages_are_read(message, answer, bare):
    value = message if bare else {"oslo.version": "2.0", "oslo.message": json.dumps(message)}
    assert make().read_reply(delivered(value)) == answer


BOMB = zlib.compress(b'"' + b"x" * (10 * MOST) + b'"')
POISON = [
    # body, properties, what is said
    (b"no JSON", {}, "no JSON"),
    (b"\xff\xfe", {}, "no JSON"),
    (b"", {}, "no JSON"),
    (b"[" * 100_000, {}, "no JSON"),
    ([1], {}, "no object"),
    ({"oslo.version": "2.1", "oslo.message": "{}"}, {}, "'2.1'"),
    ({"oslo.version": "2.0", "oslo.message": {"method": "add"}}, {}, "without a text"),
    ({"oslo.version": "2.0", "oslo.message": "{"}, {}, "in the envelope is no JSON"),
    ({"oslo.version": "2.0", "oslo.message": "[]"}, {}, "no object"),
    ({"oslo.version": "2.0", "oslo.message": "{}"}, {}, "names no method"),
    ({"method": 3}, {}, "names no method"),
    ({"method": "add"}, {"content_type": "text/plain"}, "'text/plain'"),
    ({"method": "add"}, {"content_type": None}, "content type None"),
    (BOMB, {"headers": {"compression": "application/x-gzip"}}, "more than"),
    (b"junk", {"headers": {"compression": "application/x-gzip"}}, "cannot be unpacked"),
    (b"junk", {"headers": {"compression": "application/x-bz2"}}, "not gzip"),
]


@pytest.mark.parametrize(("body", "properties", "says"), POISON)
def test_what_is_no_request_is_told(body, properties, says):
    with pytest.raises(RemoteProtocolError, match=says):
        make().read_call(delivered(body, **properties))


def test_a_body_that_was_too_large_to_be_taken_in_is_told():
    with pytest.raises(RemoteProtocolError, match="20000000 bytes"):
        make().read_call(Delivery(b"", {}, "", "calc", "1", 1, size=20_000_000))


REFUSED = [
    ({"args": None}, "arguments", "NoneType"),
    ({"args": [1]}, "arguments", "list"),
    ({"version": None}, "no_method", "version None"),
    ({"version": "1"}, "no_method", "version 1"),
    ({"version": 1.0}, "no_method", "version 1.0"),
    ({"version": "1.1"}, "no_method", "version 1.1"),
    ({"namespace": "zzz"}, "no_method", "version 1.0"),
    ({"namespace": 5}, "no_method", "version 1.0"),
]


@pytest.mark.parametrize(("more", "kind", "says"), REFUSED)
def test_a_request_that_cannot_be_run_is_answered(more, kind, says):
    call = make().read_call(delivered({"method": "add", "_msg_id": "a", "_reply_q": "q", **more}))
    assert (call.id, call.reply_to) == ("a", "q")
    assert call.refusal.kind == kind
    assert says in call.refusal.message


VERSIONS = [
    ("1.0", "1.0", True),
    ("1.0", "1.5", True),
    ("1.6", "1.5", False),
    ("2.0", "1.5", False),
    ("1.5.1", "1.5", False),
    ("1.5", "1.5.3", True),
    ("1.5.3", "1.5.3", True),
    ("1.4.9", "1.5", True),
]


@pytest.mark.parametrize(("asked", "offered", "fits"), VERSIONS)
def test_versions_are_compared_as_oslo_does(asked, offered, fits):
    assert codec.is_compatible(asked, offered) is fits


@pytest.mark.parametrize(
    ("text", "is_one"), [("1.0", True), ("1.2.3", True), ("1", False), ("a.b", False), ("", False)]
)
def test_a_version_has_two_or_three_numbers(text, is_one):
    assert codec.is_version(text) is is_one


ENDPOINTS = [
    # namespaces, versions, request, method in the table
    ((), (), {"method": "add"}, "add"),
    (("admin",), ("2.3",), {"method": "stop", "namespace": "admin", "version": "2.1"}, "stop"),
    (("a=x", "b=y"), ("b=3.1",), {"method": "m", "namespace": "y", "version": "3.0"}, "b.m"),
    (("a=x", "b=y"), (), {"method": "m", "namespace": "x"}, "a.m"),
    ((), ("a=1.0", "b=2.0"), {"method": "m", "version": "2.0"}, "b.m"),
    (("a=x", ""), (), {"method": "m"}, "m"),
]


@pytest.mark.parametrize(("namespaces", "versions", "message", "method"), ENDPOINTS)
def test_a_request_finds_its_endpoint(namespaces, versions, message, method):
    call = make(namespace=namespaces, version=versions).read_call(delivered(message))
    assert (call.method, call.refusal) == (method, None)


def test_reserved_methods_need_no_namespace():
    call = make(namespace=("admin",), version=()).read_call(delivered({"method": INSPECT}))
    assert (call.method, call.refusal) == (INSPECT, None)
    made = make(namespace="admin", version="2.0").request(Request(INSPECT), Ids("a", "q", "u"), None)
    assert "namespace" not in codec.unwrap(json.loads(made.body))


@pytest.mark.parametrize(("seconds", "asked", "beat"), [(2, 2, 1.0), (9.6, 9, 4.5), (0.1, 2, 1.0)])
def test_a_monitored_call_says_how_often_it_wants_to_hear(seconds, asked, beat):
    made = make(**{"call-monitor": seconds}).request(Request("m"), Ids("a", "q", "u"), None)
    assert codec.unwrap(json.loads(made.body))["_timeout"] == asked
    assert make().read_call(delivered(json.loads(made.body))).beat == beat


@pytest.mark.parametrize(("asked", "kept"), [(None, None), (0.1, 2.0), (1.9, 2.0), (2.0, 2.0), (9.6, 9.6)])
def test_silence_is_borne_for_as_long_as_a_server_may_be_silent(asked, kept):
    assert codec.monitor_of({"call-monitor": asked}) == kept


def test_our_servers_refuse_a_version_as_oslos_do():
    reply = codec.read_failure(codec.write_failure(codec.unsupported("add", "9.0")))
    assert (reply.kind, reply.type, reply.message) == ("no_method", "UnsupportedVersion", "add, version 9.0")


@pytest.mark.parametrize("interval", [None, 0, 1, -5, "3", True, [], 1e9])
def test_an_interval_that_means_nothing_is_none(interval):
    message = {"method": "m", "_msg_id": "a", "_reply_q": "q", "_timeout": interval}
    assert make().read_call(delivered(message)).beat == 0.0


def test_the_layout_is_oslos():
    exchanges, queues = make().layout("s1", "f" * 32, Kind())
    recorded = SCENARIOS["server_start"]
    declared = [each["args"] for each in recorded if each["frame"] == "Exchange.Declare"]
    assert {(each["exchange"], each["exchange_type"], each["durable"], each["auto_delete"]) for each in declared} == {
        tuple(each) for each in exchanges
    }
    declared = [each["args"] for each in recorded if each["frame"] == "Queue.Declare"]
    assert {each["queue"].partition("fanout_")[0] for each in declared} == {
        each.name.partition("fanout_")[0] for each in queues
    }
    assert all(each["durable"] is False for each in declared)
    assert [each["arguments"] for each in declared if "fanout" in each["queue"]] == [
        dict(each.arguments) for each in queues if each.own
    ]


@pytest.mark.parametrize(
    ("kind", "durable", "arguments"),
    [
        (Kind(), (False, False), {}),
        (Kind(durable=True), (True, False), {}),
        (Kind(quorum=True), (True, False), {"x-queue-type": "quorum"}),
        (Kind(quorum=True, own_quorum=True), (True, True), {"x-queue-type": "quorum"}),
    ],
)
def test_options_change_the_layout_as_oslos_do(kind, durable, arguments):
    exchanges, queues = make().layout("s1", "id", kind)
    assert tuple(each.durable for each in exchanges) == durable
    assert [dict(each.arguments) for each in queues if not each.own] == [arguments, arguments]


def test_arguments_by_position_are_refused():
    with pytest.raises(ArgumentError, match="by position"):
        make().request(Request("add", (1,)), Ids("a", "q", "u"), None)


def test_a_wrong_version_is_refused():
    with pytest.raises(UsageError, match=r"'two'"):
        make(version="two")


def test_names_of_oslo_messagings_options_are_understood():
    query = "topic=t&amqp_durable_queues=true&rabbit_quorum_queue=True&rabbit_qos_prefetch_count=3"
    query += "&rabbit_transient_quorum_queue=false&heartbeat_timeout_threshold=0&ssl_ca_file=ca.pem"
    found = fill_options(INFO, "server", parse_address(f"amqp://h//?{query}"), {}, {})
    named = {name: found[name] for name in ("durable", "queue-type", "prefetch", "heartbeat", "cacert")}
    wanted = {"durable": True, "queue-type": "quorum-shared", "prefetch": 3, "heartbeat": None, "cacert": "ca.pem"}
    assert named == wanted


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("rabbit_quorum_queue=true", Kind(quorum=True)),
        ("rabbit_transient_quorum_queue=True&rabbit_quorum_queue=True", Kind(quorum=True, own_quorum=True)),
        ("rabbit_quorum_queue=true&rabbit_transient_quorum_queue=true", Kind(quorum=True, own_quorum=True)),
        ("rabbit_quorum_queue=false", Kind()),
        ("amqp_durable_queues=1", Kind(durable=True)),
    ],
)
def test_queues_are_what_oslo_messaging_makes_of_the_same_query(query, kind):
    assert Kind.read(fill_options(INFO, "server", parse_address(f"amqp://h//?topic=t&{query}"), {}, {})) == kind


@pytest.mark.parametrize("name", ["rabbit_stream_fanout", "kombu_compression", "use_queue_manager", "ssl"])
def test_those_without_a_counterpart_are_refused_by_name(name):
    with pytest.raises(AddressError, match=f"no option '{name}'"):
        fill_options(INFO, "server", parse_address(f"amqp://h//?topic=t&{name}=true"), {}, {})
