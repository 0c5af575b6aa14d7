"""The program as a whole: what a user types, what comes on which stream, and the exit code."""

import json

import pytest

from rpcctl import registry
from rpcctl.cli import quick
from rpcctl.cli.app import MODULES, load_command, load_commands
from rpcctl.cli.describe import describe_method
from rpcctl.exits import EXITS
from rpcctl.messages import MethodDescription, Parameter
from tests.shell import rpcctl

SAMPLE = "py:tests.sample"


def test_a_call_prints_its_result_and_nothing_else():
    done = rpcctl("call", "py:math", "sqrt", "2")
    assert (done, done.stderr, done.exit_status) == ("1.4142135623730951\n", "", 0)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["echo", "3"], "3\n"),
        (["echo", "-5"], "-5\n"),
        (["echo", "-.5"], '"-.5"\n'),
        (["echo", "--", "-x"], '"-x"\n'),
        (["echo", "--", "--", "x"], '["--","x"]\n'),
        (["echo", "[1, 2]"], "[1,2]\n"),
        (["echo", "é"], '"é"\n'),
        (["-r", "echo", "é x"], "é x\n"),
        (["echo", "é x", "-r"], "é x\n"),
        (["echo", "%=AAH/", "-r"], "\x00\x01\\xff\n"),
        (["nothing"], "null\n"),
        (["default", "1", "c=9"], "[1,2,9]\n"),
        (["add", "--params", "[2, 3]"], "5\n"),
        (["add", "--params", '{"a": 2, "b": 3}'], "5\n"),
        (["echo", "--raw-args", "3", "a=b", "-5"], '["3","a=b","-5"]\n'),
        (["echo", "-j", '"3"', "[1]"], '["3",[1]]\n'),
        (["echo", "--timeout", "5", "-5"], "-5\n"),
        (["echo", "--timeout=5", "5"], "5\n"),
        (["count", "3"], "0\n1\n2\n"),
        (["count_async", "2"], "0\n1\n"),
        (["echo", "x", "-f", "repr"], "'x'\n"),
    ],
)
def test_words_and_options_in_any_order(words, printed):
    done = rpcctl("call", SAMPLE, *words)
    assert done.stderr == ""
    assert json_lines(done) == json_lines(printed)
    assert done.exit_status == 0


def json_lines(text):
    """Lines, those that are JSON as their values: blanks in them are of no account here."""
    return [_value(line) for line in text.splitlines()]


def _value(line):
    try:
        return json.loads(line)
    except ValueError:
        return line


FAILS = [
    # words, exit code, what the error names, what the hint offers
    ([], 2, "", ""),
    (["cal", "x"], 2, "'cal'", "call"),
    (["call"], 2, "'ADDRESS'", "rpcctl call --help"),
    (["call", SAMPLE], 2, "'METHOD'", ""),
    (["call", SAMPLE, "add", "--timeuot", "3"], 2, "--timeuot", "--timeout"),
    (["call", SAMPLE, "echo", "-x"], 2, "-x", "--"),
    (["call", SAMPLE, "echo", "--timeout"], 2, "--timeout", ""),
    (["call", SAMPLE, "echo", "--timeout", "soon"], 2, "'soon'", ""),
    (["call", SAMPLE, "echo", "--format", "xml"], 2, "'xml'", ""),
    (["call", SAMPLE, "echo", "{a:1}"], 2, "{a:1}", ""),
    (["call", SAMPLE, "echo", "a=1", "2"], 2, "2", ""),
    (["call", SAMPLE, "echo", "@nope"], 26, "nope", ""),
    (["call", SAMPLE, "echo", "--params", "{"], 2, "{", ""),
    (["call", SAMPLE, "echo", "1", "--params", "[]"], 2, "'1'", ""),
    (["call", SAMPLE, "echo", "--proto", "zqm"], 2, "zqm", "zmq"),
    (["call", SAMPLE, "echo", "--proto", "zmq"], 3, "--proto", ""),
    (["call", "tpc://h:1", "x"], 3, "'tpc'", "tcp://h:1"),
    (["call", "tcp://h:1?baet=1", "x"], 3, "baet", "heartbeat"),
    (["call", "@prod", "x"], 3, "prod", ""),
    (["call", "py:tests.sampel", "add"], 2, "tests.sampel", "sample"),
    (["call", SAMPLE, "nope"], 78, "'nope'", ""),
    (["call", SAMPLE, "_hidden"], 78, "'_hidden'", ""),
    (["call", SAMPLE, "add", "1"], 22, "'b'", "rpcctl describe py:tests.sample add"),
    (["call", SAMPLE, "add", "1", "2", "--json=1"], 2, "--json takes no value", "--json alone"),
    (["call", SAMPLE, "fail", "boom"], 22, "ValueError: boom", ""),
    (["call", SAMPLE, "slow", "5", "--timeout", "0.1"], 28, "", "--timeout"),
    (["call", "tcp://127.0.0.1:1", "x", "--connect-timeout", "1"], 7, "127.0.0.1:1", ""),
    (["call", "tcp://no.such.host.invalid:1", "x"], 6, "no.such.host.invalid", ""),
    (["call", "tcp://127.0.0.1:1", "x", "a=1"], 2, "a=", "=="),
    (["list", SAMPLE, "zz*"], 78, "'zz*'", ""),
    (["describe", SAMPLE, "adds"], 78, "'adds'", "add"),
    (["describe", SAMPLE, "zz*"], 78, "'zz*'", ""),
    (["explain", "5"], 2, "'5'", "22"),
    (["wait", "tcp://127.0.0.1:1", "--timeout", "0.3"], 28, "127.0.0.1:1", "--timeout"),
    (["call", SAMPLE, "endless", "-o", "/nonexistent/x"], 23, "/nonexistent/x", ""),
]


