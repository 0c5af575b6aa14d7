"""`rpcctl notify` and `listen` on a real RabbitMQ: shares, pools, taps and what is given back."""

import threading

import pytest

from rpcctl.messages import Notification, Subscription
from tests.behaviour.test_oneway import wait_until


@pytest.fixture
def listen(cli, rabbitmq, topic):
    """A function that follows the topic for so long and tells the payloads."""

    def follow(*words, count="2"):
        done = cli("listen", rabbitmq.url(topic), "--count", count, "--item-timeout", "0.5", *words)
        assert done.exit_status == 0, done.stderr
        return [each["payload"] for each in done.records]

    return follow


@pytest.fixture
def tell(connect, rabbitmq, topic):
    client = connect(rabbitmq.url(topic))
    return lambda payload, **more: client.notify(Notification("event", payload, **more))


def test_what_was_heard_is_gone_and_the_rest_waits(listen, tell):
    for number in range(3):
        tell(number)
    assert listen() == [0, 1]
    assert listen() == [2]
    assert listen() == []


def test_requeue_gives_all_back(listen, tell):
    for number in range(2):
        tell(number)
    assert listen("--requeue") == [0, 1]
    assert sorted(listen()) == [0, 1]


def test_a_pool_has_a_copy_of_its_own(listen, tell, topic):
    assert listen("--pool", f"p{topic}", "--priority", "info", "--priority", "warn") == []
    tell("a")
    tell("b", priority="warn")
    assert listen() == ["a"]
    assert listen("--pool", f"p{topic}") == ["a", "b"]


def test_a_tap_sees_copies_of_all_that_goes_to_the_topic(connect, serve, listen, tell, rabbitmq, topic):
    serve(at=rabbitmq.url(topic))
    watcher = connect(rabbitmq.url(topic))
    seen: list[tuple[str, str]] = []

    def watch():
        for each in watcher.listen(Subscription((), tap=True, most=3)):
            seen.append((each.priority, each.event))

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    client = connect(rabbitmq.url(topic))

    def is_seen():
        client.nothing()
        return bool(seen)

    assert wait_until(is_seen)
    tell("x")
    client.cast("nothing")
    watching.join(5)
    assert ("call", "nothing") in seen
    assert listen() == ["x"]


@pytest.mark.parametrize(("words", "names"), [(("--tap", "--pool", "p"), "--tap"), (("--priority", "loud"), "'loud'")])
def test_what_goes_not_together_is_refused(cli, rabbitmq, topic, words, names):
    done = cli("listen", rabbitmq.url(topic), *words)
    assert (done.exit_status, names in done.stderr) == (2, True)


def test_a_wire_without_notifications_says_so(cli, at):
    done = cli("notify", at, "event")
    assert (done.exit_status, "no notifications" in done.stderr) == (2, True)
