"""Our client to supervisord, over its Unix socket and over TCP with a password, and to aria2, with both protocols."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from rpcctl.api import Connection
from rpcctl.errors import (
    AuthError,
    ConnectError,
    InvalidArgumentsError,
    MethodNotFoundError,
    RemoteError,
    RemoteProtocolError,
)
from rpcctl.messages import Failure, Result
from tests.process import run

WAIT = 15.0

CONFIGURATION = """
[supervisord]
nodaemon=true
logfile={folder}/log
pidfile={folder}/pid
[unix_http_server]
file={folder}/s.sock
[inet_http_server]
port=127.0.0.1:{port}
username=someone
password=s3cret
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:idle]
command=sleep 1000
autostart=false
"""


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The addresses of a supervisord: its socket, and TCP without a login."""
    pytest.importorskip("supervisor")
    folder = tmp_path_factory.mktemp("s")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "conf").write_text(CONFIGURATION.format(folder=folder, port=port))
    words = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(folder / "conf")]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    try:
        at = f"xmlrpc+http+unix://{folder}/s.sock"
        await_server(at)
        yield at, f"xmlrpc+http://127.0.0.1:{port}/RPC2"
    finally:
        process.terminate()
        process.wait(WAIT)


def await_server(at: str) -> None:
    """Return when a server answers there."""
    until = time.monotonic() + WAIT
    while True:
        try:
            with Connection(at) as client:
                client.ping()
            return
        except (ConnectError, RemoteProtocolError):
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def with_login(at: str, login: str = "someone:s3cret") -> str:
    return at.replace("://", f"://{login}@")


@pytest.fixture(params=["unix", "tcp"])
def to_supervisor(request: pytest.FixtureRequest, supervisor: tuple[str, str]) -> Iterator[Any]:
    at = supervisor[0] if request.param == "unix" else with_login(supervisor[1])
    with Connection(at, timeout=WAIT) as client:
        yield client


def test_calls_to_supervisord(to_supervisor):
    assert to_supervisor.call("supervisor.getState")["statename"] == "RUNNING"
    assert [each["name"] for each in to_supervisor.call("supervisor.getAllProcessInfo")] == ["idle"]
    # Its answer comes when the program runs, which supervisord calls a deferred result.
    assert to_supervisor.call("supervisor.startProcess", "idle") is True
    assert to_supervisor.call("supervisor.stopProcess", "idle") is True


def test_faults_of_supervisord(to_supervisor):
    with pytest.raises(RemoteError, match="BAD_NAME: nope") as caught:
        to_supervisor.call("supervisor.startProcess", "nope")
    assert caught.value.type == "fault 10"
    with pytest.raises(MethodNotFoundError, match=r"supervisor\.nope"):
        to_supervisor.call("supervisor.nope")
    with pytest.raises(InvalidArgumentsError, match="INCORRECT_PARAMETERS"):
        to_supervisor.call("supervisor.getState", 1)


def test_what_supervisord_tells_of_itself(to_supervisor):
    found = to_supervisor.describe()
    assert {"supervisor.getState", "system.multicall"} <= {each.name for each in found.methods}
    method = found.find("supervisor.startProcess")
    assert method.doc.startswith("Start a process\n\n@param string name ")
    assert method.returns == "bool"
    assert [each.type for each in method.parameters] == ["str", "bool"]


def test_a_batch_to_supervisord_which_leaves_out_an_array(to_supervisor):
    names = ["supervisor.getState", "supervisor.nope", "supervisor.getPID"]
    replies = to_supervisor.send_batch([to_supervisor.request(name) for name in names])
    assert replies[0].value["statename"] == "RUNNING"
    assert replies[1].kind == "no_method"
    assert replies[2].value > 0


@pytest.mark.parametrize("login", ["", "someone:wrong@", "nobody:s3cret@"])
def test_supervisord_refuses_a_wrong_login(supervisor, login):
    with Connection(supervisor[1].replace("://", f"://{login}")) as client, pytest.raises(AuthError) as caught:
        client.call("supervisor.getState")
    assert "wrong" not in caught.value.message
    assert "s3cret" not in caught.value.message


def test_the_command_line_calls_supervisord(supervisor):
    done = run("call", supervisor[0], "supervisor.getState")
    assert (done.returncode, done.stdout) == (0, '{"statecode": 1, "statename": "RUNNING"}\n')
    listed = run("list", with_login(supervisor[1]), "supervisor.start*")
    assert "supervisor.startProcess\n" in listed.stdout


# aria2, which has both protocols.


@pytest.fixture(scope="module")
def aria2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an aria2c whose secret is `s3cret`."""
    if shutil.which("aria2c") is None:
        pytest.skip("aria2c is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["aria2c", "--no-conf", "--enable-rpc", f"--rpc-listen-port={port}", "--rpc-secret=s3cret", "-q"]
    process = subprocess.Popen(words, cwd=tmp_path_factory.mktemp("aria2"), stdin=subprocess.DEVNULL)
    try:
        await_server(f"xmlrpc+http://127.0.0.1:{port}/rpc")
        yield port
    finally:
        process.terminate()
        process.wait(WAIT)


@pytest.mark.parametrize("place", ["xmlrpc+http://127.0.0.1:{}/rpc", "jsonrpc+http://127.0.0.1:{}/jsonrpc"])
def test_calls_to_aria2_with_its_secret(aria2, place, tmp_path):
    at, secret = place.format(aria2), tmp_path / "secret"
    secret.write_text("s3cret\n")
    with Connection(at, options={"auth": f"aria2:file:{secret}"}) as client:
        assert "version" in client.call("aria2.getVersion")
        assert client.call("aria2.tellStopped", 0, 10) == []
        gid = client.call("aria2.addUri", ["http://127.0.0.1:9/x"], {"pause": "true"})
        assert client.call("aria2.tellStatus", gid, ["status"])["status"] in ("paused", "error", "waiting")
        with pytest.raises(MethodNotFoundError, match=r"aria2\.nope"):
            client.call("aria2.nope")
        names = {each.name for each in client.describe().methods}
        assert {"aria2.addUri", "system.multicall"} <= names
        replies = client.send_batch([client.request("aria2.getVersion"), client.request("aria2.nope")])
        assert isinstance(replies[0], Result)
        assert isinstance(replies[1], Failure)
    with Connection(at) as client:
        with pytest.raises(RemoteError, match="Unauthorized"):
            client.call("aria2.getVersion")
        assert "version" in client.call("aria2.getVersion", "token:s3cret")


def test_a_token_is_kept_out_of_the_trace(aria2, tmp_path):
    secret, traced = tmp_path / "secret", []

    def note(*words: Any) -> None:
        traced.append(repr(words))

    secret.write_text("s3cret\n")
    options = {"auth": f"aria2:file:{secret}"}
    with Connection(f"xmlrpc+http://127.0.0.1:{aria2}/rpc", options=options, trace=note) as client:
        client.call("aria2.getVersion")
        client.send_batch([client.request("aria2.getVersion")] * 2)
    assert "token:***" in "".join(traced)
    assert "s3cret" not in "".join(traced)