@pytest.mark.parametrize(("words", "code", "names", "hint"), FAILS, ids=lambda value: str(value)[:40])
def test_a_failure_is_named_with_a_remedy_and_a_code(words, code, names, hint):
    done = rpcctl(*words)
    assert done.exit_status == code
    if words:
        lines = done.stderr.splitlines()
        assert lines[0].startswith("rpcctl: error: ")
        assert names in lines[0]
        assert len(lines) <= 4
        assert hint in done.stderr
        assert "Traceback" not in done.stderr
        assert done == ""


@pytest.mark.parametrize(
    ("words", "code", "names", "hint"), [row for row in FAILS if row[0]], ids=lambda v: str(v)[:40]
)
def test_the_same_as_one_json_line(words, code, names, hint):
    done = rpcctl(*words[:1], "--json", *words[1:])
    assert done.exit_status == code
    assert len(done.stderr.splitlines()) == 1
    error = done.error
    assert error["exit"] == code
    assert error["kind"] in {row.kind for row in EXITS if row.code == code}
    assert names in error["message"]
    assert set(error) == {"kind", "exit", "message", "hint", "protocol", "address", "method", "remote"}


def test_a_remote_error_as_json_has_its_parts():
    error = rpcctl("call", SAMPLE, "fail", "boom", "--json").error
    assert error["remote"]["type"] == "ValueError"
    assert "boom" in error["remote"]["message"]
    assert "raise ValueError" in error["remote"]["traceback"]
    assert (error["protocol"], error["address"], error["method"]) == ("py", SAMPLE, "fail")


def test_the_remote_traceback_is_shown_when_asked_for():
    assert "raise ValueError" not in rpcctl("call", SAMPLE, "fail").stderr
    assert "raise ValueError" in rpcctl("call", SAMPLE, "fail", "-v").stderr


def test_a_variable_stands_in_for_an_option_and_a_flag_beats_it():
    env = {"RPCCTL_TIMEOUT": "0.1"}
    assert rpcctl("call", SAMPLE, "slow", "1", env=env).exit_status == 28
    assert rpcctl("call", SAMPLE, "slow", "0.2", "--timeout", "5", env=env).exit_status == 0


def test_parameters_from_standard_input():
    assert rpcctl("call", SAMPLE, "add", "--params", "@-", stdin=b"[2, 3]").json == 5
    assert rpcctl("call", SAMPLE, "add", "-", stdin=b'{"a": 2, "b": 3}').json == 5
    assert rpcctl("call", SAMPLE, "echo", "@-", stdin="é".encode()).json == "é"


def test_standard_input_is_left_alone_unless_named():
    class Untouchable:
        def __getattr__(self, name):
            raise AssertionError("standard input was touched")

    import io
    import os

    from rpcctl.cli.app import main
    from rpcctl.cli.command import Environment

    environment = Environment(Untouchable(), io.StringIO(), io.StringIO(), os.environ)  # type: ignore[arg-type]
    assert main(["call", SAMPLE, "add", "2", "3"], environment) == 0


def test_typed_reads_words_as_the_signature_says(tmp_path, monkeypatch):
    (tmp_path / "hinted.py").write_text("def show(name: str, n: int) -> list:\n    return [name, n]\n")
    monkeypatch.chdir(tmp_path)
    assert rpcctl("call", "py:hinted", "show", "007", "7").json == ["007", 7]
    assert rpcctl("call", "py:hinted", "show", "7", "7").json == [7, 7]
    assert rpcctl("call", "py:hinted", "show", "7", "7", "--typed").json == ["7", 7]


def test_help_names_every_command_with_one_line_each():
    done = rpcctl("--help")
    assert done.exit_status == 0
    for name in MODULES:
        assert name in done
        assert load_command(name).summary.split()[0] in done


