"""A serializer of the user's around arguments, results and payloads."""

from typing import Any

import pytest

from rpcctl.errors import ArgumentError, RemoteProtocolError, UsageError
from rpcctl.messages import INSPECT, End, Failure, Item, Notification, Request, Result
from rpcctl.protocols.amqp.serializer import Serializer, load_serializer
from rpcctl.registry import parse_address

AT = parse_address("amqp://h//?topic=t")


class Envelope:
    """Puts a value and who sent it into an object."""

    def serialize_entity(self, context, entity):
        if entity == "unsendable":
            raise TypeError("no form")
        return {"of": context["user"], "is": entity}

    def deserialize_entity(self, context, entity):
        return entity["is"]


class Upper(Envelope):
    def serialize_context(self, context):
        return {key.upper(): value for key, value in context.items()}

    def deserialize_context(self, context):
        return {key.lower(): value for key, value in context.items()}


ENVELOPE: Any = Serializer(Envelope())
CALL = Request("f", (1,), {"a": 2}, context={"user": "ann"})
SENT = CALL._replace(args=({"of": "ann", "is": 1},), kwargs={"a": {"of": "ann", "is": 2}})


def echo(request):
    yield Item(request.args[0])
    yield Item(dict(request.kwargs))
    yield End()


def test_a_request_and_its_reply_go_through_it():
    assert ENVELOPE.encode(CALL) == SENT
    assert ENVELOPE.decode(CALL, Result({"is": 5})) == Result(5)
    failure = Failure("remote", "E", "x")
    assert ENVELOPE.decode(CALL, failure) == failure


def test_the_context_goes_through_it_where_it_wants_that():
    sent = Serializer(Upper()).encode(CALL)
    assert sent.context == {"USER": "ann"}
    seen: list[Request] = []

    def note(request):
        seen.append(request)
        return iter(())

    list(Serializer(Upper()).serving(note)(sent))
    assert seen == [CALL]


def test_a_server_unpacks_arguments_and_packs_results():
    assert list(ENVELOPE.serving(echo)(SENT)) == [
        Item({"of": "ann", "is": 1}),
        Item({"of": "ann", "is": {"a": 2}}),
        End(),
    ]


def test_a_notification_goes_through_it():
    found = Notification("e", 1, context={"user": "ann"})
    sent = ENVELOPE.encode_payload(found)
    assert sent.payload == {"of": "ann", "is": 1}
    assert ENVELOPE.decode_payload(sent) == found


def test_what_servers_tell_of_themselves_is_left_alone():
    asked = Request(INSPECT)
    assert ENVELOPE.encode(asked) == asked
    assert ENVELOPE.decode(asked, Result(1)) == Result(1)
    assert list(ENVELOPE.serving(lambda request: iter([Result(1)]))(asked)) == [Result(1)]


def test_its_mistakes_are_told_as_such():
    with pytest.raises(ArgumentError, match="f: --serializer: TypeError: no form"):
        ENVELOPE.encode(CALL._replace(args=("unsendable",)))
    with pytest.raises(RemoteProtocolError, match="does not read the result: TypeError"):
        ENVELOPE.decode(CALL, Result(5))
    (reply,) = ENVELOPE.serving(echo)(CALL)
    assert (reply.kind, reply.type) == ("arguments", "TypeError")
    (reply,) = ENVELOPE.serving(lambda request: iter([Result("unsendable")]))(SENT)
    assert (reply.kind, reply.message) == ("remote", "the serializer does not write the result: no form")


def test_a_cast_that_cannot_be_read_yields_nothing():
    replies = ENVELOPE.serving(echo)(CALL._replace(oneway=True))
    with pytest.raises(StopIteration) as stop:
        next(replies)
    assert stop.value.value.kind == "arguments"


def test_an_abandoned_call_is_closed():
    ended: list[bool] = []

    def endless(request):
        try:
            while True:
                yield Item(1)
        finally:
            ended.append(True)

    replies = ENVELOPE.serving(endless)(SENT)
    next(replies)
    replies.close()
    assert ended == [True]


def test_without_one_nothing_happens():
    nothing = load_serializer(AT, {})
    assert nothing.serving(echo) is echo
    assert nothing.encode(CALL) is CALL


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("envelope", "is not MODULE:NAME"),
        ("nope:x", "No module named 'nope'"),
        ("os:path", "is no serializer"),
        ("os:nope", "AttributeError"),
        ("tests.codec.test_amqp_serializer:CALL", "is no serializer"),
    ],
)
def test_what_is_no_serializer_is_refused(text, says):
    with pytest.raises(UsageError, match=says):
        load_serializer(AT, {"serializer": text})


def test_an_address_cannot_have_code_loaded():
    with pytest.raises(UsageError, match="an address cannot name a serializer"):
        load_serializer(parse_address("amqp://h//?topic=t&serializer=os:path"), {"serializer": "os:path"})


def test_one_in_the_current_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")  # Restored, whatever is added.
    (tmp_path / "own_serializer_of_test.py").write_text(
        "class One:\n    def serialize_entity(self, c, e): return e\n    deserialize_entity = serialize_entity\n"
    )
    assert load_serializer(AT, {"serializer": "own_serializer_of_test:One"}).active
