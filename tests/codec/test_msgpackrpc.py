"""MessagePack-RPC's messages: recorded ones read and written the same, split anywhere, odd and broken ones."""

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpcctl.errors import LocalProtocolError, RemoteProtocolError
from rpcctl.messages import FAILURES, REQUIRED, Description, Failure, MethodDescription, Parameter, Request, Result
from rpcctl.protocols.msgpackrpc import codec, description, faults
from rpcctl.protocols.msgpackrpc.codec import BadMessageError, Packer, Stream

FRAMES = json.loads((Path(__file__).parent / "neovim-frames.json").read_text(encoding="utf-8"))["frames"]
MALFORMED = [each for each in FRAMES if each["case"].startswith("malformed") and each["from"] == "client"]
SENT = [each for each in FRAMES if each["from"] == "client" and each not in MALFORMED]
RECEIVED = [each for each in FRAMES if each["from"] == "server"]
MOST = 1 << 20


def named(frames: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(bytes.fromhex(each["hex"]), each["message"], id=each["case"]) for each in frames]


def as_read(value: Any) -> Any:
    """A recorded value as it is read: extension types are Neovim's handles."""
    if isinstance(value, dict) and value.keys() == {"ext", "data"}:
        return msgpack.unpackb(bytes.fromhex(value["data"]))
    if isinstance(value, list):
        return [as_read(each) for each in value]
    return value


def as_sent(value: Any) -> Any:
    """A recorded argument as a user types it."""
    if isinstance(value, dict) and value.keys() == {"ext", "data"}:
        return {"$ext": [value["ext"], bytes.fromhex(value["data"])]}
    return [as_sent(each) for each in value] if isinstance(value, list) else value


def read(*pieces: bytes, **options: Any) -> list[codec.Message]:
    """All messages of a stream that is fed these pieces."""
    stream = Stream(MOST, **options)
    found = []
    for piece in pieces:
        stream.feed(piece)
        while (message := stream.take()) is not None:
            found.append(message)
    return found


@pytest.mark.parametrize(("data", "message"), named(SENT))
def test_recorded_messages_of_clients_are_written_byte_for_byte(data, message):
    packer = Packer()
    if message[0] == codec.REQUEST:
        written = packer.request(Request(message[2], tuple(as_sent(message[3]))), message[1])
    elif message[0] == codec.NOTIFICATION:
        written = packer.notification(Request(message[1], tuple(as_sent(message[2]))))
    else:
        written = packer.pack(tuple(message))
    assert written == data


@pytest.mark.parametrize(("data", "message"), named(SENT + RECEIVED))
def test_recorded_messages_are_read(data, message):
    assert read(data) == [as_read(message)]


@pytest.mark.parametrize(("data", "message"), named(RECEIVED[:8]))
def test_messages_may_be_split_at_every_byte(data, message):
    for cut in range(len(data) + 1):
        assert read(data[:cut], data[cut:]) == [as_read(message)]


def test_messages_may_come_byte_by_byte_or_all_at_once():
    whole = b"".join(bytes.fromhex(each["hex"]) for each in RECEIVED)
    messages = [as_read(each["message"]) for each in RECEIVED]
    assert read(whole) == messages
    assert read(*(bytes([byte]) for byte in whole)) == messages


@pytest.mark.parametrize(("data", "message"), named(MALFORMED))
def test_recorded_malformed_messages_are_refused(data, message):
    with pytest.raises(BadMessageError):
        read(data)


@pytest.mark.parametrize(
    ("value", "id"),
    [
        ([], 0),
        ([0], 0),
        ([3, 1, "x", []], 0),
        ([True, 1, "x", []], 0),
        (["0", 1, "x", []], 0),
        ([0, 1, "x"], 0),
        ([0, 1, "x", [], None], 0),
        ([0, -1, "x", []], 0),
        ([0, 1 << 32, "x", []], 0),
        ([0, "1", "x", []], 0),
        ([0, 7, 5, []], 7),
        ([0, 7, "x", {}], 7),
        ([0, 7, "x", None], 7),
        ([1, None, None, 1], 0),
        ([2, "x"], 0),
        ([2, "x", "y"], 0),
        (5, 0),
        (None, 0),
        ({"a": 1}, 0),
    ],
)
def test_what_is_no_message_is_refused_under_its_id(value, id):
    with pytest.raises(BadMessageError) as caught:
        read(msgpack.packb(value))
    assert caught.value.id == id


