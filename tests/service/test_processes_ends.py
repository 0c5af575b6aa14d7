"""Worker processes come and go: killed, replaced, renewed, closed; what that costs callers and what is left behind."""

import os
import signal

import pytest

from rpcctl.errors import TargetError
from rpcctl.messages import Item, Result
from rpcctl.service.loop import event_loop
from tests.service.executors import PATIENCE, await_until
from tests.service.processes import TARGET, Served, is_alive


def test_a_process_that_dies_costs_its_own_calls_and_is_replaced(serve, threads, capfd):
    served = serve(2)
    pids = {served.value("pid") for _ in range(2)}
    safe = threads.submit(served.value, "wait_for", "go")
    survivor = served.read_pid("waits-for-go")
    lost = threads.submit(served.all, "wait_for", "godot")
    doomed = served.read_pid("waits-for-godot")
    os.kill(doomed, signal.SIGKILL)
    [failure] = lost.result(PATIENCE)
    assert failure[:2] == ("lost", "WorkerLost")
    assert f"process {doomed} was killed by SIGKILL while it ran wait_for" in failure.message
    (served.folder / "go").touch()
    assert safe.result(PATIENCE) == "go"
    await_until(lambda: len({served.value("pid") for _ in range(2)}) == 2)
    now = {served.value("pid") for _ in range(2)}
    assert now & pids == {survivor}
    assert f"process {doomed} was killed by SIGKILL" in capfd.readouterr().err


LAST_WORDS = [("die", []), ("count_then_die", [Item(1)]), ("die_with_heir", [])]


@pytest.mark.parametrize(("method", "before"), LAST_WORDS)
def test_what_a_dying_process_said_arrives_before_the_failure(serve, method, before):
    served = serve()
    *said, failure = served.all(method)
    assert said == before
    assert failure[:2] == ("lost", "WorkerLost")
    assert "ended with status 7" in failure.message
    if method == "die_with_heir":
        os.kill(served.read_pid("heir"), signal.SIGKILL)
    assert served.value("echo", 1) == [[1], {}]


def test_while_none_can_be_started_callers_are_told_so_and_it_is_tried_again(serve, capfd):
    served = serve(1, max_wait=0.5)
    served.write("raise RuntimeError('not today')")
    assert served.all("die")[0].kind == "lost"
    [failure] = served.all("pid")
    assert failure[:2] == ("busy", "ServerBusy")
    warnings = []

    def has_warned(text):
        warnings.append(capfd.readouterr().err)
        return text in "".join(warnings)

    await_until(lambda: has_warned("another one takes its place in 0.2 s"))
    assert has_warned("not today")
    assert has_warned("another one takes its place in 0.1 s")
    served.write(TARGET)
    await_until(lambda: isinstance(served.all("pid")[0], Result))


BROKEN = [
    ("import math\n\nvalue = math.sqroot(2)\n", "sqroot", "value = math.sqroot(2)"),
    ("import os\nos._exit(3)\n", "ended with status 3 while it loaded the target", ""),
    ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "was killed by SIGKILL", ""),
    ("_private = 1\n", "0 exposed", ""),
]


@pytest.mark.parametrize(("text", "message", "traceback"), BROKEN)
def test_processes_that_cannot_load_the_target_are_an_error_at_the_start(tmp_path, text, message, traceback):
    served = Served(tmp_path, 2)
    served.write(text)
    with pytest.raises(TargetError, match=message) as caught:
        served.processes.start()
    assert traceback in caught.value.traceback


def test_renew_loads_anew_and_lets_running_calls_finish_on_the_old(serve, threads):
    served = serve(2)
    old = {served.value("pid") for _ in range(2)}
    running = threads.submit(served.value, "wait_for", "go")
    served.wait_for("waits-for-go")
    served.write(TARGET + "\ndef added():\n    return 1\n")
    served.processes.renew()
    assert served.value("added") == 1
    assert not old & {served.value("pid") for _ in range(2)}
    (served.folder / "go").touch()
    assert running.result(PATIENCE) == "go"
    await_until(lambda: not any(map(is_alive, old)))


def test_renew_that_fails_leaves_everything_as_it_was(serve):
    served = serve(2)
    old = {served.value("pid") for _ in range(2)}
    served.write("def added(:\n")
    with pytest.raises(TargetError, match="served"):
        served.processes.renew()
    assert {served.value("pid") for _ in range(2)} == old


def test_close_leaves_neither_processes_nor_descriptors_behind(tmp_path, threads):
    event_loop()
    descriptors = len(os.listdir("/dev/fd"))
    served = Served(tmp_path, 2)
    served.processes.start()
    pids = {served.value("pid") for _ in range(2)}
    running = threads.submit(served.all, "wait_for", "nothing")
    served.wait_for("waits-for-nothing")
    served.processes.close()
    served.processes.close()
    assert [each.kind for each in running.result(PATIENCE)] == ["lost"]
    assert not any(map(is_alive, pids))
    assert len(os.listdir("/dev/fd")) == descriptors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_are_the_parents_business(serve, number):
    served = serve(2)
    pids = {served.value("pid") for _ in range(2)}
    for each in pids:
        os.kill(each, number)
    assert {served.value("pid") for _ in range(4)} == pids


def test_programs_that_a_target_starts_inherit_no_ignored_signals(serve):
    assert serve().value("signals_ignored") == [False, False, False]
