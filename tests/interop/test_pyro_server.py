"""Pyro5's own Proxy to our server."""

import socket
import ssl
import threading
import time

import Pyro5.api
import Pyro5.errors
import Pyro5.socketutil
import pytest

from rpcctl.api import Connection
from rpcctl.errors import AddressError, AuthError, ConnectError, MethodNotFoundError, RemoteError, UsageError
from rpcctl.hosting import Server
from tests import sample
from tests.behaviour.test_oneway import wait_until
from tests.http.conftest import Certificates
from tests.interop.test_pyro_client import Daemon
from tests.process import run, serving

ANY = "pyro+tcp://127.0.0.1:0"


class Cart:
    """Has data beside methods."""

    def __init__(self) -> None:
        self._total = 5

    @property
    def total(self) -> int:
        """The sum."""
        return self._total

    @total.setter
    def total(self, value: int) -> None:
        self._total = value

    def fail_own(self) -> None:
        """Raise what no client knows."""

        class Own(Exception):
            pass

        raise Own("with a text")

    def fail_by_key(self) -> None:
        """Raise KeyError."""
        dict[str, str]()["böse"]

    def stop(self) -> None:
        """Raise what would end a loop."""
        raise StopIteration(5)

    def decode(self) -> None:
        """Raise what takes five arguments."""
        b"\xff".decode()

    def marked(self) -> dict[str, str]:
        """What looks like an object."""
        return {"__class__": "builtins.open"}

    def mixed(self) -> object:
        """What has no plain form in some encoding."""
        return {1: (2, {3}), "raw": b"x", "big": 2**70, "nan": float("inf")}


@pytest.fixture(scope="module")
def at():
    with Server("tests.sample", ANY, max_items=50) as server:
        yield str(server.addresses[0])


@pytest.fixture(scope="module")
def cart():
    from rpcctl.service.methods import Selection

    with Server(Cart(), ANY, selection=Selection(writable=True)) as server:
        yield str(server.addresses[0])


@pytest.fixture(params=["serpent", "json", "msgpack"])
def serializer(request):
    return request.param


def proxy_of(at, serializer="serpent", **attributes):
    """A stock client."""
    proxy = Pyro5.api.Proxy(at)
    proxy._pyroSerializer = serializer
    proxy._pyroTimeout = 20
    for name, value in attributes.items():
        setattr(proxy, name, value)
    return proxy


@pytest.fixture
def proxy(at, serializer):
    with proxy_of(at, serializer) as made:
        yield made


@pytest.fixture
def cart_proxy(cart, serializer):
    with proxy_of(cart, serializer) as made:
        yield made


def test_the_address_is_one_of_pyros(at):
    uri = Pyro5.api.URI(at)
    assert (uri.protocol, uri.object, uri.host) == ("PYRO", "tests.sample", "127.0.0.1")
    assert str(uri) == at


def test_calls(proxy):
    assert proxy.add(2, 3) == 5
    assert proxy.default(1, c=9) == [1, 2, 9]
    assert proxy.nothing() is None


VALUES = [None, True, -5, 2**64, -(2**70), 1.5, "é 漢 \U0001f600 '\"\\\x00", [], [1, [None]], {"a": {"b": 1}}]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_there_and_back(proxy, value):
    assert proxy.echo(value) == value


def test_what_only_some_serializers_have(at):
    with proxy_of(at, "msgpack") as proxy:
        assert proxy.echo(b"\x00\xff") == b"\x00\xff"
        assert proxy.echo((1, 2)) == [1, 2]
    with proxy_of(at, "serpent") as proxy:
        assert proxy.echo(b"\x00\xff") == {"data": "AP8=", "encoding": "base64"}
        assert proxy.echo({1: "a"}) == {1: "a"}
        assert sorted(proxy.echo({1, 2})) == [1, 2]


def test_results_that_every_client_can_read(cart, serializer):
    with proxy_of(cart, serializer) as proxy:
        found = proxy.mixed()
        assert found["big"] == 2**70
        assert found["nan"] == float("inf")
        assert found[1 if serializer == "serpent" else "1"] == [2, [3]]
        with pytest.raises(TypeError, match="__class__"):
            proxy.marked()


def test_metadata(cart_proxy):
    cart_proxy._pyroBind()
    assert cart_proxy._pyroAttrs == {"total"}
    assert "fail_own" in cart_proxy._pyroMethods
    with pytest.raises(AttributeError):
        cart_proxy.nope()


