"""What could stand at the cursor; what each shell hands over and takes; and the process that has no time to lose."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from rpcctl import registry
from rpcctl.cli.app import MODULES, load_command
from rpcctl.cli.complete import Line, Program, complete
from rpcctl.cli.shells import HELP_WIDTH, SHELLS, Answer, Candidate, Typed, render
from rpcctl.errors import ConnectError
from rpcctl.exits import EXITS
from rpcctl.messages import Description, MethodDescription, Parameter

ROOT = Path(__file__).parent.parent.parent
METHODS = Description(
    "calc",
    (
        MethodDescription("add", (Parameter("a"), Parameter("b")), doc="Add two numbers.\n\nThe sum."),
        MethodDescription(
            "put",
            (
                Parameter("place", "positional"),
                Parameter("text"),
                Parameter("all", "rest"),
                Parameter("mode", "named"),
                Parameter("--output", "named"),
            ),
        ),
        MethodDescription("--output=x"),
    ),
)


def offered(*words: str) -> Answer:
    """The answer for the words after `rpcctl`, where every server is METHODS."""
    return complete(words, Program(MODULES, load_command, lambda line: METHODS))


def values(*words: str) -> list[str]:
    """Only the candidates' values that begin as the last word does."""
    return [each.value for each in offered(*words).candidates if each.value.startswith(words[-1])]


def test_every_command_is_offered_with_its_summary():
    found = {each.value: each.help for each in offered("").candidates}

    assert set(found) == set(MODULES)
    assert found["call"] == "Call a method and print what it returns"


@pytest.mark.parametrize("name", MODULES)
def test_every_option_of_a_command_is_offered(name):
    command = load_command(name)
    own = registry.own_options(command.roles).values()

    assert {f"--{each.name}" for each in (*command.options, *own)} <= set(values(name, "-"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--v"], ["--version"]),
        (["ca"], ["call", "cast"]),
        (["no-such-command", ""], []),
        (["call", "--connect"], ["--connect-timeout"]),
        (["ls", "--connect"], ["--connect-timeout"]),
        (["call", "--format", ""], ["auto", "json", "ndjson", "yaml", "table", "csv", "raw", "repr"]),
        (["call", "-f", "j"], ["json"]),
        (["call", "--format=j"], ["--format=json"]),
        (["call", "--no-such-option=j"], []),
        (["call", "--json=j"], []),
        (["call", "--timeout", ""], ["off"]),
        (["call", "--retry", ""], []),
        (["call", "--proto", "z"], ["zmq", "zerorpc"]),
        (["call", "--proto=zm"], ["--proto=zmq"]),
        (["call", "tcp"], ["tcp://127.0.0.1:4242"]),
        (["call", "zmq+t"], ["zmq+tcp://127.0.0.1:4242"]),
        (["call", "--proto", "zmq", ""], ["tcp://127.0.0.1:4242", "ipc:///tmp/rpcctl.sock"]),
        (["call", "py"], ["py:", "pyro+tcp://127.0.0.1:9999"]),
        (["serve", "time", "--bind", "py"], ["pyro+tcp://127.0.0.1:9999"]),
        (["serve", "time", "-b", "tcp"], ["tcp://127.0.0.1:4242"]),
        (["serve", ""], ["@kv"]),
        (["serve", "time", "@"], ["@kv"]),
        (["call", ":4242", ""], ["add", "put"]),
        (["describe", ":4242", "a"], ["add"]),
        (["call", "--timeout", "3", ":4242", "-v", "a"], ["add"]),
        (["call", "--heartbeat", "3", ":4242", "a"], ["add"]),
        (["call", "--", ":4242", "a"], ["add"]),
        (["call", "--", ":4242", "add", "-"], []),
        (["call", ":4242", "add", "-1"], []),
        (["call", ":4242", "add", ""], []),
        (["call", "py:calc", "add", ""], ["a=", "b="]),
        (["call", "py:calc", "add", "1", ""], ["b="]),
        (["call", "py:calc", "add", "a:=1", ""], ["b="]),
        (["call", "py:calc", "add", "a="], []),
        (["call", "py:calc", "put", ""], ["text=", "mode="]),
        (["call", "py:calc", "no_such_method", ""], []),
        (["list", ":4242", ""], []),
        (["bench", ":4242", ""], ["add", "put"]),
        (["bench", ":4242", "add", "--vs", "tc"], ["tcp://127.0.0.1:4242"]),
        (["bench", ":4242", "add", "--vs=py:"], ["--vs=py:"]),
        (["watch", "-n", "2", ":4242", "p"], ["put"]),
        (["watch", "py:calc", "add", "1", ""], ["b="]),
        (["cast", ":4242", "p"], ["put"]),
        (["shell", "tc"], ["tcp://127.0.0.1:4242"]),
        (["proxy", "tc"], ["tcp://127.0.0.1:4242"]),
        (["proxy", ":4242", "--bind", "tc"], ["tcp://127.0.0.1:4242"]),
        (["list", ":4242", "*", "--ret"], ["--retry", "--retry-delay"]),
        (["explain", "14"], ["141", "143"]),
        (["explain", "lo"], ["lost"]),
        (["completion", ""], ["bash", "fish", "zsh"]),
        (["completion", "bash", "--qui"], ["--quiet"]),
    ],
)
def test_what_is_offered(words, expected):
    assert values(*words) == expected


