"""The shell's prompt on real terminals: wide, narrow, without colours, dumb; and where its library is missing."""

import shlex
import shutil
import stat
import sys
from pathlib import Path

import pytest

from rpcctl.cli.app import main
from rpcctl.cli.command import Environment
from tests.cli.tmux import Tmux, running
from tests.shell import Pipe

SAMPLE = "py:tests.sample"
PROMPT = "tests.sample>"
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def need_tmux():
    """Skip, which CI takes for a failure, where tmux is not installed."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")


@pytest.mark.parametrize("columns", [80, 40])
def test_a_call_with_its_hint_and_a_method_completed(tmp_path, columns):
    with running(tmp_path, "shell", SAMPLE, columns=columns) as window:
        screen = window.wait_for(":help for help, Ctrl-D leaves")
        window.type("ad", "Tab")
        window.wait_for(f"{PROMPT} add")
        window.type(" ")
        screen = window.wait_for("add(a: int, b: int) -> int")
        assert max(map(len, screen.splitlines())) <= columns
        window.type("2 3", "Enter")
        screen = window.wait_for("5\n")
        assert f"{PROMPT} add 2 3\n5\n" in screen
        window.type("C-d")
        window.wait_for("ended: 0")


def test_candidates_are_shown_while_typing(tmp_path):
    with running(tmp_path, "shell", SAMPLE) as window:
        window.wait_for(PROMPT)
        window.type("co")
        screen = window.wait_for("count_async")
        assert "(n: int) -> Iterator[int]" in screen


def test_json_goes_over_several_lines(tmp_path):
    with running(tmp_path, "shell", SAMPLE, columns=40) as window:
        window.wait_for(PROMPT)
        window.type('echo {"a":', "Enter")
        window.wait_for("...")
        window.type("[1]}", "Enter")
        assert '  "a": [\n    1\n  ]' in window.wait_for("1\n  ]\n}")


def test_ctrl_c_ends_a_call_and_not_the_shell(tmp_path):
    with running(tmp_path, "shell", SAMPLE) as window:
        window.wait_for(PROMPT)
        window.type("slow 60", "Enter")
        window.wait_for("slow 60", last=True)
        window.type("C-c")
        window.wait_for("interrupted")
        window.type("half a line", "C-c")
        window.type("add 1 2", "Enter")
        window.wait_for("3\n")


def test_a_call_over_a_wire_is_ended_and_the_next_one_made(tmp_path, at):
    with running(tmp_path, "shell", at) as window:
        window.wait_for(">")
        window.type("slow 2", "Enter")
        window.wait_for("slow 2", last=True)
        window.type("C-c")
        window.wait_for("interrupted")
        window.type(":time on", "Enter")
        window.wait_for("time is on")
        window.type("add 1 2", "Enter")
        window.wait_for(" ms")
        assert "\n3\n" in window.screen()


def test_ctrl_z_puts_it_aside_and_fg_takes_it_up_again(tmp_path):
    command = shlex.join([sys.executable, "-m", "rpcctl", "shell", SAMPLE])
    env = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "PS1": "$ "}
    window = Tmux(["bash", "--norc", "-i"], 80, env)
    try:
        window.type(command, "Enter")
        window.wait_for(PROMPT)
        window.type("C-z")
        window.wait_for("Stopped")
        window.type("fg", "Enter")
        window.type("add 20 22", "Enter")
        window.wait_for("\n42\n")
    finally:
        window.close()


def test_the_history_is_kept_for_its_owner_and_found_again(tmp_path):
    with running(tmp_path, "shell", SAMPLE) as window:
        window.wait_for(PROMPT)
        window.type("add 20 22", "Enter")
        window.wait_for("42\n")
        window.type(" echo secret", "Enter")
        window.wait_for('"secret"\n')
        window.type(":quit", "Enter")
        window.wait_for("ended: 0")
    path = tmp_path / "state" / "rpcctl" / "history"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "+add 20 22\n" in path.read_text()
    assert "secret" not in path.read_text()
    with running(tmp_path, "shell", SAMPLE) as window:
        window.wait_for(PROMPT)
        window.type("Up", "Up")
        window.wait_for(f"{PROMPT} add 20 22")


def test_colours_and_none(tmp_path):
    painted = "\x1b[3"
    with running(tmp_path, "shell", SAMPLE) as window:
        window.wait_for(PROMPT)
        window.type("echo text", "Enter")
        assert f'{painted}2m"text"' in window.wait_for('"text"', "-e")
    with running(tmp_path, "shell", SAMPLE, NO_COLOR="1") as window:
        window.wait_for(PROMPT)
        window.type("echo text", "Enter")
        assert painted not in window.wait_for('"text"', "-e")


def test_a_dumb_terminal_has_a_plain_prompt(tmp_path):
    with running(tmp_path, "shell", SAMPLE, TERM="dumb") as window:
        window.wait_for(PROMPT)
        window.type("echo [1,", "Enter")
        window.wait_for("...")
        window.type("2]", "Enter")
        window.wait_for("  2\n]")
        window.type("C-d")
        window.wait_for("ended: 0")


def test_a_server_that_is_not_there(tmp_path):
    with running(tmp_path, "shell", "tcp://127.0.0.1:1", columns=40) as window:
        window.wait_for("ended: 7")


def test_without_its_library_the_prompt_is_a_plain_one(monkeypatch):
    monkeypatch.setitem(sys.modules, "prompt_toolkit", None)
    out, err = Pipe(tty=True), Pipe(tty=True)
    code = main(
        ["shell", SAMPLE], Environment(Pipe(b"add 2 3\n", tty=True), out, err, {"TERM": "xterm", "NO_COLOR": "1"})
    )
    assert code == 0
    assert out.text() == "5\n"
    assert "pip install prompt_toolkit" in err.text()
    assert PROMPT in err.text()