def test_attributes(cart_proxy):
    cart_proxy.total = 8
    assert cart_proxy.total == 8
    cart_proxy.total = 5
    for name in ("fail_own", "_total", "nope"):
        with pytest.raises(AttributeError, match=name):
            cart_proxy._pyroInvoke("__getattr__", (name,), None)
    with pytest.raises(AttributeError):
        cart_proxy._pyroInvoke("__setattr__", ("total",), None)


ERRORS = [
    ("fail_own", Exception, "Own: with a text"),
    ("fail_by_key", KeyError, "'böse'"),
    ("stop", Exception, "StopIteration: 5"),
    ("decode", Exception, "UnicodeDecodeError: 'utf-8' codec"),
]


@pytest.mark.parametrize(("method", "kind", "text"), ERRORS)
def test_exceptions_that_every_client_can_read(cart_proxy, method, kind, text):
    with pytest.raises(Exception, match=text) as caught:
        getattr(cart_proxy, method)()
    assert type(caught.value) is kind
    assert f"in {method}\n" in "".join(vars(caught.value)["_pyroTraceback"])


@pytest.mark.parametrize(
    ("name", "args", "kind"),
    [
        ("fail", ("böse",), ValueError),
        ("add", (1,), TypeError),
        ("leave", (), Exception),
        ("recurse", (), RecursionError),
        ("strange", (), TypeError),
    ],
)
def test_errors_and_a_connection_that_goes_on(proxy, name, args, kind):
    with pytest.raises(Exception) as caught:  # noqa: PT011  # which one it is, is looked at
        getattr(proxy, name)(*args)
    assert type(caught.value) is kind
    assert proxy.add(2, 3) == 5


@pytest.mark.parametrize("name", ["nope", "_hidden", "__class__", "rpcctl.inspect", "rpcctl.ping", "", "<batch>"])
def test_what_is_not_in_the_table_cannot_be_called(proxy, name):
    with pytest.raises(AttributeError):
        proxy._pyroInvoke(name, (), {})
    assert proxy.add(2, 3) == 5


def test_streams(proxy):
    assert list(proxy.count(100)) == list(range(100))
    assert list(proxy.count_async(3)) == [0, 1, 2]
    assert list(proxy.count(0)) == []
    failing = proxy.fail_midway(2)
    assert [next(failing), next(failing)] == [0, 1]
    with pytest.raises(ValueError, match="midway"):
        next(failing)


def test_calls_between_the_items_of_a_stream(proxy):
    stream = proxy.endless()
    assert [next(stream), proxy.add(1, 1), next(stream)] == [0, 2, 1]
    stream.close()


def test_a_stream_closed_early_is_closed_at_the_server(proxy):
    sample.released.clear()
    stream = proxy.endless()
    assert next(stream) == 0
    stream.close()
    assert sample.released.wait(5)
    assert proxy.add(2, 3) == 5


def test_a_stream_ends_with_its_client(at):
    sample.released.clear()
    with proxy_of(at) as proxy:
        stream = proxy.endless()
        assert next(stream) == 0
        proxy._pyroRelease()
        assert sample.released.wait(5)


def test_a_client_may_not_open_streams_without_end(at):
    with proxy_of(at) as proxy:
        streams = [proxy.endless() for _ in range(64)]
        with pytest.raises(Exception, match="too many streams"):
            proxy.endless()
        # A stock client that has made calls in between closes a stream over a connection of its own.
        streams.pop().close()
        assert wait_until(lambda: _opens(proxy))


def _opens(proxy):
    try:
        return next(proxy.endless()) == 0
    except Exception as exc:
        if "too many" not in str(exc):
            raise
        return False


def test_a_stream_nobody_has(proxy):
    with pytest.raises(Pyro5.errors.PyroError, match="terminated"):
        proxy._pyroInvoke("get_next_stream_item", ("nope",), {}, objectId="Pyro.Daemon")
    assert proxy._pyroInvoke("close_stream", ("nope",), {}, objectId="Pyro.Daemon") is None


def test_batches(proxy):
    batch = Pyro5.api.BatchProxy(proxy)
    batch.add(1, 2)
    batch.count(3)
    batch.echo("x")
    assert list(batch()) == [3, [0, 1, 2], "x"]
    batch.add(1, 2)
    batch.fail("in the middle")
    batch.remember("never")
    found = batch()
    assert next(found) == 3
    with pytest.raises(ValueError, match="in the middle"):
        next(found)
    assert "never" not in proxy.remembered()


