"""Under the name zerorpc: beside zerorpc 0.6.3's own command, the same words give the same lines."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rpcctl.cli.command import Environment
from rpcctl.cli.zerorpc import main
from rpcctl.hosting import Server
from tests.cli import terminal
from tests.shell import Pipe

# On Python 3.10 and later zerorpc's command runs the call and then fails to print it, for want of this name.
STOCK = """
import collections, collections.abc, sys, warnings
warnings.simplefilter("ignore")
collections.Iterator = collections.abc.Iterator
from zerorpc.cli import main
sys.exit(main())
"""


class Methods:
    """What both commands call."""

    def add(self, a, b=2):
        """Add two numbers.

        The sum of both.
        """
        return a + b

    def echo(self, *values):
        return list(values)

    def nothing(self, flag=None):
        """Return None."""

    def table(self) -> dict[str, Any]:
        """A map that is wider than a line."""
        return {f"key {n}": ["é", n, None, 1.5, {"nested": True}] for n in range(5, 0, -1)}

    def count(self, n: Any) -> Iterator[int]:
        """Count."""
        yield from range(int(n))

    def fail(self) -> None:
        """Raise."""
        raise ValueError("on purpose")

    def data(self) -> bytes:
        """Bytes."""
        return b"\x00\xff"


@pytest.fixture(scope="module")
def at() -> Iterator[str]:
    """Where they are served."""
    with Server(Methods(), "tcp://127.0.0.1:0") as server:
        yield str(server.addresses[0])


def ours(*words: str) -> tuple[int, str, str]:
    """What our command does: its exit code, stdout and stderr."""
    out, err = Pipe(), Pipe()
    code = main(words, Environment(Pipe(), out, err, {}))
    return code, out.text(), err.text()


def theirs(*words: str) -> tuple[int, str, str]:
    """The same of zerorpc's."""
    done = subprocess.run([sys.executable, "-c", STOCK, *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["{at}", "add", "2", "3"],
        ["-j", "{at}", "add", "2", "3"],
        ["--json", "--print-json", "{at}", "add", "2.5"],
        ["{at}", "nothing"],
        ["{at}", "table"],
        ["-pj", "{at}", "table"],
        ["{at}", "data"],
        ["{at}", "count", "3"],
        ["-pj", "{at}", "count", "3"],
        ["-pj", "{at}", "count", "0"],
        ["{at}", "echo", "-1", "true", "é"],
        ["--connect", "{at}", "echo", "a"],
        ["{at}"],
        ["-?", "{at}"],
        ["-?", "{at}", "add"],
        ["--inspect", "{at}", "echo"],
        ["-?", "{at}", "nope"],
        ["--timeout", "5", "--heartbeat", "5", "--active-hb", "{at}", "echo"],
        ["--cli", "--print", "{at}", "echo"],
    ],
    ids=lambda words: " ".join(words),
)
def test_the_same_words_print_the_same_lines(at, words):
    words = [each.format(at=at) for each in words]
    assert ours(*words) == theirs(*words)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["{at}", "fail"], 1),
        (["{at}", "nope"], 1),
        (["-j", "{at}", "add", "{{"], 1),
        (["-pj", "{at}", "data"], 1),
        (["--nope", "{at}"], 2),
        (["{at}", "-j", "add", "1", "2"], 2),
        (["--timeout", "1.5", "{at}"], 2),
        (["--client", "--server", "{at}"], 2),
        ([], 255),
        (["--server", "{at}"], 255),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else str(words),
)
def test_errors_have_the_same_exit_code(at, words, code, capsys):
    words = [each.format(at=at) for each in words]
    assert ours(*words)[0] == theirs(*words)[0] == code


def test_an_error_tells_what_the_method_raised_and_where(at):
    _, out, err = ours(at, "fail")
    assert out == ""
    assert err.startswith(f'connecting to "{at}"\nrpcctl: error: ValueError: on purpose\n')
    assert 'raise ValueError("on purpose")' in err


