"""The status line of a server: what it counts, what it forgets, and that other lines stay whole above it."""

import sys
import threading

import pytest

from rpcctl.cli.above import printing_above
from rpcctl.cli.access import AccessLog
from rpcctl.cli.status import compose, cut, fit, to_count, to_time
from rpcctl.cli.terminal import ERASE, Terminal
from rpcctl.cli.traffic import RECENT, Traffic
from rpcctl.errors import UsageError
from rpcctl.messages import Request
from tests.cli.screen import COLOR, Screen

LIVE = {"TERM": "xterm", "COLUMNS": "80"}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def screen():
    return Screen(tty=True, env=LIVE)


def last_line(screen):
    return screen.told.rpartition(ERASE)[2]


def test_calls_are_counted(screen):
    traffic = Traffic(screen.output)
    traffic.show(0)
    assert last_line(screen) == "0 calls  0 failed  0 in flight"
    traffic(Request("add"), "ok", 0.001)
    traffic(Request("add"), "remote ValueError", 0.1)
    traffic.show(3)
    assert last_line(screen) == "2 calls  1 failed  p99 100 ms  3 in flight  p50 1.00 ms"


def test_latencies_are_those_of_late(screen):
    clock = Clock()
    traffic = Traffic(screen.output, clock)
    traffic(Request("add"), "ok", 5.0)
    clock.now = RECENT + 1
    traffic.show(0)
    assert "p99 5.00 s" in last_line(screen)
    traffic(Request("add"), "ok", 0.001)
    clock.now = 2 * RECENT + 2
    traffic.show(0)
    assert "p99 1.00 ms" in last_line(screen)
    clock.now = 9 * RECENT
    traffic.show(0)
    assert last_line(screen) == "2 calls  0 failed  0 in flight"


def test_the_same_status_is_not_written_again(screen):
    screen.output.status("a", "b")
    before = screen.told
    screen.output.status("a", "b")
    assert screen.told == before


def test_lines_come_above_the_status_which_stays(screen):
    screen.output.status("status")
    screen.output.note("note")
    screen.output.log("log")
    screen.output.status()
    lines = COLOR.sub("", screen.told)
    assert lines == f"{ERASE}status{ERASE}rpcctl: note\nstatus{ERASE}log\nstatus{ERASE}"


def test_what_a_target_prints_comes_above_the_status_in_whole_lines(screen, monkeypatch):
    monkeypatch.setattr(sys, "stderr", screen.err)
    with printing_above(screen.output):
        screen.output.status("status")
        print("one\ntwo", end="", file=sys.stderr)
        print(" and more", file=sys.stderr)
        print("unfinished", end="", file=sys.stderr)
        assert sys.stderr.isatty()
    assert sys.stderr is screen.err
    shown = screen.told
    assert shown == f"{ERASE}status{ERASE}one\nstatus{ERASE}two and more\nstatus{ERASE}unfinished\nstatus"


def test_without_a_status_standard_error_stays_what_it_is():
    before = sys.stderr
    with printing_above(Screen().output):
        assert sys.stderr is before


def test_an_error_ends_the_status(screen):
    screen.output.status("status")
    screen.output.error(UsageError("wrong"))
    assert COLOR.sub("", screen.told).endswith(f"{ERASE}rpcctl: error: wrong\n")


@pytest.mark.parametrize(
    ("tty", "env", "quiet"),
    [(False, LIVE, False), (True, {"TERM": "dumb"}, False), (True, {}, False), (True, LIVE, True)],
)
def test_where_no_line_can_be_written_anew_there_is_none(tty, env, quiet):
    screen = Screen(tty=tty, env=env, quiet=quiet)
    screen.output.status("status")
    assert screen.told == ""
    assert not screen.output.is_live()


def test_lines_of_many_threads_stay_whole_above_the_status(screen):
    def work():
        for n in range(100):
            screen.output.status(f"status {n}")
            screen.output.log("x" * 70)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = [line.rpartition(ERASE)[2] for line in screen.told.split("\n")[:-1]]
    assert shown == ["x" * 70] * 400


@pytest.mark.parametrize(
    ("width", "line"), [(80, "one  two  three"), (14, "one  two"), (8, "one  two"), (7, "one"), (2, "")]
)
def test_parts_are_shown_as_far_as_they_fit(width, line):
    assert fit(["one", "two", "three"], width) == line


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [("a longer text", 8, "a longe…"), ("short  ", 5, "short"), ("longer", 3, ""), ("any", None, "any"), ("x", 0, "")],
)
def test_what_does_not_fit_is_cut(text, width, shown):
    assert cut(text, width) == shown


def test_a_line_for_a_pipe_is_whole_and_plain():
    assert compose([("good", "ok "), "x" * 200], Terminal(), 80) == f"ok {'x' * 200}\n"


def test_a_line_shows_what_a_terminal_would_obey():
    assert compose(["\x1b[2J\n"], Terminal(layout=True), 80) == "\\x1b[2J\\n\n"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 µs"),
        (1e-9, "0.00 µs"),
        (1.234e-6, "1.23 µs"),
        (99.96e-6, "100 µs"),
        (999.4e-6, "999 µs"),
        (999.6e-6, "1.00 ms"),
        (0.01234, "12.3 ms"),
        (0.9999, "1.00 s"),
        (3723.0, "3723 s"),
    ],
)
def test_durations_have_three_digits(seconds, text):
    assert to_time(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (12345.6, "12,346"), (0.5, "0.5"), (12.345, "12.3"), (7.0, "7")]
)
def test_counts(number, text):
    assert to_count(number) == text


@pytest.mark.parametrize(
    ("outcome", "color"), [("ok", "32"), ("remote ValueError", "31"), ("no_method NameError", "33"), ("cancelled", "2")]
)
def test_access_lines_are_coloured_by_outcome_and_aligned(screen, outcome, color):
    AccessLog(screen.output, "auto")(Request("add", peer="10.0.0.1:5"), outcome, 0.0123)
    kind, _, name = outcome.partition(" ")
    assert f"\x1b[{color}m{kind}" in screen.told
    line = COLOR.sub("", screen.told)
    assert line[9:].startswith(f"{kind:<9}    12.3 ms  add               ")
    assert line.split()[-1] == "10.0.0.1:5"
    assert name in line
