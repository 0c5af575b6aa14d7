"""Neovim at the other end: as our server over TCP, a Unix socket and its standard streams, and as our client."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rpcctl.api import Connection
from rpcctl.errors import ConnectError, DeadlineError, MethodNotFoundError, RemoteError
from tests import sample
from tests.behaviour.test_oneway import wait_until
from tests.process import PATIENCE
from tests.shell import rpcctl

NVIM = shutil.which("nvim") or "nvim"
pytestmark = pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed")
EMBEDDED = f"msgpackrpc+exec:{NVIM} --clean --headless --embed"
VALUES: list[Any] = [None, True, -1, 2**40, 1.5, "héllo", "", [1, [2]], {"a": {"b": []}}]


@pytest.fixture(params=["tcp", "unix", "exec"], scope="module")
def neovim(request, tmp_path_factory) -> Iterator[str]:
    """The address of a running Neovim, or of one that is run for each connection."""
    if request.param == "exec":
        yield EMBEDDED
        return
    folder = tmp_path_factory.mktemp("nvim")
    place = str(folder / "n.sock") if request.param == "unix" else "127.0.0.1:0"
    # Where it listens, as it says itself: port 0 takes a free one.
    script = f"call writefile([v:servername], '{folder}/new') | call rename('{folder}/new', '{folder}/name')"
    process = subprocess.Popen(
        [NVIM, "--clean", "--headless", "--listen", place, "-c", script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert wait_until((folder / "name").exists)
        found = (folder / "name").read_text().strip()
        yield f"msgpackrpc+unix://{found}" if request.param == "unix" else f"msgpackrpc+tcp://{found}"
    finally:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture
def nvim(neovim, connect) -> Connection:
    """A connection to it."""
    made: Connection = connect(neovim)
    return made


@pytest.mark.parametrize("value", VALUES)
def test_values_reach_it_and_come_back(nvim, value):
    nvim.nvim_set_var("rpcctl", value)
    assert nvim.nvim_get_var("rpcctl") == value


def test_text_that_is_no_utf8_comes_back_as_bytes(nvim):
    nvim.nvim_set_var("rpcctl", b"\xff\x01")
    assert nvim.nvim_get_var("rpcctl") == b"\xff\x01"


def test_handles_are_numbers_and_go_back_as_such(nvim):
    buffer = nvim.nvim_get_current_buf()
    assert isinstance(buffer, int)
    nvim.nvim_buf_set_lines(buffer, 0, -1, True, ["one", "two"])
    assert nvim.nvim_buf_get_lines({"$ext": [0, "AQ=="]} if buffer == 1 else buffer, 0, -1, True) == ["one", "two"]


def test_handles_as_extension_types_go_back_the_same(neovim, connect):
    nvim = connect(neovim, options={"ext-types": True})
    buffer = nvim.nvim_get_current_buf()
    assert buffer["$ext"][0] == 0
    assert nvim.nvim_buf_is_valid(buffer) is True


def test_its_errors_are_ours(nvim):
    with pytest.raises(RemoteError, match="Vim:E15"):
        nvim.nvim_eval("1+")
    with pytest.raises(RemoteError, match="Invalid buffer id: 999"):
        nvim.nvim_buf_get_lines(999, 0, 1, True)
    with pytest.raises(MethodNotFoundError, match="nvim_nope"):
        nvim.nvim_nope()
    assert nvim.nvim_eval("6*7") == 42


def test_it_calls_us_while_we_wait_and_is_answered(nvim):
    channel = nvim.nvim_get_api_info()[0]
    with pytest.raises(RemoteError, match="no such method: add"):
        nvim.nvim_eval(f"rpcrequest({channel}, 'add', 2, 3)")
    assert nvim.nvim_eval("1") == 1


def test_its_notifications_do_not_disturb(nvim):
    channel = nvim.nvim_get_api_info()[0]
    assert nvim.nvim_eval(f"[rpcnotify({channel}, 'event', 1), rpcnotify({channel}, 'event', 2)]") == [1, 1]


def test_a_cast_arrives_although_the_connection_ends_at_once(neovim):
    assert rpcctl("cast", neovim, "nvim_set_var", "left", "behind").exit_status == 0
    # One that is run for each connection takes with it what it was told.
    if neovim != EMBEDDED:
        assert rpcctl("call", neovim, "nvim_get_var", "left").json == "behind"


def test_a_batch_is_answered_in_order(nvim):
    batch = nvim.batch()
    for number in range(100):
        batch.nvim_eval(f"{number} + 1")
    batch.nvim_nope()
    *found, error = batch.send()
    assert found == list(range(1, 101))
    assert isinstance(error, MethodNotFoundError)


def test_it_tells_what_it_has(neovim):
    listed = rpcctl("list", neovim, "nvim_buf_get_l*")
    assert listed.splitlines() == ["nvim_buf_get_lines"]
    described = rpcctl("describe", neovim, "nvim_buf_get_lines")
    assert "start: Integer, end: Integer, strict_indexing: Boolean" in described


def test_it_is_there(neovim):
    assert rpcctl("ping", neovim).exit_status == 0


def test_a_large_message_goes_both_ways(nvim):
    text = "x" * 3_000_000
    nvim.nvim_set_var("large", text)
    assert nvim.nvim_get_var("large") == text


def test_one_that_waits_for_a_key_is_a_timeout(neovim, connect):
    nvim = connect(neovim, timeout=0.3)
    nvim.nvim_input("r")  # Waits for the character to put there.
    with pytest.raises(DeadlineError):
        nvim.nvim_eval("getchar()")
    # What is answered at any time still is, on the same connection.
    assert nvim.nvim_input("<Esc><Esc>") > 0


def test_a_command_that_is_not_there():
    with pytest.raises(ConnectError, match="no such file"):
        Connection("msgpackrpc+exec:/no/such/nvim --embed").connect()


def test_a_command_ends_with_its_connection():
    with Connection(EMBEDDED) as nvim:
        pid = nvim.nvim_eval("getpid()")
        assert Path(f"/proc/{pid}").exists() or not Path("/proc").exists()
    assert not Path(f"/proc/{pid}").exists()


def run_as_client(script: str, folder: Path) -> Any:
    """The variable `result` of a Neovim that runs the Vim script, and leaves."""
    (folder / "client.vim").write_text(f"{script}\ncall writefile([json_encode(result)], '{folder}/result')\nqall!\n")
    words = [NVIM, "--clean", "--headless", "-S", str(folder / "client.vim")]
    subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=True)
    return json.loads((folder / "result").read_text())


@pytest.fixture(params=["tcp", "unix"])
def channel(request, serve, tmp_path) -> str:
    """A line of Vim script by which a Neovim connects to our server."""
    at = f"unix://{tmp_path}/s.sock" if request.param == "unix" else "tcp://127.0.0.1:0"
    address = serve(at=f"msgpackrpc+{at}").partition("://")[2]
    mode = "pipe" if request.param == "unix" else "tcp"
    return f"let ch = sockconnect('{mode}', '{address}', {{'rpc': v:true}})"


def test_it_calls_our_server(channel, tmp_path):
    calls = "[rpcrequest(ch, 'add', 2, 3), rpcrequest(ch, 'echo', {'a': [1.5, 'é', v:null]})]"
    assert run_as_client(f"{channel}\nlet result = {calls}", tmp_path) == [5, {"a": [1.5, "é", None]}]


@pytest.mark.parametrize(
    ("call", "told"),
    [("'fail', 'boom'", "ValueError: boom"), ("'nope'", "NameError: nope"), ("'add', 1", "TypeError: add()")],
)
def test_it_reads_our_errors(channel, tmp_path, call, told):
    attempt = f"try\nlet result = rpcrequest(ch, {call})\ncatch\nlet result = v:exception\nendtry"
    assert told in run_as_client(f"{channel}\n{attempt}", tmp_path)


def test_it_notifies_our_server(channel, tmp_path):
    sample._memory.clear()
    notify = "let result = rpcnotify(ch, 'remember', 'from neovim') + rpcrequest(ch, 'add', 1, 1)"
    run_as_client(f"{channel}\n{notify}", tmp_path)
    assert wait_until(lambda: sample._memory == ["from neovim"])


def test_it_reads_a_large_answer(channel, tmp_path):
    ask = "let result = len(rpcrequest(ch, 'echo', repeat('x', 2000000)))"
    assert run_as_client(f"{channel}\n{ask}", tmp_path) == 2_000_000