def test_a_client_that_binds_is_served_by_who_connects(free_port):
    endpoint = f"tcp://127.0.0.1:{free_port}"
    peer = [sys.executable, str(Path(__file__).parent.parent / "interop" / "zerorpc_peer.py"), "connected-server"]
    with subprocess.Popen([*peer, endpoint]) as server:
        try:
            assert ours("--client", "--bind", endpoint, "-j", "add", "2", "3") == (
                0,
                "5\n",
                f'binding to "{endpoint}"\n',
            )
        finally:
            server.kill()


@pytest.mark.parametrize("more", [["--connect", "{at}"], ["--bind", "tcp://127.0.0.1:0"]])
def test_a_client_binds_once_and_connects_nowhere_else(at, more):
    code, _, err = ours("--bind", "tcp://127.0.0.1:0", *(each.format(at=at) for each in more), "add")
    assert code == 1
    assert "a client binds one address, or connects" in err


def test_an_address_that_is_taken_is_not_waited_for(at):
    began = time.monotonic()
    code, _, err = ours("--timeout", "20", "--bind", at, "add")
    assert code == 1
    assert "in use" in err
    assert time.monotonic() - began < 10


def test_a_server_that_is_not_there_is_waited_for_until_the_timeout(free_port):
    code, _, err = ours("--timeout", "1", f"tcp://127.0.0.1:{free_port}", "add")
    assert code == 1
    assert "Traceback" not in err


def test_debugging_shows_the_messages(at):
    _, _, err = ours("-d", at, "add", "2", "3")
    assert "\n--> add ['2', '3'] id " in err
    assert "\n<-- " in err


# As a program


@pytest.fixture
def program(tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    """The command by a link of its name, and its environment."""
    env = terminal.install(tmp_path)
    link = tmp_path / "zerorpc"
    link.symlink_to(shutil.which("rpcctl", path=env["PATH"]) or "")
    return [str(link)], {**env, "PYTHONUNBUFFERED": "1"}


TARGET = """
class Calc:
    def add(self, a, b):
        return a + b

def make():
    return Calc()
"""


@pytest.mark.parametrize(
    ("target", "methods"),
    [("calc.Calc", "[Calc]"), ("calc.make", ""), ("calc", "[calc]"), ("os.path", "")],
)
def test_a_link_serves_as_zerorpc_does(program, tmp_path, free_port, target, methods):
    words, env = program
    (tmp_path / "calc.py").write_text(TARGET)
    endpoint = f"tcp://127.0.0.1:{free_port}"
    command = [*words, "--server", "--bind", endpoint, "--pool-size", "4", target]
    with subprocess.Popen(command, env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        told = [server.stderr.readline(), server.stderr.readline()]
        assert told == [f'binding to "{endpoint}"\n', f'serving "{target}"\n']
        listed = subprocess.run([*words, endpoint], env=env, capture_output=True, text=True, timeout=30)
        assert listed.returncode == 0, listed.stderr
        assert listed.stdout.startswith(methods or "[")
        if target != "os.path":
            wanted = "make" if target == "calc" else "add"
            assert f"\n{wanted} " in listed.stdout
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0


def test_ctrl_c_and_a_closed_pipe_end_it_quietly(program, at):
    words, env = program
    with subprocess.Popen(
        [*words, at, "count", "100000000"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"0\n"
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(10) == -signal.SIGINT
        assert b"Traceback" not in process.stderr.read()
    shell = f"{words[0]} {at} count 100000000 | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], env=env, capture_output=True, timeout=30)
    assert done.returncode == 141
    assert b"Traceback" not in done.stderr


def test_a_server_may_dial(program, tmp_path, free_port):
    words, env = program
    server_words = [*words, "--server", f"tcp://127.0.0.1:{free_port}", "time"]
    with subprocess.Popen(server_words, env=env, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        assert server.stderr.readline() == f'connecting to "tcp://127.0.0.1:{free_port}"\n'
        assert server.stderr.readline() == 'serving "time"\n'
        server.terminate()
        assert server.wait(10) == 0


def test_by_its_own_name_it_is_rpcctl(program):
    _, env = program
    done = subprocess.run(["rpcctl", "--version"], env={**os.environ, **env}, capture_output=True, text=True)
    assert done.stdout.startswith("rpcctl ")
