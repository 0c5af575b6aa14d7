"""Standard error: errors, notes, log lines, the panel; traces and what is masked in them."""

import io
import json
import threading
import time

import pytest

from rpcctl.cli.output import Output
from rpcctl.errors import ArgumentError, ConnectError, MethodNotFoundError, RemoteError, TargetError
from tests.cli.screen import COLOR, Arrival, Screen
from tests.shell import Pipe

# Standard error


def test_an_error_is_a_line_and_a_hint():
    screen = Screen()
    screen.output.error(ArgumentError("argument 1: no", hint="type it\nso"))
    assert screen.told == "rpcctl: error: argument 1: no\nhint: type it …\n"
    assert screen.text == ""


def test_a_narrow_screen_breaks_lines_between_words():
    words = "the certificate at http://127.0.0.1:8080/calculator/of/ours is not trusted"
    screen = Screen(tty=True, env={"COLUMNS": "40", "TERM": "xterm"})
    screen.output.error(ArgumentError(words, hint=f"see whether {words}"))
    lines = COLOR.sub("", screen.told).splitlines()
    assert " ".join(lines) == f"rpcctl: error: {words} hint: see whether {words}"
    assert all(len(line) <= 40 or " " not in line for line in lines)


def test_a_tab_in_a_message_is_a_tab():
    screen = Screen()
    screen.output.error(RemoteError("stack traceback:\n\t[C]: in main"))
    assert screen.told == "rpcctl: error: stack traceback:\n\t[C]: in main\n"


@pytest.mark.parametrize("hint", ["", "try this"])
@pytest.mark.parametrize("tty", [True, False])
def test_an_error_has_four_lines_at_most(hint, tty):
    screen = Screen(tty=tty)
    screen.output.error(RemoteError("\n".join(f"line {n}" for n in range(50)) + "x" * 10**7, hint=hint))
    lines = COLOR.sub("", screen.told).splitlines()
    assert len(lines) == 4
    assert lines[0] == "rpcctl: error: line 0"
    assert lines[3] == (f"hint: {hint}" if hint else "line 3 …")
    assert max(map(len, lines)) < 3000


def test_a_long_message_is_cut():
    screen = Screen()
    screen.output.error(RemoteError("x" * 10**7))
    assert len(screen.told) < 2100
    assert screen.told.endswith("x…\n")


def test_the_remote_traceback_is_shown_when_asked():
    error = RemoteError("ValueError: boom", type="ValueError", traceback='Traceback:\n  File "x"\n\tboom\x1b\n')
    brief, whole = Screen(), Screen(verbose=1)
    brief.output.error(error)
    whole.output.error(error)
    assert brief.told == "rpcctl: error: ValueError: boom\nhint: -v shows the remote traceback\n"
    assert whole.told == 'rpcctl: error: ValueError: boom\n  Traceback:\n    File "x"\n  \tboom\\x1b\n'


def test_the_traceback_of_a_broken_target_is_always_shown():
    screen = Screen()
    screen.output.error(TargetError("cannot load x: boom", traceback="Traceback:\n  boom\n"))
    assert screen.told.endswith("\n  Traceback:\n    boom\n")


@pytest.mark.parametrize("format", ["json", "ndjson"])
def test_an_error_for_a_program_is_one_json_line(format):
    screen = Screen(format=format, tty=True)
    error = RemoteError("ValueError: bo\no\ud800\x9bm", type="ValueError", traceback="Trace\n", hint="look")
    screen.output.error(error, protocol="zmq", address="tcp://h:1", method="add")
    assert screen.told.count("\n") == 1
    assert json.loads(screen.told) == {
        "error": {
            "kind": "remote",
            "exit": 22,
            "message": "ValueError: bo\no\ud800\x9bm",
            "hint": "look",
            "protocol": "zmq",
            "address": "tcp://h:1",
            "method": "add",
            "remote": {"type": "ValueError", "message": "bo\no\ud800\x9bm", "traceback": "Trace\n"},
        }
    }


@pytest.mark.parametrize(
    ("error", "remote"),
    [
        (ConnectError("refused"), None),
        (MethodNotFoundError("no method 'x'", type="NameError"), {"type": "NameError", "message": "no method 'x'"}),
        (RemoteError("odd"), {"type": "", "message": "odd"}),
    ],
)
def test_only_what_the_peer_answered_is_remote(error, remote):
    screen = Screen(format="json")
    screen.output.error(error)
    found = json.loads(screen.told)["error"]["remote"]
    assert found == (remote and {**remote, "traceback": ""})


