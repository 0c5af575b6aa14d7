"""zerorpc's events: recorded ones read and written back the same, odd and broken ones."""

import json
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpcctl.errors import LocalProtocolError, RemoteProtocolError
from rpcctl.messages import REQUIRED, Description, End, Failure, Item, MethodDescription, Parameter, Request, Result
from rpcctl.protocols.zmq import codec, description

RECORDINGS = {
    each["key"]: each
    for each in json.loads((Path(__file__).parent / "zerorpc-frames.json").read_text(encoding="utf-8"))["recordings"]
}
MESSAGES = [
    (key, number, [bytes.fromhex(frame) for frame in message["frames"]], message)
    for key, recording in RECORDINGS.items()
    for number, message in enumerate(recording["messages"])
]
REPLIES = {"OK", "ERR", "STREAM", "STREAM_DONE"}


def named(messages: list[Any]) -> list[Any]:
    return [pytest.param(*each, id=f"{each[0]}-{each[1]}") for each in messages]


def event_of(key: str, name: str) -> tuple[bytes, codec.Event]:
    """The first recorded event of that name, as bytes and read."""
    frames = next(frames for its, _, frames, message in MESSAGES if its == key and message["name"] == name)
    return frames[-1], codec.unpack(frames[-1])


def reply_of(key: str, name: str, method: str = "fail") -> Any:
    return codec.read_reply(event_of(key, name)[1], method)


def test_every_recorded_message_is_read():
    for key, number, frames, message in MESSAGES:
        header, name, _ = codec.unpack(frames[-1])
        assert name == message["name"], (key, number)
        assert header["message_id"]
        assert ("response_to" in header) == (number > 0 and header.get("response_to") is not None), (key, number)


def is_ours_to_write(key: str, frames: list[bytes], message: Any) -> bool:
    header = codec.unpack(frames[-1])[0]
    python3 = not key.startswith(("node_", "py27_", "raw_"))
    return python3 and header.get("v") == 3


@pytest.mark.parametrize(
    ("key", "number", "frames", "message"), named([each for each in MESSAGES if is_ours_to_write(each[0], *each[2:])])
)
def test_given_the_ids_our_bytes_are_those_of_zerorpc(key, number, frames, message):
    header, name, args = codec.unpack(frames[-1])
    if "response_to" not in header:
        request = Request(name, tuple(args), context=codec.context_of(header))
        assert codec.pack_request(request, header["message_id"]) == frames[-1]
    elif name in codec.SIGNALS:
        assert codec.pack_signal(name, args, header["message_id"], header["response_to"]) == frames[-1]
    elif not codec.context_of(header):
        reply = codec.read_reply((header, name, args), "")
        if isinstance(reply, Failure):
            reply = reply._replace(kind="remote")
        assert codec.pack_reply(reply, header["message_id"], header["response_to"]) == frames[-1]


FAILURES = [
    ("error", "fail", "remote", "ValueError", "boom"),
    ("error_unknown_method", "nope", "no_method", "NameError", "nope"),
    ("error_bad_args", "add", "arguments", "TypeError", "add() missing 1 required positional argument: 'a'"),
    ("error_unserializable", "unserializable", "remote", "TypeError", "can not serialize 'object' object"),
    ("py27_server_error", "fail", "remote", "ValueError", "boom"),
    ("raw_v1_error", "fail", "remote", "RemoteError", "ValueError('boom')"),
    ("inspect_py311", "_zerorpc_inspect", "remote", "AttributeError", "getargspec"),
    ("node_client_error", "fail", "remote", "ValueError", "boom"),
]


@pytest.mark.parametrize(("key", "method", "kind", "type_", "message"), FAILURES)
def test_recorded_errors_are_told_apart(key, method, kind, type_, message):
    failure = reply_of(key, "ERR", method)
    assert (failure.kind, failure.type) == (kind, type_)
    assert message in failure.message


