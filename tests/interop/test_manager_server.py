"""Stock clients and our server: calls, errors, shared state, several targets; and peers that are none or mean harm."""

import os
import pickle
import stat
import threading
import time
from multiprocessing import AuthenticationError
from multiprocessing.managers import RemoteError

import pytest

import rpcctl
from rpcctl.errors import UsageError
from rpcctl.protocols.manager import codec
from tests import sample
from tests.interop.manager_peers import KEY, PYTHONS, Raw, stock_call, stock_proxy
from tests.process import run, running

AT = "manager+tcp://127.0.0.1:0"


def place_of(address):
    """What a stock client is told."""
    return address.partition("://")[2]


@pytest.fixture
def place(serve):
    """Where our server of the sample module is."""
    return place_of(serve(at=AT))


def session(place, label="a test"):
    """A raw connection whose requests are calls."""
    raw = Raw(place)
    ask(raw, None, "accept_connection", label)
    return raw


def ask(raw, ident, method, *args, **kwargs):
    """Kind and value of the answer, as Python's own reader has them."""
    raw.write(pickle.dumps((ident, method, args, kwargs)))
    return pickle.loads(raw.read())


@pytest.mark.parametrize("python", PYTHONS)
def test_every_python_that_is_there(place, python):
    assert stock_call(place, "sample", "add", 2, 3, python=python) == ["ok", 5]
    kind, name, text, notes = stock_call(place, "sample", "fail", "boom", python=python)
    assert (kind, name, text) == ("error", "ValueError", "boom")
    assert "raise ValueError(message)" in notes[0]
    refused = stock_call(place, "sample", "add", 2, 3, python=python, key="another key")
    assert refused[:2] == ["error", "AuthenticationError"]


@pytest.mark.parametrize("python", PYTHONS)
def test_a_stock_client_does_not_wait_forty_milliseconds_for_anything(place, python):
    cold, warm = stock_call(place, "sample", "time", python=python)
    assert cold < 0.12  # Its five connections would take 220 ms.
    assert warm < 1


def test_a_large_request_of_a_stock_client_does_not_wait_either(place):
    proxy = stock_proxy(place, "sample")
    began = time.monotonic()
    for _ in range(10):
        assert len(proxy.echo("x" * 20_000)) == 20_000
    assert time.monotonic() - began < 0.3


def test_a_unix_socket_of_its_owner(serve, tmp_path):
    path = str(tmp_path / "m.sock")
    address = serve(at=f"manager+unix://{path}")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stock_proxy(path, "sample").add(1, 2) == 3
    with rpcctl.connect(address) as connection:
        assert connection.add(1, 2) == 3


@pytest.mark.parametrize("typeid", ["sample", "rpcctl"])
def test_names_of_the_object(place, typeid):
    assert stock_proxy(place, typeid).add(1, 2) == 3


def test_what_a_stock_proxy_can_do(place):
    proxy = stock_proxy(place, "sample")
    assert proxy.echo({1, 2}) == [1, 2]
    assert proxy.default(1, c=5) == [1, 2, 5]
    assert proxy.count(3) == [0, 1, 2]
    assert "served by rpcctl" in str(proxy)
    assert not hasattr(proxy, "_hidden")
    with pytest.raises(AttributeError):
        proxy.nope()
    with pytest.raises(RemoteError, match="is not in exposed"):
        proxy._callmethod("__class__")
    with pytest.raises(TypeError, match="add"):
        proxy.add(1)
    with pytest.raises(RuntimeError, match="Unprintable"):
        proxy.fail_strangely()
    with pytest.raises(TypeError, match="plain form"):
        proxy.strange()
    assert proxy.add(1, 2) == 3


def test_a_stream_without_end_is_no_list(serve):
    proxy = stock_proxy(place_of(serve(at=AT, max_items=10)), "sample")
    assert proxy.count(10) == list(range(10))
    with pytest.raises(OverflowError, match="--max-items"):
        proxy.endless()
    assert sample.released.wait(5)


def test_what_is_not_there(place):
    with pytest.raises(RemoteError, match="KeyError: 'nope'"):
        stock_proxy(place, "nope")
    with pytest.raises(AuthenticationError):
        stock_proxy(place, "sample", key="another key")


