"""--dry-run and --as: what would be sent, without sending it; and calls for people without rpcctl, which are run."""

import base64
import socket
import subprocess
import sys
from importlib import import_module

import pytest

from rpcctl import registry
from rpcctl.api import Connection, preview
from rpcctl.errors import UsageError
from rpcctl.hosting import Server
from rpcctl.interfaces import ProtocolInfo
from tests.shell import rpcctl

SAMPLE = "tests.sample"


def can_preview(info: ProtocolInfo) -> bool:
    """Whether the protocol's client can tell what it would send."""
    module, _, name = info.client.partition(":")
    return hasattr(getattr(import_module(module), name), "preview")


previewing = pytest.mark.parametrize("protocol", [each.scheme for each in registry.protocols() if can_preview(each)])


def nowhere(protocol: str) -> str:
    """An address of the protocol at which nothing listens."""
    info = registry.find(protocol)
    return str(registry.default_address(info).with_port(1)) if info.server else f"{info.scheme}:{SAMPLE}"


def spelled(protocol: str, *arguments: str) -> list[str]:
    """The words of arguments that are written `name=value`, the names left out where the protocol has places."""
    named = "args" not in registry.find(protocol).features
    return [each if named else each.partition("=")[2] for each in arguments]


@previewing
def test_what_would_be_sent_is_told(protocol):
    outcome = rpcctl("call", nowhere(protocol), "add", *spelled(protocol, "a=2", "b=3"), "--dry-run")
    assert outcome.exit_status == 0, outcome.stderr
    assert "add" in outcome
    assert all(line.startswith(("> ", "  ")) for line in outcome.splitlines())


@previewing
def test_bytes_can_be_had_as_they_are(protocol):
    words = ["call", nowhere(protocol), "echo", *spelled(protocol, "value=needle"), "--dry-run"]
    messages = rpcctl(*words, "--json").json
    sent = b"".join(base64.b64decode(each["bytes"]) for each in messages)
    raw = rpcctl(*words, "-r").raw
    if sent:
        assert b"needle" in sent
        assert b"needle" in raw
    else:
        assert registry.find(protocol).in_process
        assert "needle" in messages[0]["text"]


@pytest.mark.parametrize("path", ["", "RPC2"])
def test_the_bytes_are_what_a_server_understands(path):
    with Server(SAMPLE, f"{'xmlrpc+' if path else ''}http://127.0.0.1:0/{path}") as server:
        address = server.addresses[0]
        raw = rpcctl("call", str(address), "add", "2", "3", "--dry-run", "-r").raw
        with socket.create_connection((address.host, address.port), timeout=10) as peer:
            peer.sendall(raw)
            answer = peer.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"5" in answer.partition(b"\r\n\r\n")[2]


def test_pyros_greeting_and_call_are_understood_too():
    with Server(SAMPLE, "pyro+tcp://127.0.0.1:0") as server:
        at = str(server.addresses[0])
        raw = rpcctl("call", at, "echo", "needle", "--dry-run", "-r").raw
        with socket.create_connection(("127.0.0.1", int(at.rpartition(":")[2])), timeout=10) as peer:
            peer.sendall(raw)
            answer = b""
            while b"needle" not in answer:
                answer += peer.recv(65536)


def test_a_one_way_call_is_shown_too():
    assert "'oneway': True" in rpcctl("cast", "tcp://127.0.0.1:1", "refresh", "--dry-run")
    pushed = rpcctl("cast", "tcp://127.0.0.1:1", "refresh", "--push", "--dry-run")
    assert "empty frame" not in pushed
    assert "oneway" not in pushed


