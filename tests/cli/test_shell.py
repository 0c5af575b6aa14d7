"""The shell's lines: their words, what is offered and hinted at, and what a pipe of them does."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpcctl.cli.prompt import find_history, prepare_history
from rpcctl.cli.shell_hints import hint, offer
from rpcctl.cli.shell_line import IncompleteError, is_complete, split_line
from rpcctl.messages import Description, MethodDescription, Parameter
from tests.conftest import every_protocol
from tests.shell import rpcctl

SAMPLE = "py:tests.sample"
CALC = Description(
    "calc",
    (
        MethodDescription("add", (Parameter("a"), Parameter("b", type="int")), doc="Add two numbers.\n\nThe sum."),
        MethodDescription("list", ()),
        MethodDescription("a\x1b[2J"),
    ),
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("  \t\n", []),
        ("add 2 3", ["add", "2", "3"]),
        ("a  b\nc", ["a", "b", "c"]),
        ("'a b' \"c d\"", ["a b", "c d"]),
        ("a'b c'd\"e f\"", ["ab cde f"]),
        ("''", [""]),
        ('"" x', ["", "x"]),
        (r"a\ b \'", ["a b", "'"]),
        (r'"a\"b\\c\d"', [r"a\"b\c\d".replace(r"\"", '"')]),
        ("'a\\b'", ["a\\b"]),
        ("a\\\nb", ["ab"]),
        ("[1, 2] x", ["[1, 2]", "x"]),
        ('{"a b": [1, "}"]} 2', ['{"a b": [1, "}"]}', "2"]),
        ('x={"a": 1}', ['x={"a": 1}']),
        ('x:=["a b"]', ['x:=["a b"]']),
        ('["\\"]"] y', ['["\\"]"]', "y"]),
        ("[a-c]*", ["[a-c]*"]),
        ("a[1 2]", ["a[1", "2]"]),
        ("'[1, 2]'", ["[1, 2]"]),
        ("'\"3\"'", ['"3"']),
        ("# a comment", []),
        ("echo #3", ["echo", "#3"]),
        ("[1,\n 2]", ["[1,\n 2]"]),
    ],
)
def test_words_of_a_line(text, words):
    assert split_line(text) == words


@pytest.mark.parametrize("text", ["'a", '"a', '"a\\"', "a\\", "[1,", '{"a": "}"', '["a]', 'x:={"a":', "a 'b"])
def test_lines_that_go_on(text):
    assert not is_complete(text)
    with pytest.raises(IncompleteError):
        split_line(text)


@given(st.text(max_size=30))
def test_any_text_has_words_or_goes_on(text):
    assert not is_complete(text) or all(isinstance(word, str) for word in split_line(text))


@given(st.recursive(st.text(max_size=5) | st.integers(), lambda inner: st.lists(inner, max_size=3), max_leaves=6))
def test_json_in_brackets_is_one_word(value):
    text = json.dumps([value])
    assert split_line(f"echo {text} x") == ["echo", text, "x"]


@pytest.mark.parametrize(
    ("text", "named", "offered"),
    [
        ("", True, ["add", "list", "list", "describe"]),
        ("a", True, ["add"]),
        (":", True, [":help", ":list", ":describe", ":time", ":format", ":select", ":quit"]),
        (":t", True, [":time"]),
        (":format js", True, ["json"]),
        (":time ", True, ["on", "off"]),
        ("describe a", True, ["add"]),
        ("add ", True, ["a=", "b="]),
        ("add 1 ", True, ["b="]),
        ("add ", False, []),
        ("nope ", True, []),
    ],
)
def test_what_is_offered(text, named, offered):
    assert [each.value for each in offer(text, CALC, named=named)] == offered


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("", 80, ":help for help, Ctrl-D leaves"),
        ("add", 80, "add(a, b: int)  Add two numbers."),
        ("add 1 2", 12, "add(a, b: i…"),
        (":time", 80, ":time [on|off]  tell how long each call takes"),
        ("describe", 80, "describe [METHOD]  signature and documentation"),
        ("list", 80, "list()"),
        ("nope", 80, ""),
        ("a\x1b[2J", 80, r"a\x1b[2J(...)"),
    ],
)
def test_the_hint(text, width, shown):
    assert hint(text, CALC, width) == shown


def test_without_a_description_the_shells_own_words_are_left():
    assert [each.value for each in offer("", None, named=True)] == ["list", "describe"]
    assert hint("add", None, 80) == ""


@every_protocol("args")
def test_a_pipe_of_lines(address):
    done = rpcctl("shell", address(), stdin=b'add 2 3\n\n# so\necho {"a": [1, 2]}\ncount 3\n')
    found = [json.loads(line) for line in done.splitlines()]
    assert found[:2] == [5, {"a": [1, 2]}]
    assert found[2:] in ([0, 1, 2], [[0, 1, 2]])
    assert (done.exit_status, done.stderr) == (0, "")


@every_protocol("kwargs")
def test_a_line_with_named_arguments(address):
    assert rpcctl("shell", address(), stdin=b"add a=2 b=3\n") == "5\n"


@every_protocol("args")
def test_lines_that_fail_do_not_end_it(address):
    done = rpcctl("shell", address(), stdin=b"fail\nnope\nadd 1\nadd 1 2\n")
    assert done == "3\n"
    assert done.exit_status == 123
    assert "1 done, 3 failed (lines 1-3)" in done.stderr
    assert "on purpose" in done.stderr
    assert "no method 'nope'" in done.stderr


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        (b"list co*", "count\ncount_async\n"),
        (b":list add", "add\n"),
        (b":format repr\necho x", "'x'\n"),
        (b':format table\necho [{"a": 1}]', "a\n1\n"),
        (b":quit\nadd 1 2", ""),
        (b"echo @README.md", None),
    ],
)
def test_directives(line, printed):
    done = rpcctl("shell", SAMPLE, stdin=line)
    assert done.exit_status == 0
    assert printed is None or done == printed


def test_describe_and_help():
    assert rpcctl("shell", SAMPLE, stdin=b"describe add").startswith("add(a: int, b: int) -> int\n    Add two")
    assert ":describe [METHOD]" in rpcctl("shell", SAMPLE, stdin=b":help")


def test_a_method_goes_before_a_directive_of_its_name(tmp_path):
    (tmp_path / "named.py").write_text("def describe(x): return x\n")
    done = rpcctl("shell", f"py:{tmp_path}/named.py", stdin=b"list\ndescribe 3\n:describe describe\n")
    assert done.splitlines()[:3] == ["describe", "3", "describe(x)"]


def test_time_is_told_on_stderr_after_what_the_call_came_to():
    done = rpcctl("shell", SAMPLE, stdin=b":time\nadd 1 2\nfail\n:time off\nadd 1 2\n")
    assert done == "3\n3\n"
    _, first, failure, _, second, *_ = done.stderr.splitlines()
    assert first.endswith(" ms")
    assert "on purpose" in failure
    assert second.endswith(" ms")
    assert done.stderr.count(" ms") == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b":frmat", "did you mean :format?"),
        (b":time maybe", "on or off"),
        (b":format xml", "no format 'xml'"),
        (b":quit now", "no use for 'now'"),
        (b"echo [1,", "not complete: a bracket is open"),
        (b"echo 'x", "not complete"),
        (b"echo -", "standard input"),
        (b"echo \xff", "not UTF-8"),
        (b"describe nope", "no method 'nope'"),
    ],
)
def test_mistakes(line, said):
    done = rpcctl("shell", SAMPLE, stdin=line)
    assert done.exit_status == 123
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@every_protocol("args")
def test_a_lost_server_is_dialled_again(address, monkeypatch):
    from rpcctl.api import Connection
    from rpcctl.errors import ConnectionLostError

    real = Connection.send
    lost: list[object] = []

    def send(self, request):
        if request.method == "add" and not lost:
            lost.append(request)
            raise ConnectionLostError("gone")
        return real(self, request)

    monkeypatch.setattr(Connection, "send", send)
    done = rpcctl("shell", address(), stdin=b"add 1 2\nadd 1 2\n")
    assert (done, done.exit_status) == ("3\n", 123)
    assert "gone" in done.stderr


def test_the_history_file(tmp_path):
    environ = {"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": "/h"}
    path = find_history(environ)
    assert path == str(tmp_path / "state" / "rpcctl" / "history")
    assert find_history({"HOME": "/h", "XDG_STATE_HOME": "x"}) == "/h/.local/state/rpcctl/history"
    assert prepare_history(path)
    entry = "\n# when\n+" + "x" * 997 + "\n"
    with open(path, "w") as file:
        file.write(entry * 1200)
    assert prepare_history(path)
    with open(path) as file:
        kept = file.read()
    assert 500_000 < len(kept) < 700_000
    assert kept.endswith(entry)
    assert not prepare_history(str(tmp_path / "state" / "rpcctl"))
