"""watch: a line for each value on a pipe, the last one on a terminal, until something is true or the time is over."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from rpcctl.cli.app import main
from rpcctl.cli.command import Environment
from rpcctl.hosting import Server
from rpcctl.messages import Deadline
from tests.shell import Pipe, rpcctl

QUICK = ("-n", "0.05")


class Counter:
    """Counts its calls, and tells of the first."""

    def __init__(self) -> None:
        self._n = 0
        self._called = threading.Event()

    def tick(self, step: int = 1) -> dict[str, Any]:
        """The next number."""
        self._n += step
        self._called.set()
        return {"n": self._n}

    def tick_items(self) -> Any:
        """The numbers so far, as a stream."""
        self._n += 1
        yield from range(self._n)

    def fail(self) -> None:
        """Raise when called the second time."""
        self._n += 1
        if self._n > 1:
            raise ValueError("enough")


@pytest.fixture
def counter():
    """What is served."""
    return Counter()


@pytest.fixture
def at(counter):
    """Where."""
    with Server(counter, "tcp://127.0.0.1:0") as server:
        yield str(server.addresses[0])


def test_a_pipe_gets_a_line_for_each_value(at):
    outcome = rpcctl("watch", at, "tick", *QUICK, "--until", "n == `3`")
    assert outcome == '{"n": 1}\n{"n": 2}\n{"n": 3}\n'
    assert (outcome.exit_status, outcome.stderr) == (0, "")


def test_what_is_shown_is_chosen_and_what_is_awaited_is_not(at):
    assert rpcctl("watch", at, "tick", "2", *QUICK, "--until", "n > `3`", "--select", "n", "-f", "yaml") == (
        "--- 2\n--- 4\n"
    )


def test_a_stream_is_shown_as_a_list(at):
    assert rpcctl("watch", at, "tick_items", *QUICK, "--until", "length(@) == `2`") == "[0]\n[0, 1]\n"


def test_standard_input_is_read_once(at):
    outcome = rpcctl("watch", at, "tick", "-", *QUICK, "--until", "n == `10`", stdin=b"[5]")
    assert outcome == '{"n": 5}\n{"n": 10}\n'


def test_the_time_is_over_before_it_is_true(at):
    outcome = rpcctl("watch", at, "tick", *QUICK, "--until", "n < `0`", "--max-time", "0.2")
    assert outcome.exit_status == 28
    assert "'n < `0`' was not true within 0.2 s" in outcome.stderr


def test_without_a_condition_the_end_of_the_time_is_no_error(at):
    assert rpcctl("watch", at, "tick", *QUICK, "--max-time", "0.2").exit_status == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["fail"], 22, "ValueError: enough"),
        (["nope"], 78, "no method 'nope'"),
        (["tick", "--until", "n =="], 2, "--until: the expression ends too early"),
        (["tick", "--until", "length(n)"], 2, "--until: length() takes"),
        (["tick", "-n", "x"], 2, "'x' is not a number of seconds"),
    ],
)
def test_mistakes_and_errors_of_the_method_end_it(at, words, code, message):
    outcome = rpcctl("watch", at, *QUICK, *words)
    assert outcome.exit_status == code
    assert message in outcome.stderr


def test_a_server_that_was_never_there_is_not_waited_for():
    assert rpcctl("watch", "tcp://127.0.0.1:1", "tick", "--connect-timeout", "0.1").exit_status == 7


@pytest.mark.parametrize("scheme", ["tcp", "http"])
def test_a_lost_server_is_dialled_again(counter, free_port, scheme):
    at = f"{scheme}://127.0.0.1:{free_port}"
    out, err, codes = Pipe(), Pipe(), list[int]()
    words = ["watch", at, "tick", *QUICK, "--until", "n >= `1000`", "--connect-timeout", "1", "--timeout", "1"]
    watching = threading.Thread(target=lambda: codes.append(main(words, Environment(Pipe(), out, err, {}))))
    with Server(counter, at):
        watching.start()
        assert counter._called.wait(10)
    deadline = Deadline.after(20)
    while "trying again" not in err.text() and not deadline.expired():
        watching.join(0.05)
    counter._n = 1000
    with Server(counter, at):
        watching.join(20)
    assert codes == [0], err.text()
    assert err.text().count("trying again every 0.05 s") == 1
    assert err.text().count("answers again") == 1
    assert json.loads(out.text().splitlines()[-1])["n"] > 1000


@pytest.mark.parametrize("columns", [80, 40])
def test_a_terminal_is_drawn_in_place_and_ctrl_c_ends_it(at, columns):
    leader, follower = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns), "LINES": "10"}
    words = [sys.executable, "-m", "rpcctl", "watch", at, "tick", *QUICK]
    with subprocess.Popen(words, stdin=follower, stdout=follower, stderr=follower, env=env) as process:
        os.close(follower)
        shown = b""
        while shown.count(b"\x1b[J") < 3:
            shown += os.read(leader, 4096)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == -signal.SIGINT
    rest = b""
    try:
        while more := os.read(leader, 4096):
            rest += more
    except OSError:
        pass  # The other end is closed.
    os.close(leader)
    assert b"\x1b[4A\x1b[J" in shown
    assert b"\x1b[7m" in shown
    assert b"Traceback" not in shown + rest
    assert all(len(line) < columns + 40 for line in shown.splitlines())
