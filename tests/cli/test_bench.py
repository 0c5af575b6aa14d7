"""`rpcctl bench`: its report in all forms, its verdicts, its mistakes, and what Ctrl-C leaves."""

import csv
import io
import json
import os
import signal

import pytest

from rpcctl.bench import figures
from rpcctl.bench.crew import Measured
from rpcctl.bench.plan import Load, Subject
from rpcctl.cli.bench_report import Progress, warn_of_limit
from rpcctl.registry import parse_address
from tests.cli.screen import Screen
from tests.conftest import every_protocol
from tests.process import running, serving
from tests.shell import rpcctl


def bench(*words, **more):
    return rpcctl("bench", *words, **more)


def test_the_report(at):
    report = bench(at, "add", "2", "3", "-n", "50", "-c", "4", "--processes", "2")
    assert report.exit_status == 0
    assert report.startswith(f"{at} add\n")
    for line in ("calls       50 in ", "connections 4 in 2 processes", "failed      0"):
        assert line in report
    for name in ("mean", "min", "p50", "p99.9", "max"):
        assert f"\n  {name} " in report
    assert "█" in report
    assert max(map(len, report.splitlines())) <= 40


@every_protocol("args")
def test_every_protocol_can_be_measured(address):
    key = {"RPCCTL_AUTHKEY": os.environ["RPCCTL_AUTHKEY"]}  # For the wires that serve nobody without one.
    report = bench(address(), "add", "2", "3", "-n", "20", "-c", "2", "--processes", "1", "--json", env=key).json
    assert (report["calls"], report["failed"]) == (20, 0)


def test_the_report_as_json(at):
    report = bench(at, "count", "3", "-n", "10", "-c", "2", "-f", "json").json
    assert (report["address"], report["method"], report["calls"], report["items"]) == (at, "count", 10, 30)
    assert report["throughput"] == pytest.approx(10 / report["seconds"], rel=0.01)
    latency = report["latency_ms"]
    assert 0 < latency["min"] <= latency["p50"] <= latency["p99"] <= latency["p99.9"] <= latency["max"]
    assert sum(bar["calls"] for bar in report["histogram"]) == 10
    assert report["errors"] == {}


def test_the_report_as_csv(at):
    (row,) = csv.DictReader(io.StringIO(bench(at, "add", "2", "3", "-n", "10", "-c", "1", "-f", "csv")))
    assert (row["calls"], row["failed"]) == ("10", "0")
    assert float(row["p99_ms"]) > 0


def test_two_servers_in_turns(at):
    words = (at, "add", "2", "3", "-n", "60", "-c", "2", "--processes", "1", "--vs", "py:tests.sample")
    both = bench(*words, "--json").json
    assert [each["calls"] for each in both["servers"]] == [60, 60]
    one, other = (each["throughput"] for each in both["servers"])
    assert both["ratio"]["throughput"] == pytest.approx(one / other, rel=0.01)
    report = bench(*words)
    assert report.count("latency") == 2
    assert "ratio of the first to the second\n  throughput  " in report
    assert len(list(csv.DictReader(io.StringIO(bench(*words, "-f", "csv"))))) == 2


def test_errors_are_told_by_kind_and_become_the_exit_code_when_there_is_nothing_else(at):
    report = bench(at, "fail", "-n", "10", "-c", "2")
    assert "failed      10" in report
    assert "10  remote ValueError: on purpose" in report
    assert report.exit_status == 22
    missing = bench(at, "nope", "-n", "2", "-c", "1")
    assert missing.exit_status == 78
    assert f"hint: rpcctl list {at} shows what there is" in missing.stderr


def test_a_rate_and_what_it_missed(at):
    # Calls of 100 ms one after the other: of the 20 that are due in half a second, most are never begun.
    report = bench(at, "slow", "0.1", "--rps", "40", "-z", "0.5s", "-c", "1", "--json").json
    assert report["rps"] == 40
    assert report["missed"] == 20 - report["calls"] > 0
    text = bench(at, "slow", "0.1", "--rps", "40", "-z", "0.5s", "-c", "1")
    assert "due, never begun" in text