ERRORS = [
    # header's kind, args of ERR, what is read for a call of `m`
    (None, ["TypeError", "bad", None], ("remote", "TypeError", "bad", "")),
    (None, ["TypeError", "bad", 'Traceback\n  File "user.py", line 1\n'], ("remote", "TypeError", "bad", None)),
    (
        None,
        ["TypeError", "bad", 'T\n  File "/x/zerorpc/decorators.py", line 44'],
        ("arguments", "TypeError", "bad", None),
    ),
    (None, ["NameError", "m", 'T\n  File "user.py", line 1'], ("remote", "NameError", "m", None)),
    (None, ["NameError", "m", None], ("no_method", "NameError", "m", "")),
    (None, ["NameError", "other", None], ("remote", "NameError", "other", "")),
    ("busy", ["ServerBusy", "later", None], ("busy", "ServerBusy", "later", "")),
    ("nonsense", ["E", "m", None], ("remote", "E", "m", "")),
    (["unhashable"], ["E", "m", None], ("remote", "E", "m", "")),
    (None, ["only a message", None, None], ("remote", "RemoteError", "only a message", "")),
    (None, ["repr()"], ("remote", "RemoteError", "repr()", "")),
    (None, "scalar", ("remote", "RemoteError", "scalar", "")),
    (None, ["E", "m"], ("remote", "E", "m", "")),
    (None, ["E", "m", "t", "more"], ("remote", "E", "m", "t")),
    (None, [b"E", b"\xff", b"t"], ("remote", "E", "\ufffd", "t")),
    (None, [1, {"a": 1}, 7], ("remote", "1", "{'a': 1}", "")),
]


@pytest.mark.parametrize(("kind", "args", "expected"), ERRORS)
def test_errors_of_any_shape_are_read(kind, args, expected):
    header = {"message_id": "x", **({} if kind is None else {"kind": kind})}
    failure = codec.read_reply((header, "ERR", args), "m")
    assert isinstance(failure, Failure)
    assert failure[:3] == expected[:3]
    assert expected[3] is None or failure.traceback == expected[3]


@pytest.mark.parametrize("kind", ["remote", "no_method", "arguments", "timeout", "busy", "lost", "protocol"])
def test_our_own_ends_keep_the_kind(kind):
    failure = Failure(kind, "E", "message", "trace")
    assert codec.read_reply(codec.unpack(codec.pack_reply(failure, "a", "b")), "m") == failure


def test_an_error_without_traceback_has_nil_in_its_place():
    assert msgpack.unpackb(codec.pack_reply(Failure("remote", "E", ""), "a", "b"))[2] == ["E", "", None]


def test_a_client_of_version_1_gets_an_error_of_one_element():
    assert msgpack.unpackb(codec.pack_reply(Failure("remote", "E", "boom"), "a", "b", 1))[2] == ["E('boom')"]


@pytest.mark.parametrize("reply", [Result(None), Result([1]), Item(b"\xff"), Item([0, "tick"]), End()])
def test_replies_survive(reply):
    found = codec.read_reply(codec.unpack(codec.pack_reply(reply, "a", b"b")), "m")
    assert found == reply
    assert type(found) is type(reply)


@pytest.mark.parametrize("id", ["text", b"bin", b"\xff\xfe"])
def test_ids_keep_their_type(id):
    header = codec.unpack(codec.pack_reply(End(), "a", id))[0]
    assert header["response_to"] == id


BROKEN = [
    (b"", "not MessagePack"),
    (b"\xc1", "not MessagePack"),
    (b"\x93", "not MessagePack"),
    (b"\x93\x80\xa1x", "not MessagePack"),
    (b"\x91" * 5000, "not MessagePack"),
    (b"\xdd\xff\xff\xff\xff", "not MessagePack"),
    (msgpack.packb(1), "array of three"),
    (msgpack.packb([]), "array of three"),
    (msgpack.packb([{}, "a", [], 1]), "array of three"),
    (msgpack.packb({0: 1, 1: 2, 2: 3}), "array of three"),
    (msgpack.packb([[], "a", []]), "header is no map"),
    (msgpack.packb([{"message_id": "x"}, 7, []]), "name is no text"),
    (b"GET / HTTP/1.1\r\n\r\n", "array of three"),
]


@pytest.mark.parametrize(("data", "why"), BROKEN)
def test_what_is_no_event_is_said_to_be_none(data, why):
    with pytest.raises(RemoteProtocolError, match=why):
        codec.unpack(data)


