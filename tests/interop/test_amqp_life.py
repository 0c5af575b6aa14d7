"""A server's and a client's life on a real RabbitMQ: idle for long, reloaded, blocked; and without the library."""

import signal
import subprocess
import sys
import time

import pytest
from amqp.exceptions import error_for_code

from rpcctl.api import Connection
from rpcctl.errors import DeadlineError
from rpcctl.messages import NEVER, Result
from rpcctl.protocols.amqp.faults import explain
from rpcctl.registry import parse_address
from tests.process import running

IDLE = 3.5
"""Seconds after which a broker whose heartbeat is one second has long given up whoever is silent."""
ALARM = "rabbit_alarm:{}({{{{resource_limit, memory, node()}}, []}})."
CLEAR = "rabbit_alarm:clear_alarm({resource_limit, memory, node()})."


def test_whoever_is_idle_is_not_given_up(rabbitmq, serve, connect, topic):
    notes: list[str] = []
    at = rabbitmq.url(topic, more="heartbeat=1")
    serve(at=at, note=notes.append)
    idle, busy = connect(at), connect(at)
    idle.nothing()
    calls = busy.pipeline()
    calls.start("slow", busy.request("slow", (), {"seconds": IDLE - 0.5}))
    began = time.monotonic()
    time.sleep(IDLE)
    # The reply came while its caller was elsewhere, over the connection that the request went over.
    assert calls.collect(NEVER) == [("slow", Result(IDLE - 0.5))]
    assert time.monotonic() - began < IDLE + 0.5
    assert idle.nothing() is None
    assert [note for note in notes if "transient" not in note] == []


def test_sighup_loads_the_target_anew(rabbitmq, connect, topic, tmp_path):
    target = tmp_path / "answering.py"
    target.write_text("def answer():\n    return 1\n")
    at = rabbitmq.url(topic)
    with running("serve", str(target), "--bind", at) as server:
        server.read_address()
        client = connect(at)
        assert client.answer() == 1
        target.write_text("def answer():\n    return 'another'\n")
        server.signal(signal.SIGHUP)
        server.wait_for("reloaded")
        assert client.answer() == "another"
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


@pytest.fixture
def alarm(rabbitmq):
    """A function that has the broker out of memory, `alarm(True)`, or not."""

    def ring(on):
        rabbitmq.control("eval", ALARM.format("set_alarm") if on else CLEAR)

    yield ring
    ring(False)


def test_a_broker_out_of_memory_is_named(rabbitmq, serve, topic, alarm):
    serve(at=rabbitmq.url(topic))
    notes: list[str] = []
    with Connection(rabbitmq.url(topic), timeout=1.0, note=notes.append) as client:
        assert client.nothing() is None
        alarm(True)
        with pytest.raises(DeadlineError, match="the broker blocks publishers: low on memory") as caught:
            client.nothing()
        assert caught.value.exit_code == 28
        assert notes == ["the broker blocks publishers: low on memory"]
        calls = client.pipeline()
        calls.start("a", client.request("nothing")._replace(deadline=NEVER))
        alarm(False)
        assert calls.collect(NEVER) == [("a", Result(None))]
        assert notes[1:] == ["the broker takes messages again"]


def test_a_broker_that_takes_no_transient_queues_has_a_hint():
    # As RabbitMQ 4.3 words it.
    text = "INTERNAL_ERROR - Feature `transient_nonexcl_queues` is deprecated and not permitted"
    found = explain(parse_address("amqp://h//?topic=t"), error_for_code(541, text, (50, 10), Exception))
    assert (found.exit_code, "--queue-type quorum" in found.hint) == (2, True)
    assert "transient_nonexcl_queues" in found.message


HIDDEN = """
import sys
sys.modules.update(dict.fromkeys({hidden!r}))
from rpcctl.cli.app import main
sys.exit(main({words!r}))
"""


@pytest.mark.parametrize(
    "words",
    [
        ("call", "amqp://127.0.0.1//?topic=x", "add"),
        ("serve", "math", "--bind", "amqp://127.0.0.1//?topic=x"),
        ("call", "filesystem:///nowhere?topic=x", "add"),
    ],
)
def test_without_the_library_there_is_a_line_to_install_it(words):
    script = HIDDEN.format(hidden=["amqp", "kombu"], words=list(words))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert "pip install 'rpcctl[amqp]'" in done.stderr
    assert "Traceback" not in done.stderr
