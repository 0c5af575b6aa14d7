"""A manager's frames, requests and replies, as bytes and back; the pickles are Python's own."""

import pickle
from typing import Any

import pytest

from rpcctl.described import from_plain
from rpcctl.errors import LocalProtocolError, RemoteProtocolError
from rpcctl.messages import REQUIRED, Description, Failure, MethodDescription, Parameter
from rpcctl.protocols.manager import codec, description, faults
from rpcctl.protocols.manager.codec import Call, Frames, Proxy

TOKEN = b"\x80\x04\x8c\x18multiprocessing.managers\x8c\x05Token\x93)\x81(\x8c\x04dict\x8c\x01h\x8c\x03ab1tb."
"""As `pickle.dumps(Token("dict", "h", "ab1"), 4)` has it, the memo left out."""


def pickled(value: Any) -> bytes:
    return pickle.dumps(value, 4)


FRAMES = [
    # bytes, the frames in them
    (b"\0\0\0\3abc", [b"abc"]),
    (b"\0\0\0\0", [b""]),
    (b"\0\0\0\1a\0\0\0\2bc", [b"a", b"bc"]),
    (b"\xff\xff\xff\xff\0\0\0\0\0\0\0\3abc", [b"abc"]),
    (b"\xff\xff\xff\xff\0\0\0\0\0\0\0\0", [b""]),
]


@pytest.mark.parametrize(("data", "expected"), FRAMES)
def test_frames_arrive_whole_however_they_are_split(data, expected):
    for size in range(1, len(data) + 1):
        frames, found = Frames(100), []
        for start in range(0, len(data), size):
            frames.feed(data[start : start + size])
            while (frame := frames.next()) is not None:
                found.append(frame)
        assert found == expected
        assert len(frames) == 0


