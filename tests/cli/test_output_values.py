"""One result: on a pipe, as it is, on a terminal; what no peer can make it do."""

import json
import math
import re
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpcctl.errors import OutputError, RemoteError
from tests.cli.screen import COLOR, Screen, show

ESCAPES = "\x1b]0;owned\x07\x9b31m\x7f\u202e"


def deeply(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


# Results on a pipe


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (1.5, "1.5"),
        ("é \n\t\"'", '"é \\n\\t\\"\'"'),
        ([1, [2, {"a": None}]], '[1, [2, {"a": null}]]'),
        ((1, 2), "[1, 2]"),
        ({}, "{}"),
        (b"\x00\x01\xff", '"AAH/"'),
        ([bytearray(b"a"), memoryview(b"b")], '["YQ==", "Yg=="]'),
        (math.nan, '"NaN"'),
        ([math.inf, -math.inf, 1.0], '["Infinity", "-Infinity", 1.0]'),
        ({1: 2, None: 3, False: 4, 1.5: 5}, '{"1": 2, "null": 3, "false": 4, "1.5": 5}'),
        ({b"\xff": 1, "n": math.nan}, '{"/w==": 1, "n": "NaN"}'),
        ({(1, "x"): 1}, '{"[1, \\"x\\"]": 1}'),
        ({math.nan: 1}, '{"NaN": 1}'),
        ("\ud800x", '"\\ud800x"'),
        ({"\udcff": 1}, '{"\\udcff": 1}'),
        ("\x1b[31m", '"\\u001b[31m"'),
        (10**40, "1" + "0" * 40),
        (-(2**64), "-18446744073709551616"),
        ("x" * 500, '"' + "x" * 500 + '"'),
    ],
    ids=lambda each: repr(each)[:30],
)
@pytest.mark.parametrize("format", ["auto", "json", "ndjson"])
def test_a_pipe_gets_one_json_value_in_one_line(value, line, format):
    assert show(value, format=format) == line + "\n"


@pytest.mark.parametrize("format", ["json", "repr"])
def test_an_integer_of_any_length_is_exact(format):
    limit = getattr(sys, "get_int_max_str_digits", int)()
    text = show([3**20_000, math.nan], format=format)
    digits = re.findall(r"\d+", text)
    assert [len(each) for each in digits] == [9543]
    assert digits[0].endswith(str(3**20_000 % 10**50))
    assert getattr(sys, "get_int_max_str_digits", int)() == limit


@pytest.mark.parametrize("value", [{1, 2}, object(), deeply(200_000), {b"a": 1, "YQ==": 2}, [math.nan, {1}]])
def test_what_has_no_json_form_is_an_output_error(value):
    with pytest.raises(OutputError, match="the result"):
        show(value)


def test_deep_nesting_falls_back_to_one_line():
    value = deeply(600)
    assert json.loads(show(value, tty=True, color="never")) == value


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=10,
)