def test_nothing_is_connected():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for scheme in ("tcp", "http", "xmlrpc+http"):
            assert rpcctl("call", f"{scheme}://127.0.0.1:{port}", "add", "--dry-run").exit_status == 0
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize(
    "words",
    [
        ["-u", "alice:wonderland"],
        ["-H", "Authorization: Bearer wonderland"],
        ["-H", "Cookie: id=wonderland"],
        ["-H", "X-Api-Key: wonderland"],
        ["-H", "X-Auth: wonderland"],
        ["-H", "X-Session: wonderland"],
        ["--auth", "bearer:env:SECRET"],
        ["--auth", "zabbix:env:SECRET"],
    ],
)
@pytest.mark.parametrize("form", [["--dry-run"], ["--dry-run", "-r"], ["--as", "curl"], ["--as", "python"]])
def test_secrets_are_left_out(words, form, monkeypatch):
    outcome = rpcctl("call", "http://127.0.0.1:1/", "add", *words, *form, env={"SECRET": "wonderland"})
    shown = outcome + outcome.stderr
    assert "wonderland" not in shown
    assert base64.b64encode(b"alice:wonderland").decode() not in shown


def test_a_password_in_the_address_is_left_out():
    for form in (["--dry-run"], ["--as", "curl"], ["--as", "python"]):
        outcome = rpcctl("call", "http://alice:wonderland@127.0.0.1:1/", "add", *form)
        assert outcome.exit_status == 0, outcome.stderr
        assert "wonderland" not in outcome + outcome.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tcp://127.0.0.1:1", "add", "--dry-run", "--typed"], "--typed asks the server"),
        (["tcp://127.0.0.1:1", "add", "a=1", "--dry-run"], "no named arguments"),
        (["tcp://127.0.0.1:1", "add", "--as", "curl"], "zmq has no --as curl"),
        (["py:math", "sqrt", "--as", "python"], "py has no --as python"),
        (["http+unix:///run/x.sock", "add", "--as", "python"], "know no Unix sockets"),
        ([f"tcp://127.0.0.1:1?curve-server-key={'x' * 40}", "add", "--as", "python"], "has no encryption"),
        (["pyro+tcp://127.0.0.1:1", "add", "--as", "python"], "names no object"),
        (["pyro+tls://127.0.0.1:1/x", "add", "--as", "python"], "no form for pyro+tls"),
        (["http://127.0.0.1:1/", "add", "--as", "perl"], "'perl' is not one of"),
        (["xmlrpc+http://127.0.0.1:1/", "add", '"\\u0000"', "--as", "curl"], ""),
    ],
)
def test_what_cannot_be_shown_is_a_usage_error(words, message):
    outcome = rpcctl("call", *words)
    assert outcome.exit_status == 2
    assert message in outcome.stderr


def test_a_client_without_previews_says_so(monkeypatch):
    connection = Connection("py:tests.sample")
    monkeypatch.setattr(connection, "_client", object())
    with pytest.raises(UsageError, match="py cannot tell what it would send"):
        preview(connection, connection.request("add"))


# Run by others

SNIPPETS = [(info.scheme, form) for info in registry.protocols() for form in info.snippets]


def run_as(form: str, text: str, **more: object) -> str:
    """What a snippet prints."""
    words = {"curl": ["bash", "-c", text], "python": [sys.executable, "-W", "ignore", "-c", text]}[form]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


@pytest.mark.parametrize(("protocol", "form"), SNIPPETS)
@pytest.mark.parametrize(
    ("method", "words", "printed"),
    [
        ("add", ["a=2", "b=3"], "5"),
        ("echo", ['value=it\'s $HOME "q" `x` \\ é'], "it's $HOME"),
    ],
)
def test_a_snippet_works(address, protocol, form, method, words, printed):
    text = rpcctl("call", address(), method, *spelled(protocol, *words), "--as", form)
    assert printed in run_as(form, text).replace("\\u00e9", "é")


def test_a_script_prints_the_items_of_a_stream(at):
    assert run_as("python", rpcctl("call", at, "count", "3", "--as", "python")) == "0\n1\n2\n"


def test_a_script_for_pyro_prints_the_items_of_a_stream_and_takes_the_token_from_its_file(tmp_path):
    token = tmp_path / "token"
    token.write_text("wonderland\n")
    with Server(SAMPLE, "pyro+tcp://127.0.0.1:0", options={"token-file": str(token)}) as server:
        words = ["count", "3", "--token-file", str(token), "--serializer", "json", "--compress"]
        text = rpcctl("call", str(server.addresses[0]), *words, "--as", "python")
        assert "wonderland" not in text
        assert run_as("python", text) == "0\n1\n2\n"