def test_results_come_before_the_error():
    both = Pipe()
    output = Output(both, both, env={})
    output.value(1)
    output.error(ArgumentError("late"))
    assert both.text() == "1\nrpcctl: error: late\n"


def test_quiet_leaves_results_and_errors():
    screen = Screen(quiet=True)
    screen.output.note("note")
    screen.output.log("log")
    screen.output.panel("title", ["a"])
    screen.output.error(ArgumentError("error"))
    screen.output.value(1)
    assert screen.told == "rpcctl: error: error\n"
    assert screen.text == "1\n"


def test_notes_and_log_lines_are_one_line_each():
    screen = Screen()
    screen.output.note("warning: a\nb")
    screen.output.log("12:00:00 peer add\nforged ok")
    assert screen.told == "rpcctl: warning: a\\nb\n12:00:00 peer add\\nforged ok\n"
    assert screen.text == ""


@pytest.mark.parametrize("tty", [True, False])
def test_the_panel_names_some_methods(tty):
    screen = Screen(tty=tty, env={"COLUMNS": "60"})
    screen.output.panel("serving calc: 1000 methods", [f"method_{n}" for n in range(1000)])
    told = COLOR.sub("", screen.told)
    assert "serving calc: 1000 methods" in told
    assert "method_0, method_1" in told
    assert "…" in told
    assert len(told.splitlines()) < 12


def test_lines_from_many_threads_stay_whole():
    screen = Screen()

    def log_lines() -> None:
        for _ in range(50):
            screen.output.log("x" * 200)

    threads = [threading.Thread(target=log_lines) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert screen.told == ("x" * 200 + "\n") * 200


def test_nobody_reading_standard_error_is_no_failure():
    for stream in (None, io.TextIOWrapper(io.BufferedWriter(Arrival(BrokenPipeError())), write_through=True)):
        output = Output(Pipe(), stream, env={})
        output.note("x")
        output.trace("*", "x", None)
        output.error(ArgumentError("x"))
    closed = Pipe()
    closed.close()
    Output(Pipe(), closed, env={}).note("x")


# Traces


def test_a_trace_has_directions_and_with_vv_bytes():
    brief, whole = Screen(verbose=1), Screen(verbose=2)
    for screen in (brief, whole):
        screen.output.trace(">", "call add [1]\nid 7", bytes(range(60, 80)))
        screen.output.trace("*", "connected", None)
    assert brief.told == "> call add [1]\n> id 7\n* connected\n"
    assert whole.told == (
        "> call add [1]\n> id 7\n"
        "  00000000  3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b  <=>?@ABCDEFGHIJK\n"
        "  00000010  4c 4d 4e 4f                                      LMNO\n"
        "* connected\n"
    )


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
        ("proxy-authorization: Bearer a.b.c", "proxy-authorization: Bearer ***"),
        ("Authorization: zzz", "Authorization: ***"),
        ("Cookie: a=b; c=d", "Cookie: ***"),
        ("Set-Cookie: a=b; c=d", "Set-Cookie: ***"),
        ("X-Api-Key: abc", "X-Api-Key: ***"),
        ("auth_token=abc&x=1", "auth_token=***&x=1"),
        ('{"password": "hunter2", "a": 1}', '{"password": "***", "a": 1}'),
        ("connecting to amqp://me:hunter2@host:1/", "connecting to amqp://me:***@host:1/"),
        ("tcp://host:4242 add 3", "tcp://host:4242 add 3"),
        ("tokens: many", "tokens: many"),
    ],
)
def test_secrets_are_masked(text, masked):
    screen = Screen(verbose=2)
    screen.output.trace(">", text, text.encode())
    first, *rows = screen.told.splitlines()
    assert first == f"> {masked}"
    assert "".join(row[61:] for row in rows) == masked


def test_a_trace_of_a_huge_message_is_cut():
    screen = Screen(verbose=2)
    began = time.process_time()
    screen.output.trace("<", "token" * 10_000_000, b"password" * 6_000_000)
    assert time.process_time() - began < 2.0
    assert "(50000000 characters)" in screen.told
    assert "bytes more" in screen.told
    assert len(screen.told) < 1_000_000
