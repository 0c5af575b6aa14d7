"""--select: what is chosen of results, in each form, and how an expression that is wrong is told."""

import json

import pytest

from rpcctl.cli.select import compile_expression, is_true
from rpcctl.errors import UsageError
from tests.cli.screen import Screen
from tests.shell import rpcctl

VALUE = {"items": [{"name": "a", "price": 5}, {"name": "b", "price": 15}], "state": "done", "pair": (1, 2)}


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("state", "done"),
        ("items[].name", ["a", "b"]),
        ("items[?price > `10`].name | [0]", "b"),
        ("{n: length(items), s: state}", {"n": 2, "s": "done"}),
        ("pair[1]", 2),
        ("missing.deeper", None),
        ("@", {**VALUE, "pair": [1, 2]}),
        ("state == 'done' && length(items) == `2`", True),
    ],
)
def test_an_expression_chooses(expression, chosen):
    assert compile_expression(expression, "select")(VALUE) == chosen


@pytest.mark.parametrize(
    ("expression", "message", "mark"),
    [
        ("a.[", "the expression ends too early", 3),
        ("a[?b", "the expression ends too early", 4),
        ("a ~ b", "unexpected '~'", 2),
        ("a.b c", "unexpected 'c'", 4),
        ("@.x | fooo(@)", "no function fooo()", 6),
        ("join(@)", "join() takes 2 arguments, 1 are given", 0),
        ("merge()", "merge() takes at least 1 arguments, 0 are given", 0),
        ("not_null(a, b, c) || 'x' y", "unexpected 'y'", 25),
    ],
)
def test_a_wrong_expression_is_pointed_at(expression, message, mark):
    with pytest.raises(UsageError) as caught:
        compile_expression(expression, "select")
    first, shown, pointer = caught.value.message.split("\n")
    assert first == f"--select: {message} (character {mark + 1})"
    assert shown == f"  {expression}"
    assert pointer == "  " + " " * mark + "^"


@pytest.mark.parametrize("expression", ["(" * 50_000, "!" * 50_000 + "@", " ", "\x1b[31m", "`{", "a." * 100 + "~" * 99])
def test_no_expression_breaks_anything(expression):
    with pytest.raises(UsageError) as caught:
        compile_expression(expression, "until")({})
    assert caught.value.message.startswith("--until: ")
    assert len(caught.value.message) < 300


@pytest.mark.parametrize("value", [{"a": 1}, {"a": b"x"}, {"a": None}])
def test_a_value_that_does_not_fit_is_a_usage_error(value):
    with pytest.raises(UsageError, match=r"length\(\) takes string or array or object"):
        compile_expression("length(a)", "select")(value)


@pytest.mark.parametrize(
    ("value", "truth"),
    [(None, False), (False, False), ("", False), ([], False), ({}, False), (0, True), ("x", True), ([0], True)],
)
def test_truth_is_that_of_the_language(value, truth):
    assert is_true(value) is truth


@pytest.mark.parametrize(
    ("format", "shown"),
    [
        ("auto", '["a", "b"]\n'),
        ("json", '["a", "b"]\n'),
        ("yaml", "- a\n- b\n"),
        ("csv", "a\nb\n"),
        ("repr", "['a', 'b']\n"),
        ("table", "a\nb\n"),
    ],
)
def test_what_is_chosen_has_every_form(format, shown):
    screen = Screen(format=format, select=compile_expression("items[].name", "select"))
    screen.output.value(VALUE)
    assert screen.text == shown


def test_of_a_stream_each_item_is_chosen_from():
    outcome = rpcctl("call", "py:tests.sample", "count", "3", "--select", "@ == `1`")
    assert outcome == "false\ntrue\nfalse\n"


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        (["list", "py:tests.sample", "--select", "[0]"], "add"),
        (["describe", "py:tests.sample", "add", "--select", "parameters[].name"], ["a", "b"]),
        (["explain", "28", "--select", "[0].kind"], "timeout"),
        (["protocols", "--select", "[?protocol == 'py'] | length(@)"], 1),
        (["ping", "py:tests.sample", "--select", "address"], "py:tests.sample"),
        (["call", "py:tests.sample", "echo", '{"a": "x"}', "--select", "a"], "x"),
    ],
)
def test_every_command_that_prints_results_takes_it(words, chosen):
    outcome = rpcctl(*words)
    assert outcome.exit_status == 0, outcome.stderr
    assert outcome.json == chosen


def test_raw_texts_are_chosen_too():
    assert rpcctl("call", "py:tests.sample", "echo", '{"a": "x"}', "--select", "a", "-r") == "x\n"


def test_a_wrong_expression_is_told_before_anything_is_called():
    outcome = rpcctl("call", "tcp://127.0.0.1:1", "add", "--select", "[", "--json")
    assert outcome.exit_status == 2
    assert outcome.error["kind"] == "usage"
    assert "the expression ends too early" in outcome.error["message"]


def test_the_variable_sets_it_too():
    assert rpcctl("call", "py:tests.sample", "echo", "[3, 4]", env={"RPCCTL_SELECT": "[1]"}).json == 4


def test_select_does_not_turn_errors_into_json():
    outcome = rpcctl("call", "py:tests.sample", "fail", "--select", "@")
    assert outcome.stderr.startswith("rpcctl: error: ValueError: on purpose")


def test_yaml_is_read_back():
    import yaml

    value = {"b": [1, 2.5, None, True], "no": "no", "text": "a\nb\n", "bytes": b"\x00\xff", 1: {}}
    screen = Screen(format="yaml")
    screen.output.value(value)
    assert yaml.safe_load(screen.text) == value
    assert list(yaml.safe_load(screen.text)) == list(value)


def test_a_stream_in_yaml_is_one_document_for_each_item():
    import yaml

    outcome = rpcctl("call", "py:tests.sample", "count", "3", "-f", "yaml")
    assert list(yaml.safe_load_all(outcome)) == [0, 1, 2]
    assert outcome.splitlines()[0] == "--- 0"


def test_ndjson_of_records_is_chosen_from_as_a_whole():
    outcome = rpcctl("explain", "--select", "[].kind", "-f", "ndjson")
    assert [json.loads(line) for line in outcome.splitlines()][:2] == ["ok", "internal"]


def test_each_line_of_a_batch_is_chosen_from():
    lines = b'{"method": "echo", "params": [{"a": 1}]}\n{"method": "echo", "params": ["text"]}\n'
    done = rpcctl("batch", "py:tests.sample", "--ordered", "--keep-going", "--select", "abs(a || @)", stdin=lines)
    first, second = done.splitlines()
    assert first == '{"id": 1, "result": 1}'
    assert "abs() takes number, here it is given string" in json.loads(second)["error"]["message"]
    assert done.exit_status == 123


def test_the_shell_chooses_from_each_result_and_may_change_its_mind():
    lines = b'echo {"a": [1, 2]}\n:select a[0] || @\necho {"a": [1, 2]}\n:select\necho {"a": 3}\n'
    done = rpcctl("shell", "py:tests.sample", "--select", "a[1]", stdin=lines)
    assert done.splitlines() == ["2", "1", '{"a": 3}']


def test_the_shell_points_at_a_wrong_expression():
    done = rpcctl("shell", "py:tests.sample", stdin=b":select a.[\n")
    assert "the expression ends too early (character 4)" in done.stderr
    assert done.exit_status == 123
