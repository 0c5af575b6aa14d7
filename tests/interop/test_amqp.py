"""oslo.messaging's stock ends through a real RabbitMQ, in both directions."""

import time

import pytest

from rpcctl.errors import DeadlineError, MethodNotFoundError, RemoteError
from rpcctl.hosting import Server
from rpcctl.messages import NEVER, Result
from tests import sample
from tests.behaviour.test_oneway import wait_until

UNROUTABLE = 1.0
"""Seconds within which an unserved topic must have been told; a stock client waits for a minute."""


class Calc:
    """Fails as the stock peer's does."""

    def __init__(self, name):
        self.name = name

    def fail(self):
        raise ValueError("bad value", 42)

    def who(self):
        return self.name


class Doubled:
    """A serializer that sends everything twice."""

    def serialize_entity(self, context, entity):
        return [entity, entity]

    def deserialize_entity(self, context, entity):
        first, second = entity
        assert first == second
        return first


@pytest.fixture
def stock_url(rabbitmq):
    """The broker as oslo.messaging spells it."""
    return f"rabbit://guest:guest@127.0.0.1:{rabbitmq.port}//"


@pytest.fixture
def stock_server(peer, stock_url, topic):
    """A function that starts a server of oslo.messaging and waits until it serves."""

    def start(name="s1"):
        found = peer("oslo_peer.py", "server", stock_url, topic, name)
        assert found.read() == "ready"
        return found

    return start


@pytest.fixture
def stock_client(peer, stock_url, topic):
    """A function that makes a stock client call: its outcome."""
    found = peer("oslo_peer.py", "client", stock_url)

    def call(method, *, target=None, **options):
        found.tell(method, {"target": target or {"topic": topic}, **options}, {})
        return found.read()

    return call


@pytest.fixture
def to_stock(rabbitmq, stock_server, connect, topic):
    """A function that connects to a stock server, `to_stock(query, **options)`."""
    stock_server()
    return lambda more="", **options: connect(rabbitmq.url(topic, more=more), **options)


CALLS: list[tuple[str, dict[str, object], object]] = [
    ("add", {"x": 2, "y": 3}, 5),
    ("echo", {"value": {"é": [1, None, 2.5, "漢", True]}}, {"é": [1, None, 2.5, "漢", True]}),
    ("echo", {"value": 2**70}, 2**70),
    ("nothing", {}, None),
    ("context", {}, {"user": "ann", "n": 3}),
]


def test_our_client_calls_a_stock_server(to_stock):
    client = to_stock(options={"context": ["user=ann", "n=3"]})
    for method, kwargs, value in CALLS:
        assert client.call(method, **kwargs) == value
    with pytest.raises(RemoteError) as caught:
        client.fail()
    assert (caught.value.type, caught.value.message) == ("ValueError", "ValueError: ('bad value', 42)")
    assert 'raise ValueError("bad value", 42)' in caught.value.traceback
    with pytest.raises(RemoteError, match="Boom: boom"):
        client.boom()
    with pytest.raises(RemoteError, match="missing 1 required"):
        client.add(x=1)
    with pytest.raises(MethodNotFoundError, match="no method 'nope'"):
        client.nope()


def test_casts_and_fanout_reach_stock_servers(to_stock, stock_server):
    stock_server("s2")
    client = to_stock()
    for how in ("cast", "fanout"):
        list(client.send(client.request("remember", (), {"value": how}, oneway=True, fanout=how == "fanout")))
    ends = [to_stock(f"server={name}") for name in ("s1", "s2")]
    wanted = ["cast", "fanout", "fanout"]
    assert wait_until(lambda: sorted(each for end in ends for each in end.remembered()) == wanted)


def test_one_server_of_a_topic_is_called_by_name(to_stock):
    assert to_stock("server=s1").who() == "s1"
    began = time.monotonic()
    with pytest.raises(MethodNotFoundError, match="s2"):
        to_stock("server=s2").who()
    assert time.monotonic() - began < UNROUTABLE


