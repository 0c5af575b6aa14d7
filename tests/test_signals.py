"""Signals, with a server that only notes what is asked of it; the real one is run by cli/test_serve.py."""

import importlib
import os
import signal
import sys
import threading

import pytest

from rpcctl import signals
from rpcctl.errors import TargetError, UsageError
from rpcctl.signals import run_until_signal

STOPPING = "stopping: finishing the calls that run; again to stop now"


class Fake:
    """A server; `waits` are run one for each look at the flags, then `draining` and `stopping`."""

    def __init__(self, *waits, draining=lambda: 0, stopping=lambda: None, reloading=lambda: None):
        self.waits = list(waits)
        self.draining, self.stopping, self.reloading = draining, stopping, reloading
        self.did: list[str] = []

    def start(self):
        self.did.append("start")

    def wait(self, timeout=None):
        assert self.waits, f"nothing ended it: {self.did}"
        return bool(self.waits.pop(0)())

    def is_busy(self):
        return True

    def drain(self, grace):
        self.did.append(f"drain {grace:g}")
        return self.draining()

    def stop(self):
        self.did.append("stop")
        self.stopping()

    def reload(self):
        self.did.append("reload")
        self.reloading()


def send(*numbers):
    """What sends this process the signals when it is called."""

    def act():
        for number in numbers:
            signal.raise_signal(number)

    return act


def raising(exc):
    def act():
        raise exc

    return act


def nothing():
    """Time passes."""


@pytest.fixture(autouse=True)
def _restored():
    """Whatever happens, the process has the handlers afterwards that it had before."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    after = [signal.getsignal(number) for number in numbers]
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
    assert after == before


def run(server, **more):
    """Run it; what was noted."""
    notes: list[str] = []
    run_until_signal(server, note=notes.append, **more)
    return notes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_then_stops(number):
    server = Fake(nothing, send(number))
    assert run(server, grace=3.0) == [STOPPING]
    assert server.did == ["start", "drain 3", "stop"]


def test_ready_is_told_once_the_server_is_started_and_signals_are_heeded():
    server = Fake(nothing)
    seen = []

    def ready():
        seen.extend(server.did)
        signal.raise_signal(signal.SIGTERM)

    assert run(server, ready=ready) == [STOPPING]
    assert seen == ["start"]
    assert server.did == ["start", "drain 10", "stop"]


def test_what_cannot_start_is_stopped_and_the_error_passed_on():
    server = Fake()
    server.start = raising(UsageError("no"))  # type: ignore[method-assign]
    with pytest.raises(UsageError):
        run_until_signal(server, ready=lambda: pytest.fail("it is not ready"))
    assert server.did == ["stop"]


def test_calls_left_over_are_counted():
    for left, words in ((1, "1 call did"), (2, "2 calls did")):
        notes = run(Fake(send(signal.SIGTERM), draining=lambda left=left: left), grace=0.5)
        assert notes == [STOPPING, f"{words} not finish within --grace 0.5 s"]


def test_a_second_signal_while_calls_finish_means_now():
    server = Fake(send(signal.SIGTERM), draining=send(signal.SIGINT))
    assert run(server) == [STOPPING, "stopped at once"]
    assert server.did == ["start", "drain 10", "stop"]


def test_two_signals_at_once_mean_now():
    server = Fake(send(signal.SIGTERM, signal.SIGTERM))
    assert run(server) == ["stopped at once"]
    assert server.did == ["start", "stop"]


@pytest.mark.parametrize("before", [1, 2])
def test_further_signals_while_it_stops_change_nothing(before):
    server = Fake(
        send(signal.SIGTERM),
        draining=send(signal.SIGTERM) if before == 2 else lambda: 0,
        stopping=send(signal.SIGTERM, signal.SIGINT, signal.SIGTERM),
    )
    run(server)
    assert server.did[-1] == "stop"


def test_a_server_that_stopped_by_itself_is_drained_and_the_run_is_over():
    server = Fake(nothing, lambda: True)
    run(server)
    assert server.did == ["start", "drain 10", "stop"]


def test_what_ended_the_server_is_passed_on_after_stop():
    server = Fake(raising(OSError("gone")))
    with pytest.raises(OSError, match="gone"):
        run(server)
    assert server.did == ["start", "stop"]


def test_once_ends_it_when_it_says_so():
    answers = iter([False, False, True])
    server = Fake(nothing, nothing, nothing)
    run(server, once=lambda: next(answers))
    assert server.did == ["start", "drain 10", "stop"]


def test_sighup_reloads_once_for_each():
    server = Fake(send(signal.SIGHUP), nothing, send(signal.SIGHUP, signal.SIGHUP), nothing, send(signal.SIGTERM))
    assert run(server) == ["reloaded", "reloaded", STOPPING]
    assert server.did == ["start", "reload", "reload", "drain 10", "stop"]


def test_a_reload_that_fails_is_told_and_the_server_goes_on():
    error = TargetError("calc.py: invalid syntax", traceback="  line 1\n    def (\n")
    server = Fake(send(signal.SIGHUP), nothing, send(signal.SIGTERM), reloading=raising(error))
    assert run(server) == [
        "not reloaded, the old target goes on: calc.py: invalid syntax",
        "  line 1",
        "    def (",
        STOPPING,
    ]


def test_another_thread_is_refused_before_anything_is_started():
    server = Fake()
    caught = []

    def work():
        try:
            run_until_signal(server)
        except UsageError as exc:
            caught.append(exc)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "main thread" in caught[0].message
    assert server.did == []


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The file of an imported module; files are looked at each time."""
    monkeypatch.setattr(signals, "WATCH", 0.0)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "watched_by_test.py"
    path.write_text("x = 1\n")
    importlib.import_module("watched_by_test")
    yield path
    del sys.modules["watched_by_test"]