@pytest.mark.parametrize(
    ("words", "paths", "skip"),
    [
        (["serve", ""], "files", 0),
        (["serve", "time", "--app-dir", ""], "dirs", 0),
        (["call", "-o", ""], "files", 0),
        (["call", "--output=x"], "files", 9),
        (["call", "--params", "@x"], "files", 1),
        (["call", "--params", "[1"], "", 0),
        (["call", "py:./x"], "files", 3),
        (["call", "tcp:"], "", 0),
        (["call", ":4242", "put", "@x"], "files", 1),
        (["call", ":4242", "put", "text=@x"], "files", 6),
        (["call", ":4242", "put", "me@x"], "", 0),
    ],
)
def test_where_paths_are_offered(words, paths, skip):
    answer = offered(*words)

    assert (answer.paths, answer.skip) == (paths, skip)


def test_an_option_is_offered_once_but_a_repeatable_one_again():
    assert "--timeout" not in values("call", "--timeout", "3", "--")
    assert {"--verbose", "-v"} <= set(values("call", "-v", "-"))
    assert "--only" in values("serve", "--only", "a", "--")


def test_a_protocol_s_own_options_are_offered_only_with_it():
    assert "--heartbeat" in values("call", ":4242", "--")
    assert "--heartbeat" not in values("call", "py:math", "--")


def test_help_tells_codes_signatures_and_documentation():
    codes = {each.value: each.help for each in offered("explain", "").candidates}
    methods = {each.value: each.help for each in offered("call", ":4242", "").candidates}

    assert codes["28"] == "timeout: a time limit was reached"
    assert set(codes) == {str(row.code) for row in EXITS}
    assert methods["add"] == "(a, b) Add two numbers."


def test_the_server_is_asked_as_the_line_says(monkeypatch):
    asked: list[Line] = []

    def ask(line: Line) -> Description:
        asked.append(line)
        return METHODS

    monkeypatch.setenv("RPCCTL_PROTO", "zmq")
    complete(["call", "--heartbeat=2", "localhost:1", "a"], Program(MODULES, load_command, ask))

    assert asked[0].find("address") == "localhost:1"
    assert asked[0].proto() == "zmq"
    assert asked[0].given == {"heartbeat": "2"}


def test_only_a_place_for_a_method_asks_the_server():
    def refuse(line: Line) -> Description:
        raise ConnectError("nobody is asked")

    program = Program(MODULES, load_command, refuse)

    assert complete(["call", ":4242", "--json", "--"], program).candidates
    with pytest.raises(ConnectError):
        complete(["call", ":4242", ""], program)


@pytest.mark.parametrize(
    ("line", "part", "typed"),
    [
        ("rpcctl ", "", Typed(("",))),
        ("rpcctl ca", "ca", Typed(("ca",))),
        ("  rpcctl  call  ", "", Typed(("call", ""))),
        ("rpcctl call tcp://a:42", "42", Typed(("call", "tcp://a:42"), "tcp://a:")),
        ("rpcctl call tcp:", "", Typed(("call", "tcp:"), "tcp:")),
        ('rpcctl call "tcp://a:42', "tcp://a:42", Typed(("call", "tcp://a:42"), "", '"')),
        ("rpcctl call 'a b", "a b", Typed(("call", "a b"), "", "'")),
        ("rpcctl call 'a b' c", "c", Typed(("call", "a b", "c"))),
        (r"rpcctl call a\ b\" it", "it", Typed(("call", 'a b"', "it"))),
        (r'rpcctl call "a\"\$\n" ', "", Typed(("call", r'a"$\n', ""))),
        ("rpcctl call ''", "", Typed(("call", ""))),
    ],
)
def test_bash_hands_over_a_line(line, part, typed):
    assert SHELLS["bash"].read([line, part]) == typed


def test_zsh_hands_over_words_and_fish_leaves_quotes_in_the_last_one():
    assert SHELLS["zsh"].read(["call", "a b"]) == Typed(("call", "a b"))
    assert SHELLS["fish"].read(["call", "'a b"]) == Typed(("call", "a b"))


