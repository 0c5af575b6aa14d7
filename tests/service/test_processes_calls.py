"""Worker processes run calls as one process does: values, failures, streams, time limits; and several at once."""

import asyncio
import os
import signal
import threading

import pytest

from rpcctl.errors import UsageError
from rpcctl.messages import INSPECT, PING, End, Failure, Item, Request, Result
from rpcctl.service.exposure import Selection
from rpcctl.service.frames import CREDIT
from rpcctl.service.loop import event_loop
from rpcctl.service.processes import MOST, prepare
from rpcctl.service.target import Target
from tests.service.executors import PATIENCE, Sink, await_until
from tests.service.processes import Served


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Two processes for the tests that leave them as they were."""
    served = Served(tmp_path_factory.mktemp("shared"), 2)
    served.processes.start()
    yield served
    served.processes.close()


def submit(executor, served, method, *args):
    sink = Sink()
    sink.run = executor.submit(served.processes.dispatch, Request(method, args), sink)
    return sink


VALUES = [
    None,
    True,
    2.5,
    "text \u00e4 \U0001f600",
    b"\x00\xff",
    2**200,
    -(2**200),
    [[], {}, [1, [2]]],
    {1: "int", None: "none", 2.5: "float", b"b": "bytes", "s": "text"},
    "x" * 3_000_000,
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(value)[:20])
def test_values_travel_as_they_are(shared, value):
    assert shared.value("echo", value, name=value) == [[value], {"name": value}]


def test_an_error_keeps_type_text_and_the_targets_own_traceback(shared):
    [failure] = shared.all("fail")
    assert failure[:3] == ("remote", "ValueError", "on purpose")
    assert 'raise ValueError("on purpose")' in failure.traceback
    assert "rpcctl" not in failure.traceback


FAILURES = [("nosuch", (), "no_method"), ("fail", (1, 2), "arguments"), ("_hidden", (), "no_method")]


@pytest.mark.parametrize(("method", "args", "kind"), FAILURES)
def test_what_cannot_be_called(shared, method, args, kind):
    [failure] = shared.all(method, *args)
    assert failure.kind == kind


@pytest.mark.parametrize("method", [INSPECT, PING])
def test_questions_to_the_server_are_for_the_parent(shared, method):
    assert shared.value(method) == f"the parent on {method}"


@pytest.mark.parametrize("method", ["count", "count_later"])
@pytest.mark.parametrize("length", [0, 1, CREDIT - 1, CREDIT, CREDIT + 1, 10 * CREDIT])
def test_a_stream_is_whole_whatever_its_length(shared, method, length):
    assert shared.all(method, length) == [*map(Item, range(length)), End()]


def test_an_async_method(shared):
    assert shared.value("later", 5) == 5


def test_a_one_way_call_runs_and_is_not_answered(shared):
    assert shared.all("note", 5, oneway=True) == []
    assert (shared.folder / "noted").read_text() == "5"


@pytest.mark.parametrize(("method", "last"), [("pid", Result), ("fail", Failure)])
def test_the_log_learns_how_a_one_way_call_went(shared, method, last):
    async def end():
        try:
            await shared.replies(method, oneway=True).__anext__()
        except StopAsyncIteration as stop:
            return stop.args[0]

    told = asyncio.run_coroutine_threadsafe(end(), event_loop()).result(PATIENCE)
    assert isinstance(told, last)


def test_nothing_happens_before_the_first_step(shared):
    (shared.folder / "noted").unlink(missing_ok=True)
    shared.replies("note", 6).close()
    assert {shared.value("pid") for _ in range(2)}
    assert not (shared.folder / "noted").exists()


def test_arguments_that_cannot_travel_are_an_error_of_that_call(shared):
    with pytest.raises(TypeError, match="lock"):
        shared.all("echo", threading.Lock())
    assert shared.value("echo", 1) == [[1], {}]


def test_calls_at_once_run_in_different_processes(shared, threads):
    met = [threads.submit(shared.value, "meet", name, 2) for name in "ab"]
    pids = {each.result(PATIENCE) for each in met}
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_calls_one_after_the_other_take_turns(shared):
    pids = [shared.value("pid") for _ in range(4)]
    assert pids[:2] == pids[2:]
    assert pids[0] != pids[1]


def test_a_call_goes_where_there_are_fewest(serve, threads):
    served = serve(2)
    busy = threads.submit(served.value, "wait_for", "go")
    taken = served.read_pid("waits-for-go")
    assert taken not in {served.value("pid") for _ in range(4)}
    (served.folder / "go").touch()
    assert busy.result(PATIENCE) == "go"


def test_a_process_that_does_not_read_gets_no_further_calls(serve, threads):
    served = serve(2)
    stopped, other = (served.value("pid") for _ in range(2))
    os.kill(stopped, signal.SIGSTOP)
    try:
        big = threads.submit(served.value, "echo", "x" * 3_000_000)
        waiting = [threads.submit(served.value, "wait_for", "go") for _ in range(3)]
        assert served.read_pid("waits-for-go") == other
        assert {served.value("pid") for _ in range(4)} == {other}
    finally:
        os.kill(stopped, signal.SIGCONT)
    (served.folder / "go").touch()
    assert [each.result(PATIENCE) for each in waiting] == ["go"] * 3
    assert len(big.result(PATIENCE)[0][0]) == 3_000_000


def test_inline_is_one_call_after_the_other_in_each_process(serve, threads):
    served = serve(1, executor="inline")
    first = threads.submit(served.value, "wait_for", "go")
    served.wait_for("waits-for-go")
    second = threads.submit(served.value, "note", "second")
    for _ in range(20):
        served.value("later", 1)  # On the loop: it is answered meanwhile.
    assert not (served.folder / "noted").exists()
    (served.folder / "go").touch()
    first.result(PATIENCE)
    second.result(PATIENCE)
    assert (served.folder / "noted").exists()


def test_an_endless_stream_is_made_no_faster_than_it_is_taken_and_closed_when_it_is_abandoned(serve):
    served = serve()
    replies = served.replies("endless")
    taken = [next(replies) for _ in range(100)]
    assert taken == [*map(Item, range(1, 101))]
    for _ in range(20):  # Time to run ahead.
        assert 100 <= served.value("how_many") <= 100 + CREDIT
    replies.close()
    assert (served.folder / "closed").exists()


def test_a_cancelled_async_call_is_interrupted_where_it_awaits(serve, start):
    served, executor = serve(), start()
    sink = submit(executor, served, "hang")
    served.wait_for("hangs")
    sink.run.cancel()
    assert sink.wait() == []
    assert (served.folder / "woken").exists()
    assert executor.running == 0


def test_a_call_over_its_time_is_answered_and_counted_and_costs_the_others_no_thread(serve, start):
    served, executor = serve(1, executor="threads:1"), start("threads:1", call_timeout=0.3)
    sink = submit(executor, served, "wait_for", "go")
    served.wait_for("waits-for-go")
    [failure] = sink.wait()
    assert failure.kind == "timeout"
    assert executor.stuck == 1
    assert served.value("pid") == served.read_pid("waits-for-go")
    (served.folder / "go").touch()
    await_until(lambda: executor.stuck == 0)


def test_what_a_target_prints_goes_to_stderr_and_what_it_reads_is_empty(serve, capfd):
    assert serve().value("say", "hello") == ""
    printed = capfd.readouterr()
    assert "hello" in printed.err
    assert "hello" not in printed.out


REFUSED = [
    # count, targets, whether they are locked, what the error names
    (MOST + 1, ["time"], False, str(MOST)),
    (-1, ["time"], False, "-1"),
    (2, ["time"], True, "--lock"),
    (2, ["time", "@kv"], False, "@kv"),
    (2, ['@kv("file")'], False, "@kv"),
    (2, [Target("thing", "thing", object(), "")], False, "thing is a live object"),
]


@pytest.mark.parametrize(("count", "targets", "lock", "names"), REFUSED)
def test_what_processes_cannot_share_is_refused_with_a_remedy(count, targets, lock, names):
    with pytest.raises(UsageError, match=names) as caught:
        prepare(count, targets, {}, Selection(), {"lock": lock}, "threads")
    assert caught.value.hint
