"""What only a process shows: closed pipes, full disks, Ctrl-C, killed servers, silent hosts."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from tests.process import COMMAND, run, running, serving

SAMPLE = "py:tests.sample"


def test_head_closes_the_pipe_and_nothing_is_said():
    script = 'set -o pipefail; "$@" | head -1; echo "${PIPESTATUS[0]}"'
    words = (*COMMAND, "call", SAMPLE, "endless")
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=20)
    assert done.stdout.splitlines() == ["0", "141"]
    assert done.stderr == ""


def test_a_full_disk():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            (*COMMAND, "call", SAMPLE, "echo", "x" * 100), stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 23
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_for_a_file():
    done = run("call", SAMPLE, "echo", "x", "-o", "/dev/full")
    assert done.returncode == 23
    assert "/dev/full" in done.stderr


def test_ctrl_c_ends_a_call():
    with running("call", SAMPLE, "slow", "30") as process:
        time.sleep(0.5)
        process.signal(signal.SIGINT)
        # It dies of the signal, so that a shell's loop ends too; the shell says 130.
        assert process.wait() == -signal.SIGINT
        assert process.rest() == ""


def test_ctrl_c_ends_the_loop_of_a_script():
    script = f'for i in 1 2 3; do {" ".join(COMMAND)} call {SAMPLE} slow 30; echo "after $i"; done'
    words = ["bash", "-c", script]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as loop:
        time.sleep(1.0)
        os.killpg(loop.pid, signal.SIGINT)
        out, err = loop.communicate(timeout=20)
    assert (out, err) == ("", "")


def test_what_a_target_in_this_process_prints_stays_out_of_the_result(tmp_path):
    lines = [
        "import os",
        "print('loading')",
        "def say():",
        "  print('hello')",
        "  os.system('echo a shell')",
        "  return 7",
    ]
    (tmp_path / "noisy.py").write_text("\n".join(lines))
    done = run("call", f"py:{tmp_path}/noisy.py", "say")
    assert done.stdout == "7\n"
    assert {"loading", "hello", "a shell"} <= set(done.stderr.split("\n"))


def test_a_server_killed_in_mid_call_is_noticed_within_two_heartbeats():
    with (
        serving("--heartbeat", "0.5") as (server, address),
        running("call", address, "slow", "30", "--heartbeat", "0.5", "-v") as call,
    ):
        call.wait_for("< _zpc_hb")
        server.popen.send_signal(signal.SIGKILL)
        began = time.monotonic()
        assert call.wait() == 56
        assert time.monotonic() - began < 2.0
        assert "may have run" in call.rest() or "unknown" in call.rest()


def test_a_server_stopped_in_mid_call_is_noticed_by_its_silence():
    with (
        serving("--heartbeat", "0.5") as (server, address),
        running("call", address, "slow", "30", "--heartbeat", "0.5", "-v") as call,
    ):
        call.wait_for("< _zpc_hb")
        server.popen.send_signal(signal.SIGSTOP)
        assert call.wait() == 56
        assert "heartbeat" in call.rest()


def test_a_server_killed_in_mid_stream():
    with serving("--heartbeat", "0.5") as (server, address):
        words = (*COMMAND, "call", address, "endless", "--heartbeat", "0.5")
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as call:
            assert call.stdout is not None
            assert call.stdout.readline() == "0\n"
            server.popen.kill()
            out, err = call.communicate(timeout=20)
            assert call.returncode == 56
            assert out.splitlines() == [str(n) for n in range(1, len(out.splitlines()) + 1)]
            assert "Traceback" not in err


@pytest.fixture
def silent():
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"


def test_a_silent_host_is_given_up_at_the_connect_timeout(silent):
    began = time.monotonic()
    done = run("call", silent, "add", "--connect-timeout", "0.3")
    assert time.monotonic() - began < 2
    assert done.returncode in (7, 28)
    assert silent.partition("//")[2] in done.stderr


def test_an_http_server_is_named():
    def serve(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        done = run("call", f"tcp://127.0.0.1:{listener.getsockname()[1]}", "add", "--connect-timeout", "1")
    assert done.returncode == 8
    assert "HTTP" in done.stderr


def test_fifty_megabytes_there_and_back(tmp_path):
    (tmp_path / "big").write_text("x" * 50_000_000)
    with serving() as (_, address):
        done = run("call", address, "echo", f"@{tmp_path}/big", "-r")
        assert done.returncode == 0
        assert len(done.stdout) == 50_000_001


def test_a_message_over_the_limit_is_refused_before_it_is_sent(tmp_path):
    (tmp_path / "big").write_text("x" * 2_000_000)
    with serving() as (_, address):
        done = run("call", address, "echo", f"@{tmp_path}/big", "--max-message", "1M")
        assert done.returncode in (2, 8)
        assert "--max-message" in done.stderr


def test_a_result_over_the_servers_limit_is_an_error_of_that_call():
    with serving("--max-message", "1M") as (_, address):
        done = run("call", address, "slow", "0")
        assert done.returncode == 0


def test_a_short_timeout_is_kept():
    with serving() as (_, address):
        began = time.monotonic()
        done = run("call", address, "slow", "5", "--timeout", "0.2")
        assert done.returncode == 28
        assert time.monotonic() - began < 1.5


def test_stdin_is_not_read_by_a_call_in_a_loop():
    script = f'while read -r n; do {" ".join(COMMAND)} call py:math sqrt "$n"; done'
    done = subprocess.run(["bash", "-c", script], input="4\n9\n16\n", capture_output=True, text=True, timeout=30)
    assert done.stdout.split() == ["2.0", "3.0", "4.0"]


def test_it_runs_as_a_module_and_as_a_command():
    command = os.path.join(os.path.dirname(sys.executable), "rpcctl")
    for words in (COMMAND, (command,)):
        assert subprocess.run((*words, "--version"), capture_output=True, text=True).stdout.startswith("rpcctl ")