def test_namespace_and_version_find_their_endpoint(to_stock):
    assert to_stock("namespace=admin&version=2.1").stop(why="x") == "stopping: x"
    for more in ("namespace=admin&version=2.4", "namespace=zzz", "version=9.0"):
        with pytest.raises(MethodNotFoundError, match="version"):
            to_stock(more).stop(why="x")


def test_a_long_call_to_a_stock_server_is_kept_alive_by_its_signs_of_life(to_stock):
    assert to_stock(options={"call-monitor": 2.0}).slow(seconds=3) == "done"


def test_a_stock_server_shows_that_it_is_there(to_stock):
    client = to_stock()
    presence = client.presence()
    assert (presence.name, presence.notes["consumers"], presence.notes["waiting"]) == ("", 1, 0)
    with pytest.raises(MethodNotFoundError, match="does not tell its methods") as caught:
        client.describe()
    assert "consumers 1" in caught.value.hint


def test_a_stock_client_calls_our_server(rabbitmq, serve, stock_client, topic):
    sample._memory.clear()
    serve(sample, rabbitmq.url(topic))
    assert stock_client("add", kwargs={"a": 2, "b": 3}) == ["ok", 5]
    assert stock_client("echo", kwargs={"value": {"é": [1, None]}}) == ["ok", {"é": [1, None]}]
    assert stock_client("count", kwargs={"n": 3}) == ["ok", [0, 1, 2]]
    assert stock_client("nothing") == ["ok", None]
    assert stock_client("fail", kwargs={"message": "no"}) == ["error", "ValueError", "builtins", "no"]
    assert stock_client("add", kwargs={"a": 2})[:3] == ["error", "TypeError", "builtins"]
    dispatcher = "oslo_messaging.rpc.dispatcher_Remote"
    assert stock_client("nope")[:3] == ["error", "NoSuchMethod_Remote", dispatcher]
    assert stock_client("_hidden")[:3] == ["error", "NoSuchMethod_Remote", dispatcher]
    wrong = stock_client("add", target={"topic": topic, "namespace": "zzz"})
    assert wrong[:3] == ["error", "UnsupportedVersion_Remote", dispatcher]
    for how in ("cast", "fanout"):
        assert stock_client("remember", kwargs={"value": how}, how=how) == ["ok", None]
    assert wait_until(lambda: sorted(sample._memory) == ["cast", "fanout"])


def test_a_stock_client_finds_our_endpoints(rabbitmq, serve, stock_client, topic):
    at = rabbitmq.url(topic, more="server=one")
    endpoints = {"namespace": ["tests.sample=", "statistics=numbers"], "version": ["statistics=2.3"]}
    serve(["tests.sample", "statistics"], at, options=endpoints)
    target = {"topic": topic, "namespace": "numbers", "version": "2.1"}
    assert stock_client("mean", kwargs={"data": [1, 3]}, target=target) == ["ok", 2]
    target = {"topic": topic, "server": "one"}
    assert stock_client("add", kwargs={"a": 1, "b": 2}, target=target) == ["ok", 3]


def test_an_exception_is_made_again_from_what_it_was_made_with(rabbitmq, serve, stock_client, stock_server, topic):
    stock_server()
    serve(Calc("ours"), rabbitmq.url(f"our-{topic}"))
    theirs, ours = (stock_client("fail", target={"topic": each}) for each in (topic, f"our-{topic}"))
    assert ours[:3] == theirs[:3] == ["error", "ValueError", "builtins"]
    # The stock client puts the traceback into the first of the arguments.
    assert all(text.endswith(", 42)") for text in (ours[3], theirs[3]))


@pytest.mark.parametrize(
    "query",
    [
        "amqp_durable_queues=true",
        "rabbit_quorum_queue=true",
        "rabbit_quorum_queue=true&rabbit_transient_quorum_queue=true",
    ],
)
def test_a_stock_server_joins_ours_where_both_have_the_same_options(rabbitmq, serve, peer, connect, topic, query):
    at = rabbitmq.url(topic, vhost="other", more=query)
    serve(Calc("ours"), at)
    stock = peer("oslo_peer.py", "server", f"rabbit://guest:guest@127.0.0.1:{rabbitmq.port}/other?{query}", topic, "s1")
    assert stock.read() == "ready"
    client = connect(at)
    assert wait_until(lambda: {client.who() for _ in range(4)} == {"ours", "s1"})