def test_a_method_written_as_bin_is_text():
    assert read(msgpack.packb([0, 1, b"add", [b"x"]])) == [[0, 1, "add", [b"x"]]]


@pytest.mark.parametrize("data", [b"\xc1", b"GET / HTTP/1.1\r\n", b"\xdf\xff\xff\xff\xff", b"\x81\x90\x01"])
def test_garbage_is_refused(data):
    with pytest.raises(RemoteProtocolError):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x94\x00\x01\xa1x\xdd\x7f\xff\xff\xff",
        b"\x94\x00\x01\xa1x\xdd\xff\xff\xff\xff",
        b"\x94\x00\x01\xa1x\x91\xdf\x7f\xff\xff\xff",
        b"\x94\x00\x01\xa1x" + b"\x91" * 5000,
    ],
)
def test_announced_sizes_and_depths_beyond_the_limit_are_refused_at_once(data):
    with pytest.raises(RemoteProtocolError):
        read(data)


@pytest.mark.parametrize(
    "announced",
    [
        b"\x94\x00\x01\xa1x\x91\xc6\x80\x00\x00\x00",
        b"\x94\x00\x01\xdb\xff\xff\xff\xff",
        b"\x94\x00\x01\xa1x\x91\xc9\x7f\xff\xff\xff\x05",
    ],
)
def test_announced_lengths_beyond_the_limit_are_refused_when_so_much_has_come(announced):
    assert read(announced, bytes(MOST // 2)) == []
    with pytest.raises(RemoteProtocolError):
        read(announced, *[bytes(1 << 16)] * 17)


def test_a_message_that_grows_over_the_limit_is_refused():
    stream = Stream(1000)
    stream.feed(b"\x94\x00\x01\xa1x\xdc\x03\xe8")
    assert stream.take() is None
    stream.feed(b"\x93\x01\x02\x03" * 300)
    with pytest.raises(RemoteProtocolError, match="over 1000 bytes"):
        stream.take()


def test_a_message_just_over_the_limit_is_refused_and_one_at_it_is_not():
    data = msgpack.packb([0, 1, "x", [b"a" * 500]])
    stream = Stream(len(data))
    stream.feed(data * 2)
    assert stream.take()
    stream = Stream(len(data) - 1)
    stream.feed(data)
    with pytest.raises(RemoteProtocolError):
        stream.take()


def test_a_stream_says_when_it_is_in_the_middle_of_a_message():
    stream = Stream(MOST)
    assert not stream.is_partial()
    stream.feed(b"\x94\x00\x01\xa1x")
    assert stream.take() is None
    assert stream.is_partial()
    stream.feed(b"\x90")
    assert stream.take() == [0, 1, "x", []]
    assert not stream.is_partial()


def test_a_stream_knows_the_bytes_of_each_message():
    messages = [msgpack.packb([0, 1, "x", []]), msgpack.packb([2, "y", [b"\xff" * 40]])]
    stream = Stream(MOST)
    stream.feed(b"".join(messages) + b"\x94")
    for each in messages:
        stream.take()
        assert stream.last_bytes() == each
    stream.feed(b"\x00")
    assert stream.next_bytes() == b"\x94\x00"


def test_text_that_is_no_utf8_is_bytes_and_all_else_stays_text():
    odd = b"\x94\x01\x01\xc0\x93\xa2\xff\x00\xa3h\xc3\xa9\x81\xa1\xfe\x05"
    after = msgpack.packb([1, 2, None, "é"])
    messages = [[1, 1, None, [b"\xff\x00", "hé", {b"\xfe": 5}]], [1, 2, None, "é"]]
    assert read(odd + after + odd) == [*messages, messages[0]]
    for cut in range(len(odd) + 1):
        assert read(odd[:cut], odd[cut:] + after) == messages


@pytest.mark.parametrize(
    ("ext", "shown", "kept"),
    [
        (msgpack.ExtType(0, b"\x01"), 1, {"$ext": [0, "AQ=="]}),
        (msgpack.ExtType(1, b"\xcd\x03\xe8"), 1000, {"$ext": [1, "zQPo"]}),
        (msgpack.ExtType(2, b"no"), {"$ext": [2, "bm8="]}, {"$ext": [2, "bm8="]}),
        (msgpack.ExtType(1, b""), {"$ext": [1, ""]}, {"$ext": [1, ""]}),
        (msgpack.ExtType(9, b"\x01"), {"$ext": [9, "AQ=="]}, {"$ext": [9, "AQ=="]}),
    ],
)
def test_extension_types_are_plain_and_go_back_the_same(ext, shown, kept):
    data = msgpack.packb([1, 1, None, ext])
    assert read(data) == [[1, 1, None, shown]]
    assert read(data, ext_types=True) == [[1, 1, None, kept]]
    sent = Packer().request(Request("x", ([kept], {"a": kept})), 1)
    assert sent == msgpack.packb([0, 1, "x", [[ext], {"a": ext}]])


@pytest.mark.parametrize(
    "value", [{"$ext": [200, "AQ=="]}, {"$ext": [1, "?"]}, {"$ext": 5}, {"$ext": [1, "AQ=="], "b": 1}]
)
def test_maps_that_only_look_like_extension_types_stay_maps(value):
    assert Packer().request(Request("x", (value,)), 1) == msgpack.packb([0, 1, "x", [value]])


def test_timestamps_are_dates():
    when = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    assert read(msgpack.packb([1, 1, None, when], datetime=True)) == [[1, 1, None, when]]


def test_peers_from_before_2013_get_bytes_and_text_alike():
    data = Packer(old=True).request(Request("x", (b"a" * 40, "b" * 40)), 1)
    assert b"\xd9" not in data
    assert data == msgpack.packb([0, 1, "x", [b"a" * 40, "b" * 40]], use_bin_type=False)


@pytest.mark.parametrize("value", [1 << 64, -(1 << 63) - 1, "\ud800", object()])
def test_what_has_no_form_is_refused_and_leaves_nothing_behind(value):
    packer = Packer()
    with pytest.raises(LocalProtocolError):
        packer.request(Request("x", ([1, value],)), 1)
    assert packer.request(Request("x"), 2) == msgpack.packb([0, 2, "x", []])


@pytest.mark.parametrize(
    "failure",
    [
        Failure("remote", "ValueError", "bad"),
        Failure("remote", "ValueError", ""),
        Failure("remote", "shop.SoldOut", "two\nlines: really"),
        Failure("no_method", "NameError", "add"),
        Failure("arguments", "TypeError", "add() takes 2"),
        Failure("arguments", "ValidationError", "a: no"),
        Failure("protocol", "ProtocolError", "no array"),
        Failure("busy", "ServerBusy", "later"),
        Failure("timeout", "TimeoutError", "add took longer"),
    ],
)
def test_our_own_failures_come_back_the_same(failure):
    assert faults.to_failure(faults.to_error(failure), "add") == failure


@pytest.mark.parametrize("kind", FAILURES)
def test_an_error_is_a_pair_that_neovim_reads(kind):
    code, text = faults.to_error(Failure(kind, "SomeError", "\ud800", code=42))
    name = "NameError" if kind == "no_method" else "SomeError"
    assert (code, text) == (0 if kind == "remote" else 1, f"{name}: \\ud800")


@pytest.mark.parametrize(
    ("error", "kind", "type", "message", "code"),
    [
        ([0, "Vim:E15: Invalid expression: 1+"], "remote", "RemoteError", "Vim:E15: Invalid expression: 1+", 0),
        ([1, "Invalid buffer id: 9"], "remote", "RemoteError", "Invalid buffer id: 9", 1),
        ([0, "Invalid method: add"], "no_method", "NameError", "add", None),
        ("'add' method not found", "no_method", "NameError", "add", None),
        ([2, "method add not available"], "no_method", "NameError", "add", None),
        ("rpclib: server could not find function 'add' with argument count 2.", "no_method", "NameError", "add", None),
        ([2, "anything else"], "remote", "RemoteError", "anything else", 2),
        ([3, "failed to send"], "remote", "RemoteError", "failed to send", 3),
        ("plain text", "remote", "RemoteError", "plain text", None),
        (b"plain bytes", "remote", "RemoteError", "plain bytes", None),
        ("ValueError: no", "remote", "ValueError", "no", None),
        ({"message": "oh", "code": 7}, "remote", "RemoteError", "oh", 7),
        ({"x": 1}, "remote", "RemoteError", "the error {'x': 1}", None),
        (17, "remote", "RemoteError", "the error 17", None),
        (False, "remote", "RemoteError", "the error False", None),
        ([], "remote", "RemoteError", "the error []", None),
        ([0, "ValueError: no", "Traceback"], "remote", "ValueError", "no", None),
        ([0, "NameError: add"], "remote", "NameError", "add", None),
        ([1, "NameError: other"], "arguments", "NameError", "other", None),
    ],
)
def test_errors_of_all_kinds_of_servers_are_read(error, kind, type, message, code):
    found = codec.read_reply([1, 1, error, "ignored"], "add")
    assert isinstance(found, Failure)
    assert (found.kind, found.type, found.message, found.code) == (kind, type, message, code)


def test_what_more_an_error_says_is_kept():
    assert faults.to_failure([1, "x", {"a": 1}], "add").data == [{"a": 1}]
    assert faults.to_failure({"message": "x", "a": 1}, "add").data == {"message": "x", "a": 1}


def test_a_result_counts_when_the_error_is_nil():
    assert codec.read_reply([1, 1, None, {"a": 1}], "add") == Result({"a": 1})


DESCRIBED = Description(
    "shop",
    (
        MethodDescription(
            "buy",
            (
                Parameter("what", "positional", type="str"),
                Parameter("count", default=1, type="int"),
                Parameter("more", "rest"),
                Parameter("when", "named", default=None),
            ),
            "bool",
            "Buy it.",
        ),
        MethodDescription("watch", None, stream=True, exact=False),
    ),
    "A shop.",
)


def test_a_description_comes_back_the_same():
    reply = description.answer(description.DESCRIBE, [], DESCRIBED)
    assert isinstance(reply, Result)
    packed = msgpack.packb(reply.value)
    assert description.from_map(msgpack.unpackb(packed)) == DESCRIBED


def test_the_built_in_methods_tell_of_a_server():
    assert description.answer(description.PING, [], DESCRIBED) == Result("shop")
    assert description.answer(description.LIST, [], DESCRIBED) == Result(["buy", "watch"])
    one = description.answer(description.DESCRIBE, ["buy"], DESCRIBED)
    assert isinstance(one, Result)
    assert one.value["doc"] == "Buy it."
    assert description.answer(description.DESCRIBE, ["no"], DESCRIBED) == Failure("remote", "KeyError", "'no'")
    refused = description.answer(description.LIST, [1], DESCRIBED)
    assert isinstance(refused, Failure)
    assert refused.kind == "arguments"


def test_a_default_without_a_plain_form_is_told_as_its_source():
    odd = Description("x", (MethodDescription("m", (Parameter("a", default=1 << 80), Parameter("b", default=[1]))),))
    reply = description.answer(description.DESCRIBE, ["m"], odd)
    assert isinstance(reply, Result)
    assert [each["default"] for each in reply.value["parameters"]] == [repr(1 << 80), "[1]"]


@pytest.mark.parametrize("value", [None, 5, [], {}, {"methods": 1}, "x"])
def test_what_is_no_description_is_none(value):
    assert description.from_map(value) is None
    assert description.from_neovim(value) is None


def test_neovims_metadata_are_read_with_types():
    found = description.from_neovim(
        [
            1,
            {
                "version": {"major": 0, "minor": 7, "patch": 2},
                "functions": [
                    {"name": "nvim_eval", "parameters": [["String", "expr"]], "return_type": "Object", "since": 1},
                    {"name": "old", "parameters": [], "return_type": "void", "since": 0, "deprecated_since": 1},
                    {"name": 5, "parameters": "odd"},
                    "odd",
                ],
            },
        ]
    )
    assert found is not None
    assert found.name == "Neovim 0.7.2"
    assert [each.name for each in found.methods] == ["nvim_eval", "old", "?"]
    assert found.methods[0].parameters == (Parameter("expr", "positional", REQUIRED, "String"),)
    assert found.methods[1].doc == "Deprecated since API level 1."


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.floats(allow_nan=False) | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(), st.lists(plain, max_size=3)), max_size=4), st.integers(0, 40))
def test_whatever_is_written_is_read_back(calls, size):
    packer = Packer()
    data = b"".join(packer.notification(Request(method, tuple(args))) for method, args in calls)
    pieces = [data[at : at + size] for at in range(0, len(data), size)] if size else [data]
    assert read(*pieces) == [[2, method, args] for method, args in calls]


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_make_a_stream_do_anything_but_refuse(data):
    try:
        read(data)
    except RemoteProtocolError:
        pass