@pytest.mark.parametrize("data", [b"\0\0\0\x65", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff\xff\xff\xfe", b"\xff" * 12])
def test_a_length_that_is_not_allowed_is_refused_at_once(data):
    frames = Frames(100)
    frames.feed(data)
    with pytest.raises(RemoteProtocolError, match="--max-message"):
        frames.next()


def test_frames_are_written_as_they_are_read():
    assert codec.frame(b"abc") == b"\0\0\0\3abc"
    assert codec.write([1], 100) == codec.frame(pickled([1]))
    with pytest.raises(LocalProtocolError, match="--max-message"):
        codec.write("x" * 200, 100)
    with pytest.raises(LocalProtocolError, match="no pickle"):
        codec.write(lambda: None, 100)


CALLS = [
    ((None, "create", ("dict", {"a": 1}), {}), Call(None, "create", ("dict", {"a": 1}), {})),
    (("7f", "add", (1, 2), {}), Call("7f", "add", (1, 2), {})),
    (("7f", "f", (), {"k": {1, 2}}), Call("7f", "f", (), {"k": [1, 2]})),
    (("7f", "f", ({(1, 2): (3,)},), {}), Call("7f", "f", ({"(1, 2)": [3]},), {})),
]


@pytest.mark.parametrize(("sent", "call"), CALLS)
def test_requests(sent, call):
    assert codec.read_call(pickled(sent)) == call


def test_the_token_of_get_methods_is_its_ident():
    inside = TOKEN[2:-1]
    request = b"\x80\x04(N\x8c\x0bget_methods" + inside + b"\x85}t."
    assert codec.read_call(request) == Call(None, "get_methods", ("ab1",))


@pytest.mark.parametrize(
    "sent",
    [
        *(3, (), (1, 2, 3, 4), ("i", "m", (), {}, 5), ("i", 3, (), {}), (3, "m", (), {})),
        *(("i", "m", {}, {}), ("i", "m", (), ()), ("i", "m", (), {1: 2}), ("i", "m", None, {})),
    ],
)
def test_what_is_no_request_is_refused(sent):
    with pytest.raises(RemoteProtocolError, match="no request"):
        codec.read_call(pickled(sent))


def test_replies():
    assert codec.read_reply(pickled(("#RETURN", (1, {"a"})))) == ("#RETURN", [1, ["a"]])
    assert codec.read_reply(pickled(("#TRACEBACK", "text"))) == ("#TRACEBACK", "text")
    proxy = b"\x80\x04\x8c\x06#PROXY(\x8c\x01a\x8c\x01bt" + TOKEN[2:-1] + b"\x86\x86."
    assert codec.read_reply(proxy) == ("#PROXY", Proxy("dict", "ab1", ("a", "b")))
    own = ("#PROXY", (("__next__",), ("Iterator", None, "rpcctl/stream 1")))
    assert codec.read_reply(pickled(own)) == ("#PROXY", Proxy("Iterator", "rpcctl/stream 1", ("__next__",)))


@pytest.mark.parametrize(
    "sent", [3, ("#RETURN",), (1, 2), ("#PROXY", 3), ("#PROXY", ((), (1, 2, 3))), ("#PROXY", ((), ("a", "b")))]
)
def test_what_is_no_reply_is_refused(sent):
    with pytest.raises(RemoteProtocolError, match=r"no (reply|proxy|token)"):
        codec.read_reply(pickled(sent))


def travel(failure: Failure) -> Failure:
    kind, value = codec.read_reply(pickled(faults.to_reply(failure)))
    return faults.from_reply(kind, value, "method", "rpcctl")


FAILURES = [
    Failure("remote", "ValueError", "boom", "Traceback…", {"a": [1]}, 7),
    Failure("remote", "Odd", "boom"),
    Failure("remote", "KeyError", "'key'"),
    Failure("remote", "UnicodeDecodeError", "bad byte"),
    Failure("remote", "SystemExit", "3"),
    Failure("arguments", "TypeError", "add() missing"),
    Failure("timeout", "TimeoutError", "too slow"),
    Failure("busy", "ServerBusy", ""),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.type)
def test_failures_survive_between_our_own_ends(failure):
    assert travel(failure) == failure._replace(code=None)


def test_a_missing_method_is_told_as_stock_servers_tell_it():
    assert travel(Failure("no_method", "NameError", "method")).kind == "no_method"


SEEN = [
    # failure, the exception that a stock client raises
    (Failure("remote", "ValueError", "boom"), ValueError("boom")),
    (Failure("remote", "KeyError", "'key'"), KeyError("key")),
    (Failure("remote", "Odd", "boom"), RuntimeError("Odd: boom")),
    (Failure("remote", "Odd", ""), RuntimeError("Odd")),
    (Failure("remote", "SystemExit", "3"), RuntimeError("SystemExit: 3")),
    (Failure("remote", "UnicodeDecodeError", "bad"), RuntimeError("UnicodeDecodeError: bad")),
    (Failure("remote", "print", "no class"), RuntimeError("print: no class")),
]


@pytest.mark.parametrize(("failure", "expected"), SEEN, ids=lambda row: repr(row)[:20])
def test_a_stock_client_can_always_read_what_a_method_raised(failure, expected):
    kind, value = pickle.loads(pickled(faults.to_reply(failure._replace(traceback="Traceback…"))))
    assert kind == "#ERROR"
    assert (type(value), value.args) == (type(expected), expected.args)
    assert value.__notes__ == ["Traceback…"]


TOLD = [
    # kind, value as stock servers send it, ident asked for, what it means
    ("#ERROR", ValueError("boom"), Failure("remote", "ValueError", "boom")),
    ("#ERROR", ValueError("a", 1), Failure("remote", "ValueError", "'a', 1")),
    ("#ERROR", ValueError(), Failure("remote", "ValueError", "")),
    ("#ERROR", KeyError("k"), Failure("remote", "KeyError", "'k'")),
    ("#ERROR", 3, Failure("remote", "#ERROR", "3")),
    ("#TRACEBACK", "Traceback:\n  File\nKeyError: 'ab1'\n", Failure("no_method", "KeyError", "ab1")),
    (
        "#TRACEBACK",
        "AttributeError: method 'm' of <class 'dict'> object is not in exposed=('a',)\n\nDuring:\n\nKeyError: 'm'\n",
        Failure("no_method", "KeyError", "m"),
    ),
    ("#TRACEBACK", "Traceback:\n  File\nTypeError: no\n", Failure("remote", "TypeError", "no")),
    ("#TRACEBACK", "", Failure("remote", "#TRACEBACK", "")),
    ("#UNSERIALIZABLE", "Traceback:\nTypeError: lock", Failure("remote", "Unserializable", "lock")),
    ("#NEW", 3, Failure("remote", "#NEW", "3")),
]


@pytest.mark.parametrize(("kind", "value", "meant"), TOLD)
def test_what_stock_servers_tell(kind, value, meant):
    found = faults.from_reply(*codec.read_reply(pickled((kind, value))), "m", "ab1")
    assert (found.kind, found.type) == (meant.kind, meant.type)
    assert found.message.endswith(meant.message)


def test_a_description_survives():
    parameters = (Parameter("a", "positional"), Parameter("b", "named", None, "int"), Parameter("c", "rest", REQUIRED))
    methods = (
        MethodDescription("add", parameters, "int", "Adds.", stream=True, exact=False),
        MethodDescription("x", None),
        MethodDescription("math.sqrt", ()),
    )
    whole = Description("calc", methods, "A calculator.")
    assert from_plain(description.to_plain(whole)) == whole
    part = from_plain(description.to_plain(whole, "math."))
    assert (part.name, part.methods) == ("math", (methods[2]._replace(name="sqrt"),))


@pytest.mark.parametrize(
    "found", [None, 3, {}, {"methods": [3, {}]}, {"methods": [{"parameters": [3, [], [1, 2, 3]]}]}]
)
def test_half_a_description_is_read_as_far_as_it_goes(found):
    assert isinstance(from_plain(found), Description)


@pytest.mark.parametrize(
    ("typeid", "ident"),
    [
        *(("rpcctl", "rpcctl"), ("a.calc", "rpcctl"), ("calc", "rpcctl"), ("math", "rpcctl/math")),
        *(("", None), ("ma", None), ("nope", None), ("sqrt", None)),
    ],
)
def test_what_a_typeid_means(typeid, ident):
    methods = (MethodDescription("math.sqrt"), MethodDescription("print"), MethodDescription("math.for"))
    served = Description("a.calc", methods)
    assert description.find_object(typeid, served) == ident
    if ident:
        expected = ("sqrt",) if ident.endswith("math") else ("print",)
        assert description.exposed_by(ident, served) == expected


def test_a_name_that_a_stock_server_tells_twice_is_one_method():
    found = description.from_names("get_dict", ("__iter__", "copy", "__iter__"))
    assert [each.name for each in found.methods] == ["__iter__", "copy"]