def test_batches_of_what_cannot_be(proxy):
    for name, kind in (("nope", AttributeError), ("rpcctl.inspect", AttributeError), ("endless", OverflowError)):
        batch = Pyro5.api.BatchProxy(proxy)
        getattr(batch, name)()
        with pytest.raises(kind):
            next(batch())
    found = proxy._pyroInvokeBatch([5])
    assert "method, args and kwargs" in str(found[0].exception)
    with pytest.raises(Exception, match="--max-batch"):
        proxy._pyroInvokeBatch([("add", (1, 2), {})] * 1001)


def test_one_way_batches_and_calls(at):
    sample._memory.clear()
    with proxy_of(at) as proxy:
        batch = Pyro5.api.BatchProxy(proxy)
        batch.remember("one")
        batch.remember("two")
        assert batch(oneway=True) is None
        proxy._pyroOneway.add("remember")
        proxy.remember("three")
        assert wait_until(lambda: len(proxy.remembered()) == 3)
        assert sorted(proxy.remembered()) == ["one", "three", "two"]


def test_the_object_that_every_daemon_has(at):
    with proxy_of(at.replace("tests.sample@", "Pyro.Daemon@")) as daemon:
        assert daemon.registered() == ["Pyro.Daemon", "tests.sample"]
        assert daemon.ping() is None
        assert "tests.sample" in daemon.info()
        assert "add" in daemon.get_metadata("tests.sample")["methods"]
        assert "add" in daemon.get_metadata("rpcctl")["methods"]
        with pytest.raises(Pyro5.errors.DaemonError, match="unknown object"):
            daemon.get_metadata("nope")
        with pytest.raises(TypeError):
            daemon.get_metadata(1, 2)


def test_signatures_and_documentation(at):
    with proxy_of(at.replace("tests.sample@", "rpcctl.meta@")) as meta:
        assert "add" in meta.list()
        assert meta.signature("add") == "add(a: int, b: int) -> int"
        assert meta.doc("add").startswith("Add two numbers.")
        assert meta.doc("nope") is None
        with pytest.raises(TypeError):
            meta.signature()


def test_unknown_objects(at):
    with (
        pytest.raises(Pyro5.errors.CommunicationError, match="unknown object"),
        proxy_of(at.replace("tests.sample@", "nope@")) as proxy,
    ):
        proxy._pyroBind()
    with proxy_of(at) as proxy, pytest.raises(Pyro5.errors.DaemonError, match="unknown object"):
        proxy._pyroInvoke("add", (1, 2), {}, objectId="nope")


def test_marshal_is_refused_with_what_is_accepted(at):
    with proxy_of(at, "marshal") as proxy, pytest.raises(Pyro5.errors.CommunicationError, match="4 \\(msgpack\\)"):
        proxy._pyroBind()


def test_pings_correlation_ids_and_compression(at, monkeypatch):
    import uuid

    monkeypatch.setattr(Pyro5.config, "COMPRESSION", True)
    monkeypatch.setattr(Pyro5.api.current_context, "correlation_id", uuid.uuid4())
    with proxy_of(at) as proxy:
        assert proxy.echo("x" * 5000) == "x" * 5000
        from Pyro5.protocol import SendingMessage

        SendingMessage.ping(proxy._pyroConnection)
        proxy._pyroRawWireResponse = True
        answer = proxy.echo("y" * 5000)
        assert answer.corr_id == Pyro5.api.current_context.correlation_id.bytes


def test_several_targets_are_objects_of_their_own():
    with Server(["math", "tests.sample"], ANY) as server:
        at = str(server.addresses[0])
        assert at.startswith("PYRO:rpcctl@")
        with proxy_of(at.replace("rpcctl@", "math@")) as proxy:
            assert proxy.sqrt(4) == 2.0
        with proxy_of(at.replace("rpcctl@", "tests.sample@")) as proxy:
            assert proxy.add(1, 2) == 3
            assert Pyro5.api.BatchProxy(proxy).add(1, 2) is None
        with Connection(at) as client:
            assert client.call("math.sqrt", 4) == 2.0
        with Connection(at.replace("rpcctl@", "math@")) as client:
            assert client.sqrt(4) == 2.0
            assert [each.signature() for each in client.describe().methods if each.name == "sqrt"] == ["(x, /)"]
            with pytest.raises(MethodNotFoundError):
                client.add(1, 2)