def test_several_targets_are_several_objects(serve):
    address = serve(["tests.sample", "@kv"], AT)
    assert stock_proxy(place_of(address), "kv").incr("n", 2) == 2
    with rpcctl.connect(f"{address}/kv") as kv, rpcctl.connect(address) as whole:
        assert kv.incr("n") == 3
        assert whole.call("kv.incr", "n") == 4
        assert "incr" in [method.name for method in kv.describe().methods]
        assert whole.describe().find("kv.incr") is not None
        assert kv.ping() == "kv"


def test_a_shared_dictionary_of_stock_clients(serve):
    place = place_of(serve("@kv", AT))
    first, second = stock_proxy(place, "kv"), stock_proxy(place, "kv")
    first.set("a", [1, (2, 3)])
    assert second.get("a") == [1, [2, 3]]

    def work(kv):
        for _ in range(200):
            kv.incr("n")

    threads = [threading.Thread(target=work, args=(each,)) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert first.get("n") == 400


def test_what_a_manager_is_asked_beside_calls(place):
    for method, args, kind in [
        ("dummy", (), "#RETURN"),
        ("number_of_objects", (), "#RETURN"),
        ("incref", ("rpcctl",), "#RETURN"),
        ("decref", ("nope",), "#TRACEBACK"),
        ("shutdown", (), "#TRACEBACK"),
        ("debug_info", (), "#TRACEBACK"),
        ("create", (), "#TRACEBACK"),
        ("create", ("nope",), "#TRACEBACK"),
        ("get_methods", (3,), "#TRACEBACK"),
    ]:
        with Raw(place) as raw:
            assert ask(raw, None, method, *args)[0] == kind
            assert raw.is_closed()


def test_requests_that_come_ahead_are_answered_in_their_order(place):
    with session(place) as raw:
        for n in range(300):
            raw.write(pickle.dumps(("rpcctl", "add", (n, 0), {})))
        assert [pickle.loads(raw.read()) for _ in range(300)] == [("#RETURN", n) for n in range(300)]
        large = "x" * 600_000
        for _ in range(3):
            raw.write(pickle.dumps(("rpcctl", "echo", (large,), {})))
        assert [pickle.loads(raw.read()) for _ in range(3)] == [("#RETURN", large)] * 3


def test_streams_have_a_limit(place):
    with session(place, "rpcctl") as raw:
        kinds = [ask(raw, "rpcctl", "endless")[0] for _ in range(65)]
        assert kinds == ["#PROXY"] * 64 + ["#ERROR"]
        assert ask(raw, "rpcctl/stream 1", "__next__") == ("#RETURN", 0)
        assert ask(raw, "rpcctl/stream 1", "send", 1)[0] == "#TRACEBACK"
        assert ask(raw, "rpcctl/stream 1", "close") == ("#RETURN", None)
        assert ask(raw, "rpcctl/stream 1", "__next__")[0] == "#TRACEBACK"


class Evil:
    """Makes a directory, if a pickle's word is Python's command."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_nothing_that_a_client_sends_is_run(place, tmp_path):
    path = str(tmp_path / "made")
    with session(place) as raw:
        kind, text = ask(raw, "rpcctl", "echo", Evil(path))
        assert kind == "#TRACEBACK"
        assert "'posix.mkdir' is refused" in text
        assert ask(raw, "rpcctl", "echo", 1) == ("#RETURN", 1)
    with Raw(place) as raw:
        assert ask(raw, None, "create", Evil(path))[0] == "#TRACEBACK"
    assert not os.path.exists(path)


BAD = [
    # bytes after the handshake
    b"\0\0\0\x03abc",
    codec.frame(pickle.dumps(3)),
    codec.frame(b"\x80\x04})" + b"\x85" * 1_000_000 + b"K\x01s."),
    codec.frame(b"\x80\x04" + b"]" * 10_000 + b"a" * 9_999 + b"."),
]
FATAL = [b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff" * 12, b"\xff\xff\xff\xff\0\0\0\x01\0\0\0\0"]


@pytest.mark.parametrize("data", BAD, ids=lambda data: repr(data[:12]))
def test_a_request_that_is_none_costs_its_sender_an_error(place, data):
    with session(place) as raw:
        raw.socket.sendall(data)
        assert pickle.loads(raw.read())[0] == "#TRACEBACK"
        assert ask(raw, "rpcctl", "add", 1, 2) == ("#RETURN", 3)


@pytest.mark.parametrize("data", FATAL, ids=repr)
def test_a_length_that_is_none_ends_the_connection(place, data):
    with session(place) as raw:
        raw.socket.sendall(data)
        assert raw.is_closed()
    assert stock_proxy(place, "sample").add(1, 2) == 3


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0", b"\x7f\xff\xff\xff", b"x" * 300, codec.frame(b"hello")]
)
def test_who_does_not_know_the_key_is_shown_out(place, data):
    with Raw(place, shake=False) as raw:
        raw.socket.sendall(data)
        assert raw.is_closed()
    assert stock_proxy(place, "sample").add(1, 2) == 3


def test_no_request_is_read_before_the_handshake_is_done(place):
    sample._memory.clear()
    with Raw(place, shake=False) as raw:
        raw.write(pickle.dumps(("rpcctl", "remember", ("x",), {})))
        assert raw.is_closed()
    assert sample._memory == []


def test_who_stops_in_the_middle_is_given_up(serve):
    place = place_of(serve(at=AT, options={"stall-timeout": 0.2}))
    with Raw(place, shake=False) as silent, session(place) as half, session(place) as idle:
        half.socket.sendall(b"\0\0\0\x10abc")
        assert silent.is_closed()
        assert half.is_closed()
        assert ask(idle, "rpcctl", "add", 1, 2) == ("#RETURN", 3)


# Keys and places.


def test_a_key_is_made_and_used(tmp_path, monkeypatch):
    monkeypatch.delenv("RPCCTL_AUTHKEY")
    path = tmp_path / "key"
    with running("serve", "tests.sample", "--bind", AT, "--gen-authkey", str(path)) as process:
        address = process.read_address()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        key = path.read_text().strip()
        assert len(key) == 64
        assert stock_proxy(place_of(address), "sample", key=key).add(1, 2) == 3
        assert key not in process.rest()
        assert str(path) not in address
    with running("serve", "tests.sample", "--bind", AT, "--gen-authkey", str(path)) as process:
        process.read_address()
        assert path.read_text().strip() == key


def test_a_shells_key_for_its_calls_does_not_keep_it_from_serving_with_another(tmp_path, monkeypatch):
    monkeypatch.delenv("RPCCTL_AUTHKEY")
    path, calls = tmp_path / "key", {"RPCCTL_AUTHKEY_FILE": str(tmp_path / "calls.key")}
    with running("serve", "tests.sample", "--bind", AT, "--gen-authkey", str(path), env=calls) as process:
        place = place_of(process.read_address())
        assert stock_proxy(place, "sample", key=path.read_text().strip()).add(1, 2) == 3


@pytest.mark.parametrize(
    ("words", "env", "says"),
    [
        ((), {}, "--gen-authkey FILE makes one"),
        ((), {"RPCCTL_AUTHKEY": "short"}, "shorter than 8"),
        (("--authkey-file", "a", "--gen-authkey", "b"), {}, "two keys"),
        (("--authkey-file", "a", "--gen-authkey", "b"), {"RPCCTL_AUTHKEY_FILE": "c"}, "two keys"),
    ],
)
def test_it_does_not_begin_without_a_good_key(monkeypatch, words, env, says):
    monkeypatch.delenv("RPCCTL_AUTHKEY")
    done = run("serve", "tests.sample", "--bind", AT, *words, env={**os.environ, **env})
    assert done.returncode == 2
    assert says in done.stderr


def test_it_is_for_this_machine_unless_that_is_insisted_on(serve):
    with pytest.raises(UsageError, match="its wire is not encrypted") as caught:
        serve(at="manager+tcp://0.0.0.0:0")
    assert "--allow-remote" in caught.value.hint
    assert serve(at="manager+tcp://0.0.0.0:0", allow_remote=True)


def test_a_call_that_runs_when_the_server_stops_is_answered():
    with running("serve", "tests.sample", "--bind", AT, env={"RPCCTL_AUTHKEY": KEY}) as process:
        address = process.read_address()
        with rpcctl.connect(address) as connection:
            threading.Timer(0.2, process.signal).start()
            assert connection.slow(0.6) == 0.6
        assert process.wait() == 0