LENIENT = [
    (msgpack.packb([{b"message_id": b"x", b"v": 3}, b"add", [1]]), ({"message_id": b"x", "v": 3}, "add", [1])),
    (msgpack.packb([{"message_id": "x"}, "add", [{1: "a"}]]), ({"message_id": "x"}, "add", [{1: "a"}])),
    (msgpack.packb([{"message_id": "x"}, "add", [1]]) + b"trailing", ({"message_id": "x"}, "add", [1])),
    (
        msgpack.packb([{"message_id": "x"}, "add", ["é"]])[:-2] + b"\xc3\xff",
        ({"message_id": "x"}, "add", [b"\xc3\xff"]),
    ),
    (msgpack.packb([{"message_id": "x"}, "add", None]), ({"message_id": "x"}, "add", None)),
]


@pytest.mark.parametrize(("data", "event"), LENIENT)
def test_what_can_be_understood_is(data, event):
    assert codec.unpack(data) == event


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_our_error(data):
    try:
        header, name, _ = codec.unpack(data)
    except RemoteProtocolError:
        return
    assert isinstance(header, dict)
    assert isinstance(name, str)


@given(st.sampled_from([frames[-1] for _, _, frames, _ in MESSAGES]), st.data())
def test_damaged_recordings_are_an_event_or_our_error(data, draw):
    cut = draw.draw(st.integers(0, len(data)))
    changed = data[:cut] + draw.draw(st.binary(max_size=8)) + data[cut + draw.draw(st.integers(0, 8)) :]
    try:
        event = codec.unpack(changed)
    except RemoteProtocolError:
        codec.salvage_header(changed)
        return
    try:
        codec.read_reply(event, "m")
    except RemoteProtocolError:
        pass  # An event, but no reply.


NOT_REPLIES = [("OK", []), ("OK", 5), ("OK", None), ("ERR", []), ("FOO", [1]), ("add", [1, 2])]


@pytest.mark.parametrize(("name", "args"), NOT_REPLIES)
def test_what_answers_nothing_breaks_the_rules(name, args):
    with pytest.raises(RemoteProtocolError):
        codec.read_reply(({}, name, args), "m")


UNSENDABLE = [object(), {1, 2}, 1 << 64, -(1 << 63) - 1, "\ud800"]


@pytest.mark.parametrize("value", UNSENDABLE)
def test_what_has_no_form_is_our_error(value):
    with pytest.raises(LocalProtocolError):
        codec.pack_reply(Result(value), "a", "b")
    with pytest.raises(LocalProtocolError):
        codec.pack_request(Request("m", (value,)), "a")


def test_a_value_nested_too_deep_is_our_error():
    deep: list[Any] = []
    for _ in range(2000):
        deep = [deep]
    with pytest.raises(LocalProtocolError):
        codec.pack_reply(Result(deep), "a", "b")


def test_named_arguments_are_refused():
    with pytest.raises(LocalProtocolError, match="colour="):
        codec.pack_request(Request("m", kwargs={"colour": 1}), "a")


def test_a_one_way_request_asks_zerorpc_for_no_heartbeats():
    header = codec.unpack(codec.pack_request(Request("m", oneway=True), "a"))[0]
    assert header == {"message_id": "a", "v": 1, "oneway": True}


def test_context_travels_in_the_header_and_cannot_forge_it():
    header = codec.unpack(codec.pack_request(Request("m", context={"trace_id": "t", "message_id": "x"}), "a"))[0]
    assert header == {"message_id": "a", "v": 3, "trace_id": "t"}
    assert codec.context_of(header) == {"trace_id": "t"}


ENVELOPES = [
    ([b"id", b"", b"event"], [b"id"]),
    ([b"id", b"event"], [b"id"]),
    ([b"id", b"route", b"", b"event"], [b"id", b"route"]),
    ([b"id", b"a", b"b", b"", b"event"], [b"id", b"a", b"b"]),
]


@pytest.mark.parametrize(("frames", "envelope"), ENVELOPES)
def test_the_envelope_is_all_that_leads_back(frames, envelope):
    assert codec.split(frames) == (envelope, b"event")


def test_ids_are_32_hex_digits_and_never_the_same():
    new_id = codec.message_ids("0" * 20)
    found = {new_id() for _ in range(1000)}
    assert len(found) == 1000
    assert all(len(each) == 32 and int(each, 16) for each in found)


