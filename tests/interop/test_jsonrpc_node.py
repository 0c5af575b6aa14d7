"""Our JSON-RPC and Node, both ways: its numbers are all floats, its HTTP client and server are what browsers meet."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rpcctl.api import Connection
from rpcctl.errors import InvalidArgumentsError, MethodNotFoundError, RemoteError
from rpcctl.hosting import Server
from rpcctl.messages import Result
from tests import sample
from tests.behaviour.test_oneway import wait_until

SCRIPT = str(Path(__file__).parent / "peers" / "jsonrpc.mjs")


@pytest.fixture(autouse=True)
def _node() -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")


def test_a_client_in_node():
    sample._memory.clear()
    with Server(sample, "http://127.0.0.1:0/") as server:
        words = ["node", SCRIPT, "client", str(server.addresses[0])]
        done = subprocess.run(words, capture_output=True, check=True, timeout=30)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers[0] == [200, {"jsonrpc": "2.0", "result": 5, "id": 1}]
    assert answers[1] == [200, {"jsonrpc": "2.0", "result": 5, "id": "by name"}]
    assert answers[2][1]["result"] == {"text": "漢 \U0001f600", "list": [None, True, 1.5]}
    assert (answers[3][1]["error"]["code"], answers[3][1]["error"]["data"]["type"]) == (-32603, "ValueError")
    assert answers[4][1]["error"]["code"] == -32601
    assert answers[5] == [204, None]
    assert {each["id"]: each["result"] for each in answers[6][1]} == {5: 2, 6: 4}
    assert wait_until(lambda: sample._memory == ["from Node"])


@pytest.fixture
def server() -> Iterator[Connection]:
    """A connection to a server in Node."""
    with subprocess.Popen(["node", SCRIPT, "server"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            with Connection(process.stdout.readline().strip(), timeout=10.0) as client:
                yield client
        finally:
            process.terminate()


def test_a_server_in_node(server):
    assert server.add(2, 3) == 5
    assert server.add(0.5, 0.5) == 1
    assert server.echo({"text": "漢 \U0001f600", "big": 2**53}) == {"text": "漢 \U0001f600", "big": 2**53}
    assert server.cast("echo", 1) is None
    with pytest.raises(RemoteError, match="boom") as caught:
        server.fail("boom")
    assert caught.value.data == {"name": "RangeError"}
    with pytest.raises(MethodNotFoundError):
        server.nope()
    with pytest.raises(InvalidArgumentsError):
        server.add(a=1, b=2)


def test_a_batch_to_a_server_in_node(server):
    requests = [server.request("add", (n, n)) for n in range(3)] + [server.request("echo", (1,), oneway=True)]
    assert server.send_batch(requests) == [Result(0), Result(2), Result(4), None]