def test_a_script_for_pyro_calls_one_way():
    script = rpcctl("cast", "PYRO:x@127.0.0.1:1", "refresh", "--as", "python")
    assert "server._pyroOneway.add('refresh')" in script
    assert "print" not in script
    assert rpcctl("call", "pyro+tls://127.0.0.1:1/x", "add", "--as", "python").exit_status == 2


@pytest.mark.parametrize("scheme", ["http", "xmlrpc+http"])
@pytest.mark.parametrize("form", ["curl", "python"])
@pytest.mark.parametrize("auth", ["bearer:env:TOKEN", "bearer:file:token", "basic:file:login"])
def test_a_login_is_taken_from_where_it_is(tmp_path, monkeypatch, scheme, form, auth):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "allowed").write_text("Bearer T0KEN\nalice:wonderland\n")
    (tmp_path / "token").write_text("T0KEN\n")
    (tmp_path / "login").write_text("alice:wonderland\n")
    with Server(SAMPLE, f"{scheme}://127.0.0.1:0", options={"auth-file": str(tmp_path / "allowed")}) as server:
        text = rpcctl("call", str(server.addresses[0]), "add", "2", "3", "--as", form, "--auth", auth)
        assert "T0KEN" not in text
        monkeypatch.setenv("TOKEN", "T0KEN")
        assert "5" in run_as(form, text, cwd=tmp_path)


def test_a_unix_socket_by_curl(tmp_path):
    with Server(SAMPLE, f"http+unix://{tmp_path}/s") as server:
        assert '"result":5' in run_as("curl", rpcctl("call", str(server.addresses[0]), "add", "2", "3", "--as", "curl"))


def test_options_of_tls_are_written():
    words = ["--cacert", "ca.pem", "--cert", "c.pem", "--key", "k.pem", "-k"]
    curl = rpcctl("call", "https://h/", "add", *words, "--as", "curl")
    assert "--cacert ca.pem --cert c.pem --key k.pem --insecure" in curl
    script = rpcctl("call", "https://h/", "add", *words, "--as", "python")
    compile(script, "script", "exec")
    assert "cafile='ca.pem'" in script
    assert "context.load_cert_chain('c.pem', 'k.pem')" in script
    assert "CERT_NONE" in script
    assert "context=context" in script


def test_a_header_given_replaces_ours():
    words = ["http://h/", "add", "-H", "content-type: application/json-rpc", "-H", "Accept:"]
    curl = rpcctl("call", *words, "--as", "curl")
    assert curl.count("Content-Type") == 1
    assert "application/json-rpc" in curl
    assert "-H Accept:" in curl
    assert "Accept" not in rpcctl("call", *words, "--as", "python")


@pytest.mark.parametrize("protocol", ["pyro", "manager"])
def test_what_an_object_is_called_with_is_written(protocol, address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("a key of the tests\n")
    (tmp_path / "key").chmod(0o600)
    at = address()
    key = ["--authkey-file", "key"] if protocol == "manager" else ["--token-file", "key"]
    script = rpcctl("call", at, "default", "1", "c=5", "--as", "python", *key)
    assert "a key" not in script
    assert "open('key'" in script
    if protocol == "manager":
        assert run_as("python", script, cwd=tmp_path) == "[1, 2, 5]\n"
    else:
        assert run_as("python", script.replace("server._pyroHandshake = open", "open"), cwd=tmp_path) == "[1, 2, 5]\n"


def test_an_object_that_is_created_has_no_name_yet():
    words = ["call", "manager://127.0.0.1:1/board", "get", "x", "--create-args", "[3]"]
    shown = rpcctl(*words, "--dry-run")
    assert "> create board [3]\n" in shown
    assert shown.splitlines()[-1] == "> get ['x'] of what was created"
    assert "getattr(manager, 'board')(3)" in rpcctl(*words, "--as", "python")


def test_pushers_and_publishers_have_a_script():
    script = rpcctl("cast", "tcp://127.0.0.1:1", "refresh", "--push", "--as", "python")
    assert "zerorpc.Pusher('tcp://127.0.0.1:1')" in script
    assert rpcctl("cast", "tcp://127.0.0.1:1", "refresh", "--as", "python").exit_status == 2