def test_an_object_named_in_the_address():
    with Server("math", "PYRO:calc@127.0.0.1:0") as server:
        at = str(server.addresses[0])
        assert at.startswith("PYRO:calc@127.0.0.1:")
        with proxy_of(at) as proxy:
            assert proxy.sqrt(4) == 2.0
    for wrong in ("PYRONAME:x", "PYRO:Pyro.Daemon@127.0.0.1:0"):
        with pytest.raises(AddressError):
            Server("math", wrong)


def test_a_dangerous_target_stays_on_this_machine():
    for at in ("PYRO:x@0.0.0.0:0", "pyro+tcp://*:0"):
        with pytest.raises(UsageError, match="reachable from other machines"):
            Server("os", at)


def test_what_is_loaded_anew_is_seen_by_clients(tmp_path):
    target = tmp_path / "grows.py"
    target.write_text("def one(): return 1\n")
    with Server(str(target), ANY) as server, Connection(str(server.addresses[0])) as client:
        assert client.one() == 1
        target.write_text("def one(): return 1\ndef another(): return 2\n")
        server.reload()
        assert client.another() == 2
        with proxy_of(str(server.addresses[0])) as proxy:
            assert proxy.another() == 2


def test_several_requests_in_one_write_are_answered_in_order(at):
    from rpcctl.protocols.pyro import codec
    from rpcctl.protocols.pyro.encodings import MSGPACK

    host, _, port = at.partition("@")[2].partition(":")
    hello = MSGPACK.dump({"handshake": "hello", "object": "rpcctl"})
    data = codec.pack(codec.Message(codec.CONNECT, 4, hello))
    for n in range(200):
        call = MSGPACK.dump_call("rpcctl", "slow" if n == 1 else "echo", (0.05,) if n == 1 else (n,), {})
        data += codec.pack(codec.Message(codec.INVOKE, 4, call, sequence=n))
    reading, found = codec.Messages(1 << 20), list[codec.Message]()
    with socket.create_connection((host, int(port)), 10) as client:
        client.sendall(data)
        while len(found) < 201:
            found += reading.feed(client.recv(65536))
    assert [each.sequence for each in found[1:]] == list(range(200))
    assert [MSGPACK.load(each.payload) for each in found[3:]] == list(range(2, 200))


def test_a_unix_socket(tmp_path):
    path = tmp_path / "a socket"
    with Server("math", f"pyro+unix://{path}") as server:
        at = str(server.addresses[0])
        assert at == f"PYRO:math@./u:{path}"
        assert path.stat().st_mode & 0o777 == 0o600
        with proxy_of(at) as proxy:
            assert proxy.sqrt(4) == 2.0
        with Connection(at) as client:
            assert client.sqrt(4) == 2.0
    assert not path.exists()


def test_ipv6():
    with Server("math", "pyro+tcp://[::1]:0") as server:
        at = str(server.addresses[0])
        assert at.startswith("PYRO:math@[::1]:")
        with proxy_of(at) as proxy:
            assert proxy.sqrt(4) == 2.0


def test_encryption(tmp_path, monkeypatch):
    made = Certificates(tmp_path)
    cert, key = made.server
    with Server("math", "pyro+tls://127.0.0.1:0", options={"cert": str(cert), "key": str(key)}) as server:
        at = str(server.addresses[0])
        assert at.startswith("pyro+tls://127.0.0.1:")
        assert at.endswith("/math")
        with Connection(at, options={"cacert": made.authority[0]}) as client:
            assert client.sqrt(4) == 2.0
        monkeypatch.setattr(Pyro5.config, "SSL", True)
        # Since Python 3.13 a context of its own making refuses authorities as simple as this one.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(made.authority[0])
        monkeypatch.setattr(Pyro5.socketutil, "get_ssl_context", lambda **_: context)
        with proxy_of(f"PYRO:math@{at.partition('//')[2].partition('/')[0]}") as proxy:
            assert proxy.sqrt(4) == 2.0
    with pytest.raises(UsageError, match="needs a certificate"):
        Server("math", "pyro+tls://127.0.0.1:0")