SERVICE = Description(
    "Demo",
    (
        MethodDescription("add", (Parameter("a", type="int"), Parameter("b", default=2)), "int", "Add.\n\nBoth."),
        MethodDescription("rest", (Parameter("xs", "rest"), Parameter("k", "named", 1), Parameter("kw", "more"))),
        MethodDescription("unknown"),
        MethodDescription("count", (Parameter("n", "positional"),), stream=True),
        MethodDescription("odd", (Parameter("x", default={1, 2}),), exact=False),
    ),
)


def test_inspect_has_zerorpcs_shape():
    found = description.to_inspect(SERVICE)
    assert found["name"] == "Demo"
    assert found["methods"]["add"]["args"] == [{"name": "a"}, {"name": "b", "default": 2}]
    assert found["methods"]["add"]["doc"] == "Add.\n\nBoth."
    assert found["methods"]["rest"]["args"] == []
    assert found["methods"]["unknown"]["args"] is None
    assert found["methods"]["odd"]["args"] == [{"name": "x", "default": "{1, 2}"}]


def test_inspect_survives_between_our_own_ends():
    found = msgpack.unpackb(msgpack.packb(description.to_inspect(SERVICE)))
    expected = SERVICE.methods[:-1]
    assert description.from_inspect(found).methods[:-1] == expected
    assert not description.from_inspect(found).methods[-1].exact


BUILT_INS = [
    ("_zerorpc_name", [], Result("Demo")),
    ("_zerorpc_ping", [], Result(("pong", "Demo"))),
    ("_zerorpc_list", [], Result(["add", "rest", "unknown", "count", "odd"])),
    ("_zerorpc_help", ["add"], Result("Add.\n\nBoth.")),
    ("_zerorpc_help", ["rest"], Result(None)),
    ("_zerorpc_help", [b"add"], Result("Add.\n\nBoth.")),
    ("_zerorpc_help", ["nope"], Failure("remote", "KeyError", "'nope'")),
    ("_zerorpc_args", ["add"], Result([["a", "b"], None, None, [2]])),
    ("_zerorpc_args", ["rest"], Result([[], "xs", "kw", None])),
    ("_zerorpc_args", ["unknown"], Result(None)),
]


@pytest.mark.parametrize(("name", "args", "reply"), BUILT_INS)
def test_built_in_methods(name, args, reply):
    assert description.answer(name, args, SERVICE) == reply


@pytest.mark.parametrize(("name", "args"), [("_zerorpc_name", [1]), ("_zerorpc_help", []), ("_zerorpc_args", [1, 2])])
def test_built_in_methods_count_their_arguments(name, args):
    failure = description.answer(name, args, SERVICE)
    assert isinstance(failure, Failure)
    assert failure.kind == "arguments"


@pytest.mark.parametrize("key", ["inspect", "py27_server_inspect", "node_server_inspect"])
def test_recorded_descriptions_are_read(key):
    found = description.from_inspect(reply_of(key, "OK").value)
    assert found.name in ("Demo", "Object")
    method = found.find("count")
    assert method is not None
    assert method.parameters == (Parameter("n"),)


def test_a_recorded_description_has_defaults_and_documentation():
    method = description.from_inspect(reply_of("inspect", "OK").value).find("add")
    assert method is not None
    assert method.parameters == (Parameter("a"), Parameter("b", default=2))
    assert method.doc == "Add two numbers.\n\nThe second one defaults to 2."


def test_a_method_is_described_by_the_older_calls():
    args = reply_of("args", "OK").value
    method = description.from_parts("add", reply_of("help", "OK").value, args)
    assert method.parameters == (Parameter("a"), Parameter("b", default=2))
    assert method.doc.startswith("Add two numbers.")


ODD: list[Any] = [
    None,
    5,
    {},
    {"name": 1, "methods": [1]},
    {"methods": {"m": None, 2: {}}},
    {"methods": {"m": {"args": [1, {}]}}},
]


@pytest.mark.parametrize("value", ODD)
def test_a_description_of_any_shape_is_read(value):
    found = description.from_inspect(value)
    assert found.name == ""
    for method in found.methods:
        assert all(parameter.default is REQUIRED for parameter in method.parameters or ())