def test_a_warm_up_is_not_counted(at):
    assert bench(at, "add", "2", "3", "-n", "10", "-c", "1", "--warmup", "0.2s", "--json").json["calls"] == 10


@pytest.mark.parametrize(
    ("rules", "code"),
    [(["p99>1ns"], 99), (["p99>60s"], 0), (["p99>60s", "errors>0", "calls>=10"], 99), (["errors>1%"], 0)],
)
def test_rules_decide_the_exit_code(at, rules, code):
    words = [word for rule in rules for word in ("--fail-if", rule)]
    report = bench(at, "add", "2", "3", "-n", "10", "-c", "1", *words)
    assert report.exit_status == code
    assert "throughput" in report
    assert (rules[-1] in report.stderr) is (code == 99)


def test_a_report_in_a_file_outlives_a_broken_rule(at, tmp_path):
    words = ("-n", "10", "-c", "1", "--fail-if", "p99>1ns", "-o", str(tmp_path / "report"), "--json")
    assert bench(at, "add", "2", "3", *words).exit_status == 99
    assert json.loads((tmp_path / "report").read_text())["calls"] == 10


def test_a_broken_rule_is_told_before_a_server_is_asked():
    told = bench("tcp://127.0.0.1:1", "add", "--fail-if", "p99>20")
    assert told.exit_status == 2
    assert "p99 is a time and needs its unit" in told.stderr


@pytest.mark.parametrize(
    "words",
    [("-c", "0"), ("-c", "10001"), ("-n", "0"), ("--processes", "300"), ("--rps", "0"), ("--rps", "nan"), ("-z", "0")],
    ids=" ".join,
)
def test_what_measures_nothing_is_refused(words):
    told = bench("py:math", "sqrt", "2", *words)
    assert told.exit_status == 2
    assert words[1] in told.stderr or "nan" in told.stderr


def test_what_cannot_be_sent_is_told_at_once(at):
    assert "zmq has no named arguments: b=" in bench(at, "add", "2", "b=3").stderr


def test_a_server_that_is_not_there(free_port):
    told = bench(f"tcp://127.0.0.1:{free_port}", "add", "2", "3")
    assert (told.exit_status, told) == (7, "")


def test_options_of_one_protocol_go_with_two_servers(at):
    words = (at, "add", "2", "3", "-n", "4", "-c", "1", "--vs", "py:tests.sample")
    assert bench(*words, "--heartbeat", "2").exit_status == 0
    told = bench(*words, "--jsonrpc", "1.0")
    assert told.exit_status == 2
    assert "--jsonrpc" in told.stderr


def test_ctrl_c_prints_what_was_measured_so_far():
    with serving() as (server, at), running("bench", at, "slow", "0.05", "-z", "60s", "-c", "2", "--json") as process:
        for _ in range(5):
            server.wait_for('"slow"')
        process.signal(signal.SIGINT)
        assert process.wait() == -signal.SIGINT
        assert process.popen.stdout is not None
        report = json.loads(process.popen.stdout.read())
    assert report["calls"] >= 1
    assert report["seconds"] < 50
    assert report["missed"] == 0


@pytest.mark.parametrize(
    ("busy", "processes", "says"),
    [(0.95, 1, "another machine"), (0.95, 2, "another machine"), (0.5, 2, "")],
)
def test_that_the_calling_side_was_the_limit_is_said(busy, processes, says):
    measured = Measured(processes)
    measured.seconds, measured.cpu[-1] = 10.0, 10 * busy
    measured.tally.add(0.001, 0, None)
    found = figures.read(Subject(parse_address("py:math"), "f"), processes, None, measured, whole=True)
    screen = Screen()
    warn_of_limit(found, screen.output)
    assert ("the calling side was the limit, at 95% of a processor" in screen.told) is bool(says)
    assert says in screen.told


def test_progress_is_shown_where_a_line_can_be_written_anew(at):
    measured = Measured(1)
    measured.seconds = 2.0
    for _ in range(500):
        measured.tally.add(0.0012, 0, None)
    for env, shown in (({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({}, False)):
        screen = Screen(tty=True, env={**env, "COLUMNS": "40"})
        Progress(Load(seconds=8.0), measured, screen.output).show()
        assert ("25%" in screen.told) is shown
        assert len(screen.told) < 50