def test_a_token(tmp_path, monkeypatch):
    file = tmp_path / "token"
    file.write_text("open sesame\n")
    with Server("math", ANY, options={"token-file": str(file)}) as server:
        at = str(server.addresses[0])
        with proxy_of(at, _pyroHandshake="open sesame") as proxy:
            assert proxy.sqrt(4) == 2.0
        for wrong in ("hello", "", 5, None, "open sesame "):
            with (
                proxy_of(at, _pyroHandshake=wrong) as proxy,
                pytest.raises(Pyro5.errors.CommunicationError, match="token"),
            ):
                proxy._pyroBind()
        with Connection(at, options={"token-file": str(file)}) as client:
            assert client.sqrt(4) == 2.0
        with pytest.raises(AuthError, match="token"):
            Connection(at).connect()
    file.write_text("\n")
    with pytest.raises(UsageError, match="empty"):
        Server("math", ANY, options={"token-file": str(file)})


# Names.


@pytest.fixture(scope="module")
def names():
    server = Daemon("names")
    yield server.told["port"]
    server.stop()


def test_a_name_is_registered_as_long_as_it_is_served(names):
    options = {"pyro-ns": f"127.0.0.1:{names}", "pyro-name": "our.math", "pyro-tag": ["sums", "roots"]}
    with Pyro5.api.locate_ns("127.0.0.1", names) as found:
        with Server("math", ANY, options=options) as server:
            assert str(found.lookup("our.math")) == str(server.addresses[0])
            assert found.lookup("our.math", return_metadata=True)[1] == {"sums", "roots"}
            with proxy_of(f"PYRONAME:our.math@127.0.0.1:{names}") as proxy:
                assert proxy.sqrt(4) == 2.0
            with Connection(f"PYROMETA:roots@127.0.0.1:{names}") as client:
                assert client.sqrt(4) == 2.0
        assert "our.math" not in found.list()


def test_a_name_that_somebody_else_has_taken_is_left_alone(names):
    with Pyro5.api.locate_ns("127.0.0.1", names) as found:
        with Server("math", ANY, options={"pyro-ns": f"127.0.0.1:{names}"}):
            found.register("math", "PYRO:other@127.0.0.1:5")
        assert str(found.lookup("math")) == "PYRO:other@127.0.0.1:5"
        found.remove("math")


def test_a_server_seen_from_outside_registers_where_it_is_seen(names):
    options = {"pyro-ns": f"127.0.0.1:{names}"}
    with Pyro5.api.locate_ns("127.0.0.1", names) as found, Server("math", "pyro+tcp://*:0", options=options):
        assert str(found.lookup("math")).startswith("PYRO:math@127.0.0.1:")


def test_a_name_server_that_is_not_there(free_port):
    with (
        pytest.raises(ConnectError, match="name server"),
        Server("math", ANY, options={"pyro-ns": f"127.0.0.1:{free_port}"}),
    ):
        pass
    for wrong in ({"pyro-ns": "x:y"}, {"pyro-ns": ":9090"}, {"pyro-tag": ["a"]}):
        with pytest.raises(UsageError):
            Server("math", ANY, options=wrong)


def test_the_command_line(names):
    words = ("--bind", ANY, "--pyro-ns", f"127.0.0.1:{names}", "--pyro-name", "cli.math")
    with serving(*words, target="math") as (process, at):
        assert run("call", at, "sqrt", "2").stdout == "1.4142135623730951\n"
        assert run("call", f"PYRONAME:cli.math@127.0.0.1:{names}", "hypot", "3", "4").stdout == "5.0\n"
        assert "hypot(*coordinates)" in run("describe", at, "hypot").stdout
        assert run("call", at, "nope").returncode == 78
        process.signal()
        assert process.wait() == 0
    with Pyro5.api.locate_ns("127.0.0.1", names) as found:
        assert "cli.math" not in found.list()


def test_a_call_that_runs_is_answered_when_the_server_is_stopped(at):
    with Server("tests.sample", ANY) as server, proxy_of(str(server.addresses[0])) as proxy:
        proxy._pyroBind()
        found = []

        def work():
            proxy._pyroClaimOwnership()
            found.append(proxy.slow(0.5))

        thread = threading.Thread(target=work)
        thread.start()
        while not server.is_busy():
            time.sleep(0.001)
        assert server.drain(5) == 0
        server.stop()
        thread.join()
        proxy._pyroClaimOwnership()
    assert found == [0.5]


def test_a_new_call_while_the_server_stops_is_told_so(at):
    with Server("tests.sample", ANY) as server, Connection(str(server.addresses[0])) as client:
        assert client.add(1, 2) == 3
        server.drain(0)
        with pytest.raises(RemoteError, match="shutting down"):
            client.add(1, 2)
