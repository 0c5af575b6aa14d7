"""Calls written for oslo.messaging's own library: what stands in the script, and what must not."""

import pytest

from rpcctl.errors import UsageError
from rpcctl.interfaces import Settings
from rpcctl.messages import Request
from rpcctl.protocols.amqp.snippets import write_python
from rpcctl.registry import parse_address

CALL = Request("add", (), {"a": 2})
SCRIPTS = [
    # address, options, request, what stands in it
    ("amqp://h//", {}, CALL, "url='rabbit://guest:guest@h:5672//'"),
    ("amqp://h/v%2Fw", {}, CALL, "@h:5672/v%2Fw"),
    ("amqp://ann@h1,h2/", {"cacert": "x"}, CALL, "'rabbit://ann:guest@h1:5672,ann:guest@h2:5672/'"),
    ("amqps://h//", {"cacert": "ca.pem"}, CALL, "?ssl=true&ssl_ca_file=ca.pem'"),
    ("amqp://h//", {"namespace": "n", "version": "2.0"}, CALL, "namespace='n', version='2.0')"),
    ("amqp://h//", {"server": "s", "exchange": "e"}, CALL, "Target(exchange='e', topic='t', server='s')"),
    ("amqp://h//", {"context": ("n=3", "user=ann")}, CALL, "call({'n': 3, 'user': 'ann'}, 'add', **{'a': 2})"),
    ("amqp://h//", {"call-monitor": 2.4}, CALL, "target, call_monitor_timeout=2)"),
    ("amqp://h//", {}, Request("nop", oneway=True, fanout=True), "fanout=True"),
    ("amqp://h//", {}, Request("nop", oneway=True), "client.cast({}, 'nop')"),
    ("amqp://ann:s3cret@h/{x}", {}, CALL, "url=f'rabbit://ann:{password}@h:5672/%7Bx%7D'"),
    ("amqp://ann@h/", {"password-file": "p w"}, CALL, "open('p w')"),
]


@pytest.mark.parametrize(("at", "options", "request_", "text"), SCRIPTS)
def test_a_call_becomes_a_script(at, options, request_, text):
    script = write_python(parse_address(at), request_, Settings({"topic": "t", **options}))
    compile(script, "script", "exec")
    assert text in script
    assert "s3cret" not in script


@pytest.mark.parametrize(("at", "dialect"), [("amqp://h//", "plain"), ("filesystem:///x", "oslo")])
def test_only_what_oslo_messaging_speaks_has_a_script(at, dialect):
    with pytest.raises(UsageError, match=r"is for oslo\.messaging"):
        write_python(parse_address(at), CALL, Settings({"topic": "t", "dialect": dialect}))