@pytest.mark.parametrize(
    ("typed", "value", "line"),
    [
        (Typed(("",)), "a b", r"a\ b"),
        (Typed(("",)), "$(x)`y`;'\"\\", r"\$\(x\)\`y\`\;\'\"\\"),
        (Typed(("tcp://a:4",), "tcp://a:"), "tcp://a:42", "42"),
        (Typed(("x",)), "add", ""),
        (Typed(("a",), "", "'"), "add", "add"),
        (Typed(("a",), "", "'"), "a b", ""),
        (Typed(("a",), "", '"'), "a$b", ""),
    ],
)
def test_bash_inserts_what_it_can_read_back(typed, value, line):
    assert SHELLS["bash"].show(typed, Candidate(value)) == line


def test_a_quoted_value_is_one_word_to_bash():
    printable = "".join(map(chr, range(32, 127))) + "é→"

    quoted = SHELLS["bash"].show(Typed(("",)), Candidate(printable))

    assert subprocess.check_output(["bash", "-c", f"printf %s {quoted}"], text=True) == printable


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("value", ["a\nb", "a\tb", "a\x1b[2J", "a\x00", "a\x9b", "a\u2028b", "a\u202eb", "a\ud800", ""])
def test_what_would_break_a_line_is_left_out(shell, value):
    assert render(SHELLS[shell], Typed(("",)), Answer((Candidate(value),))) == ":words\n"


@pytest.mark.parametrize("shell", ["fish", "zsh"])
def test_help_stays_on_its_line(shell):
    text = render(SHELLS[shell], Typed(("",)), Answer((Candidate("a", "one\n:files\t\x1b[2Jtwo " + "x" * 10_000),)))

    directive, line, rest = text.split("\n")
    assert (directive, rest) == (":words", "")
    assert line.startswith("a\tone :files [2Jtwo x")
    assert len(line) == len("a\t") + HELP_WIDTH


def test_a_path_begins_after_what_bash_keeps():
    assert render(SHELLS["bash"], Typed(("@x",)), Answer((), "files", 1)) == ":files 1\n"
    assert render(SHELLS["bash"], Typed(("--output=x",), "--output="), Answer((), "files", 9)) == ":files 0\n"


def ask_process(*words: str, folder: Path | None = None, timeout: str = "") -> subprocess.CompletedProcess[bytes]:
    """Run `rpcctl __complete` with the words, as a script does but for the streams, which are kept."""
    env = {**os.environ, "RPCCTL_COMPLETION_TIMEOUT": timeout}
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from rpcctl.cli.app import run; run()"
    argv = [sys.executable, "-c", code, "__complete", *words]
    return subprocess.run(argv, capture_output=True, timeout=30, cwd=folder, env=env, check=False)


def test_the_process_answers():
    assert (
        b"\nsqrt\t(x, /) Return the square root of x.\n"
        in ask_process("fish", "call", "py:math", "sq", timeout="20").stdout
    )


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("tcsh", "x"),
        ("bash",),
        ("fish", "call", "tcp://127.0.0.1:1", ""),
        ("fish", "call", "no address", ""),
        ("fish", "call", "--proto", "nothing", ":1", ""),
        ("fish", "call", "py:no_such_module", ""),
        ("zsh", "call", "--heartbeat=x", ":1", ""),
    ],
)
def test_the_process_says_nothing_when_there_is_nothing_to_say(words):
    done = ask_process(*words)

    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "import ctypes; ctypes.PyDLL(None).sleep(60)  # holds the interpreter's lock",
        "raise SystemExit('no')",
        "import os; os._exit(3)",
    ],
)
def test_a_target_that_does_not_load_says_nothing(code, tmp_path):
    (tmp_path / "target.py").write_text(f"import os, sys\nprint('noise')\nprint('noise', file=sys.stderr)\n{code}\n")

    done = ask_process("fish", "call", "py:target", "", folder=tmp_path)

    assert (done.stdout, done.stderr) == (b"", b"")


def test_what_a_target_prints_is_no_candidate(tmp_path):
    (tmp_path / "target.py").write_text(
        "import os\nprint('noise', flush=True)\nos.write(2, b'noise')\ndef hello(): 'Greet.'"
    )

    done = ask_process("fish", "call", "py:target", "", folder=tmp_path, timeout="20")

    assert (done.stdout, done.stderr) == (b":words\nhello\t() Greet.\n", b"")


def test_a_silent_server_does_not_hold_the_shell():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = monotonic()
        done = ask_process("fish", "call", f"tcp://127.0.0.1:{silent.getsockname()[1]}", "")
        took = monotonic() - began

    assert (done.stdout, done.stderr) == (b"", b"")
    assert took < 1.0