@pytest.mark.parametrize("name", sorted(MODULES))
def test_each_help_has_every_option_and_an_example(name):
    done = rpcctl(name, "--help", env={"COLUMNS": "200"})
    assert done.exit_status == 0
    command = load_command(name)
    for option in command.options:
        assert f"--{option.name}" in done
    assert any(example.split()[0] == "rpcctl" and example.split("|")[0].strip() in done for example in command.examples)


def test_alone_it_shows_the_commands():
    done = rpcctl()
    assert "call" in done + done.stderr
    assert "serve" in done + done.stderr


def test_version():
    from rpcctl import __version__

    assert rpcctl("--version") == f"rpcctl {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["call", ":1", "m"],
        ["call", ":1", "m", "1", "-5", "-.5", "a=1", "--", "-x", "--"],
        ["call", "-v", ":1", "--timeout", "3", "m", "--json", "x"],
        ["call", "--timeout=3", "--params=[1]", ":1", "m", "-o", "f", "-r", "-v"],
        ["call", ":1", "m", "-", "--retry", "-1"],
        ["serve", "time", "--bind", "a", "-b", "b", "--only", "x", "--once"],
        ["list", ":1"],
        ["ls", ":1", "g*"],
        ["describe", ":1", "m", "-f", "json"],
        ["explain"],
        ["protocols", "-q"],
    ],
)
def test_the_quick_reader_and_typer_agree(words):
    from rpcctl.cli.grammar import read

    command = load_command(words[0])
    quickly = quick.read(command, words[1:])
    slowly = read(load_commands(), words)
    assert not isinstance(slowly, int)
    assert quickly is not None
    assert slowly[0] == command
    for name, value in vars(quickly).items():
        assert (vars(slowly[1])[name] or None) == (value or None), name


@pytest.mark.parametrize("row", EXITS, ids=lambda row: str(row.code))
def test_explain_knows_every_code(row):
    done = rpcctl("explain", str(row.code), "--json")
    assert row.means in str(done.json)


def test_every_class_of_error_has_its_code_in_the_table():
    from rpcctl.errors import RpcctlError

    def classes(root):
        yield root
        for each in root.__subclasses__():
            yield from classes(each)

    table = {(row.kind, row.code) for row in EXITS}
    assert all((each.kind, each.exit_code) in table for each in classes(RpcctlError))


def test_list_prints_one_name_a_line_on_a_pipe():
    done = rpcctl("list", "py:math", "s*")
    assert done.splitlines() == ["sin", "sinh", "sqrt", "sumprod"] or done.splitlines() == ["sin", "sinh", "sqrt"]
    assert rpcctl("ls", "py:math", "s*") == done


def test_describe_takes_a_pattern():
    shown = rpcctl("describe", SAMPLE, "count*")
    assert "count(n: int)" in shown
    assert "add(" not in shown
    assert [each["name"] for each in rpcctl("describe", SAMPLE, "ad[d]", "--json").json["methods"]] == ["add"]


def test_describe_gives_signature_doc_and_a_line_that_works(tmp_path):
    done = rpcctl("describe", SAMPLE, "add")
    assert "add(a: int, b: int) -> int" in done
    assert "The sum of both." in done
    assert f"rpcctl call {SAMPLE} add A B" in done
    shown = rpcctl("describe", SAMPLE, "add", "--json").json
    assert shown["signature"] == "(a: int, b: int) -> int"
    assert [each["name"] for each in shown["parameters"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("method", "line"),
    [
        (MethodDescription("f", exact=False), "f(...)"),
        (MethodDescription("f", (Parameter("p1"),), exact=False), "f(p1)    (from the docs)"),
    ],
)
def test_only_parameters_can_be_from_the_docs(method, line):
    signature, _, _ = describe_method(method, ":1", registry.find("zmq"))
    assert "".join(text for _, text in signature) == line


def test_output_goes_to_a_file_whole_or_not_at_all(tmp_path):
    path = tmp_path / "out"
    assert rpcctl("call", SAMPLE, "count", "3", "-o", str(path)) == ""
    assert path.read_text() == "0\n1\n2\n"
    assert rpcctl("call", SAMPLE, "fail_midway", "3", "-o", str(path)).exit_status == 22
    assert path.read_text() == "0\n1\n2\n"
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_protocols_are_listed_with_what_they_can():
    rows = {row["protocol"]: row for row in map(json.loads, rpcctl("protocols", "-f", "ndjson").splitlines())}
    assert rows["zmq"]["default"] == "tcp://127.0.0.1:4242"
    assert "stream" in rows["zmq"]["features"]
    assert rows["py"]["installed"] == "yes"


def test_a_bug_is_told_as_one(monkeypatch):
    monkeypatch.setattr("rpcctl.cli.explain.to_plain", lambda row: 1 / 0)
    done = rpcctl("explain")
    assert done.exit_status == 1
    assert "ZeroDivisionError" in done.stderr
    assert "--traceback" in done.stderr
    assert "Traceback" not in done.stderr
    assert "to_plain" in rpcctl("explain", "--traceback").stderr