def touch(path, seconds):
    """Give the file another time of change."""
    stat = path.stat()
    os.utime(path, (stat.st_atime, stat.st_mtime + seconds))


def test_a_changed_file_reloads_once(module):
    server = Fake(nothing, lambda: touch(module, 5), nothing, send(signal.SIGTERM))
    assert run(server, watch=True) == ["reloaded", STOPPING]


def test_an_older_file_is_a_change_too(module):
    server = Fake(lambda: touch(module, -5), send(signal.SIGTERM))
    assert run(server, watch=True) == ["reloaded", STOPPING]


def test_files_are_not_watched_unless_asked_for(module):
    server = Fake(lambda: touch(module, 5), nothing, send(signal.SIGTERM))
    assert run(server) == [STOPPING]


def test_a_file_that_is_away_for_a_moment_is_seen_when_it_is_back(module):
    def back():
        module.write_text("x = 2\n")
        touch(module, 5)

    server = Fake(module.unlink, nothing, back, nothing, send(signal.SIGTERM))
    assert run(server, watch=True) == ["reloaded", STOPPING]


def test_what_stands_for_a_module_may_be_anything(module, monkeypatch):
    class Hostile:
        def __getattr__(self, name):
            raise RuntimeError(name)

    monkeypatch.setitem(sys.modules, "hostile_to_test", Hostile())
    server = Fake(lambda: touch(module, 5), send(signal.SIGTERM))
    assert run(server, watch=True) == ["reloaded", STOPPING]


def test_files_are_looked_at_no_more_often_than_needed(module, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(signals, "WATCH", 1.0)
    monkeypatch.setattr(signals, "monotonic", lambda: now[0])

    def later(seconds):
        now[0] += seconds

    server = Fake(
        lambda: touch(module, 5),
        lambda: later(0.9),
        lambda: later(0.2),
        lambda: later(2.0),
        send(signal.SIGTERM),
    )
    noted = []
    run_until_signal(server, watch=True, note=lambda text: noted.append((text, round(now[0], 1))))
    assert noted == [("reloaded", 101.1), (STOPPING, 103.1)]