def test_a_serializer_stands_between_both_ends(rabbitmq, serve, connect, topic):
    options = {"serializer": "tests.interop.test_amqp:Doubled", "context": ["user=ann"]}
    served = {"serializer": options["serializer"]}
    serve(at=rabbitmq.url(topic), options=served)
    client = connect(rabbitmq.url(topic), options=options)
    assert client.echo(value={"a": [1]}) == {"a": [1]}
    assert client.describe().find("add")
    calls = client.pipeline()
    calls.start("a", client.request("add", (), {"a": 1, "b": 2}))
    assert calls.collect(NEVER) == [("a", Result(3))]
    assert connect(rabbitmq.url(topic)).call("echo", value=[5, 5]) == [5, 5]


WHO = """
from rpcctl import Context

def who(context: Context, greeting="hello"):
    return f"{greeting} {context.get('user')}"
"""


@pytest.mark.parametrize("workers", [0, 1])
def test_the_context_is_handed_to_methods_that_ask_for_it(rabbitmq, serve, stock_client, topic, tmp_path, workers):
    (tmp_path / "who.py").write_text(WHO)
    serve(str(tmp_path / "who.py"), rabbitmq.url(topic), workers=workers)
    assert stock_client("who", context={"user": "ann"}) == ["ok", "hello ann"]
    assert stock_client("who", kwargs={"greeting": "hi"}) == ["ok", "hi None"]
    assert stock_client("who", kwargs={"context": {"user": "eve"}})[:2] == ["error", "TypeError"]


def test_our_server_says_that_it_is_still_at_it(rabbitmq, serve, stock_client, topic):
    serve(at=rabbitmq.url(topic))
    assert stock_client("slow", kwargs={"seconds": 2.5}, monitor=2) == ["ok", 2.5]


def test_a_server_that_says_nothing_is_noticed_before_the_time_limit(rabbitmq, connect, topic):
    with Server("tests.sample", rabbitmq.url(topic)):
        pass  # Its queue stays, and nobody takes from it.
    client = connect(rabbitmq.url(topic), options={"call-monitor": 0.3})
    with pytest.raises(DeadlineError, match="--call-monitor"):
        client.nothing()


NOTIFICATIONS = [("messagingv2", "info"), ("messaging", "warn")]


@pytest.mark.parametrize(("driver", "priority"), NOTIFICATIONS)
def test_we_hear_a_stock_notifier(rabbitmq, peer, stock_url, topic, cli, driver, priority):
    notifier = peer("oslo_peer.py", "notifier", stock_url, topic, driver)
    for number in range(2):
        notifier.tell("compute.start", {"id": number}, {"priority": priority})
        assert notifier.read() == "sent"
    found = cli("listen", rabbitmq.url(topic), "--priority", priority, "--count", "2", "--max-time", "10").records
    assert [each["payload"] for each in found] == [{"id": 0}, {"id": 1}]
    wanted = {"priority": priority, "event": "compute.start", "publisher": "compute.h1"}
    assert all(each.items() >= wanted.items() and each["id"] and each["timestamp"] for each in found)


@pytest.mark.parametrize("form", ["v1", "v2"])
def test_a_stock_listener_hears_us(rabbitmq, peer, stock_url, topic, cli, form):
    listener = peer("oslo_peer.py", "listener", stock_url, topic, "info,warn", "")
    assert listener.read() == "ready"
    at = rabbitmq.url(topic)
    words = ("--publisher", "compute.h1", "--notification-format", form)
    assert cli("notify", at, "compute.end", '{"id": 7}', *words).exit_status == 0
    assert listener.read() == ["info", "compute.h1", "compute.end", {"id": 7}]
    assert cli("notify", at, "disk.low", "free=3", "name=x", "--priority", "warn", *words).exit_status == 0
    assert listener.read() == ["warn", "compute.h1", "disk.low", {"free": 3, "name": "x"}]