@given(PLAIN, st.sampled_from(["auto", "json", "ndjson"]), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_plain_value_is_json_everywhere(value, format, tty):
    screen = Screen(format=format, tty=tty)
    screen.output.value(value)
    assert screen.plain.endswith("\n")
    json.loads(screen.plain, parse_constant=lambda name: pytest.fail(name))
    if not tty or format == "ndjson":
        assert screen.plain.count("\n") == 1
    if tty:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", screen.plain)


@given(PLAIN, st.sampled_from(["auto", "table", "csv", "raw", "repr", "yaml"]), st.booleans(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_plain_value_has_every_form(value, format, tty, streamed):
    screen = Screen(format=format, tty=tty)
    (screen.output.item if streamed else screen.output.value)(value)
    if tty:
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", screen.plain)


@pytest.mark.parametrize("options", [{}, {"raw": True}, {"tty": True}, {"format": "repr"}, {"format": "csv"}])
def test_a_result_of_fifty_megabytes_is_printed_at_once(options):
    value = "x" * 50_000_000
    began = time.process_time()
    assert len(show(value, **options)) >= 50_000_000
    assert time.process_time() - began < 2.0


# Results as they are


@pytest.mark.parametrize("options", [{"raw": True}, {"format": "raw"}, {"format": "json", "raw": True}])
def test_raw_texts_and_bytes_are_written_as_they_are(options):
    screen = Screen(**options)
    for value in ("é \x1b[1m", b"\x00\xff", {"a": 1}, "\ud800"):
        screen.output.value(value)
    assert screen.raw == b'\xc3\xa9 \x1b[1m\n\x00\xff{"a": 1}\n\\ud800\n'


def test_repr_is_python():
    assert show({"a": b"\xff", 1: (2, None)}, format="repr") == "{'a': b'\\xff', 1: (2, None)}\n"


def test_a_value_whose_repr_fails_is_an_output_error():
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    with pytest.raises(OutputError, match="cannot be written as Python: no"):
        show(Broken(), format="repr")


# A terminal


def test_a_terminal_gets_layout_and_colour():
    text = show({"a": [1, "x", None]}, tty=True)
    assert COLOR.search(text)
    assert COLOR.sub("", text) == '{\n  "a": [\n    1,\n    "x",\n    null\n  ]\n}\n'
    assert show([1], tty=True, format="ndjson").count("\n") == 1


@pytest.mark.parametrize(
    ("tty", "color", "format", "env", "colored"),
    [
        (True, "auto", "auto", {}, True),
        (True, "auto", "json", {"TERM": "xterm"}, True),
        (True, "auto", "auto", {"TERM": "dumb"}, False),
        (True, "auto", "auto", {"NO_COLOR": "1"}, False),
        (True, "auto", "auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (True, "auto", "auto", {"NO_COLOR": ""}, True),
        (True, "never", "auto", {"FORCE_COLOR": "1"}, False),
        (True, "always", "auto", {"NO_COLOR": "1", "TERM": "dumb"}, True),
        (False, "auto", "auto", {}, False),
        (False, "auto", "auto", {"FORCE_COLOR": "1"}, True),
        (False, "auto", "auto", {"FORCE_COLOR": "0"}, False),
        (False, "auto", "json", {"FORCE_COLOR": "1"}, False),
        (False, "always", "json", {}, True),
    ],
)
def test_colour_is_decided_by_option_then_environment_then_terminal(tty, color, format, env, colored):
    text = show({"a": 1}, tty=tty, color=color, format=format, env=env)
    assert bool(COLOR.search(text)) == colored


def test_forced_colour_keeps_one_value_per_line():
    text = show({"a": [1, 'x": 3'], "b": {}}, env={"FORCE_COLOR": "1"})
    assert text.count("\n") == 1
    assert json.loads(COLOR.sub("", text)) == {"a": [1, 'x": 3'], "b": {}}


@pytest.mark.parametrize("format", ["auto", "json", "ndjson", "yaml", "table", "csv", "raw", "repr"])
@pytest.mark.parametrize("value", [ESCAPES, {ESCAPES: ESCAPES}, [{ESCAPES: [ESCAPES]}], ESCAPES.encode()])
def test_a_peer_cannot_steer_the_terminal(format, value):
    screen = Screen(tty=True, color="never", format=format)
    screen.output.value(value)
    screen.output.item(value)
    screen.output.text(ESCAPES)
    screen.output.listing([(ESCAPES, ESCAPES, ESCAPES)], ("A", "B", "C"))
    screen.output.records([{"a": ESCAPES}])
    screen.output.document(ESCAPES, [(ESCAPES, ESCAPES, ESCAPES)])
    screen.output.panel(ESCAPES, [ESCAPES])
    screen.output.note(ESCAPES)
    screen.output.log(ESCAPES)
    screen.output.trace(">", ESCAPES, ESCAPES.encode())
    screen.output.error(RemoteError(ESCAPES, type=ESCAPES, traceback=ESCAPES, hint=ESCAPES))
    assert not set(screen.text + screen.told) & set("\x1b\x07\x9b\x7f\u202e")


@pytest.mark.parametrize("format", ["json", "yaml"])
def test_a_value_that_has_no_such_form_is_told_by_its_type(format):
    with pytest.raises(OutputError, match=r"cannot be written as (JSON|YAML): a value of type complex$"):
        show({"z": 1 + 2j}, format=format)
