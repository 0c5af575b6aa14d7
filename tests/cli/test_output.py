"""What is written where and in which form: results, streams, tables, errors, traces, files."""

import csv
import errno
import io
import json
import math
import os
import re
import stat
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpcctl.cli.output import Output
from rpcctl.errors import ArgumentError, ConnectError, MethodNotFoundError, OutputError, RemoteError, TargetError
from tests.shell import Pipe

COLOR = re.compile(r"\x1b\[[\d;]*m")
ESCAPES = "\x1b]0;owned\x07\x9b31m\x7f\u202e"


class Screen:
    """An Output with both its streams, which are pipes unless `tty`."""

    def __init__(self, *, tty: bool = False, env: dict[str, str] | None = None, **options: Any) -> None:
        self.out, self.err = Pipe(tty=tty), Pipe(tty=tty)
        self.output = Output(self.out, self.err, env=env or {}, **options)

    @property
    def raw(self) -> bytes:
        """All bytes of standard output."""
        self.output.flush()
        return self.out.bytes.getvalue()

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.raw.decode()

    @property
    def plain(self) -> str:
        """The same without colours."""
        return COLOR.sub("", self.text)

    @property
    def told(self) -> str:
        """Standard error."""
        return self.err.text()


def show(value: Any, **options: Any) -> str:
    """What one result looks like."""
    screen = Screen(**options)
    screen.output.value(value)
    return screen.text


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


@given(PLAIN, st.sampled_from(["auto", "table", "csv", "raw", "repr"]), st.booleans(), st.booleans())
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


@pytest.mark.parametrize("format", ["auto", "json", "ndjson", "table", "csv", "raw", "repr"])
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


# Streams


def test_items_are_handed_over_as_they_arrive():
    screen = Screen()
    pipe = Buffered()
    screen.output = Output(pipe, None, env={})
    screen.output.item({"n": 1})
    assert pipe.arrived() == b'{"n": 1}\n'
    screen.output.item("x")
    assert pipe.arrived() == b'{"n": 1}\n"x"\n'


class Buffered(io.TextIOWrapper):
    """A stream whose bytes arrive when they are flushed, as a real one's do."""

    def __init__(self) -> None:
        self.end = Arrival()
        super().__init__(io.BufferedWriter(self.end, 1 << 16), encoding="utf-8")

    def arrived(self) -> bytes:
        return bytes(self.end.data)


class Arrival(io.RawIOBase):
    """Where written bytes arrive, or fail to."""

    def __init__(self, error: OSError | None = None) -> None:
        self.data = bytearray()
        self.error = error

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self.error:
            raise self.error
        self.data += data
        return len(data)


@pytest.mark.parametrize("format", ["auto", "json", "ndjson"])
@pytest.mark.parametrize("tty", [True, False])
def test_a_stream_is_one_line_for_each_item(format, tty):
    screen = Screen(format=format, tty=tty)
    for item in ({"a": [1, 2]}, "x", 3):
        screen.output.item(item)
    assert screen.plain == '{"a": [1, 2]}\n"x"\n3\n'


def test_raw_bytes_of_a_stream_are_put_together():
    screen = Screen(raw=True)
    for item in (b"ab", b"\x00", "x"):
        screen.output.item(item)
    assert screen.raw == b"ab\x00x\n"


def test_a_stream_of_maps_is_csv_under_the_headings_of_the_first():
    screen = Screen(format="csv")
    for item in ({"a": 1, "b": "x,y"}, {"b": 2}):
        screen.output.item(item)
    assert screen.text == 'a,b\n1,"x,y"\n,2\n'
    for strange in ({"c": 1}, 3):
        with pytest.raises(OutputError, match="no column for"):
            screen.output.item(strange)


def test_a_stream_of_other_values_is_a_cell_each():
    screen = Screen(format="table")
    for item in (1, "x", [2, 3]):
        screen.output.item(item)
    assert screen.text == "1\nx\n2  3\n"


# Tables

ROWS = [{"name": "a", "n": 1}, {"n": 22, "more": [1, "x"]}]


def test_csv():
    assert show(ROWS, format="csv") == 'name,n,more\na,1,\n,22,"[1, ""x""]"\n'
    assert show({"a": 1, "b": None}, format="csv") == "a,b\n1,\n"
    assert show([[1, "x"], [2, "y\nz"]], format="csv") == '1,x\n2,"y\nz"\n'
    assert show(["a b", 3], format="csv") == "a b\n3\n"
    assert show(["a\0b"], format="csv") == "a\\x00b\n"
    assert show([], format="csv") == ""
    assert list(csv.reader(io.StringIO(show([{'"': '"\n,'}], format="csv")))) == [['"'], ['"\n,']]


def test_a_table_on_a_pipe_is_plain_columns():
    assert show(ROWS, format="table") == 'name  n   more\na     1\n      22  [1, "x"]\n'
    assert show({"long name": 1, "b": "x\ty\nz"}, format="table") == "long name  1\nb          x\\ty\\nz\n"
    assert show("x", format="table") == "x\n"
    assert show([], format="table") == ""


def test_a_table_on_a_terminal_is_drawn_within_its_width():
    rows = [{"name": "n" * 30, "text": "word " * 30}]
    screen = Screen(tty=True, format="table", env={"COLUMNS": "50"})
    screen.output.value(rows)
    lines = screen.plain.splitlines()
    assert lines[0].split() == ["name", "text"]
    assert max(map(len, lines)) <= 50
    assert not any(line.endswith(" ") for line in lines)
    assert screen.plain.count("word") == 30


def test_markup_in_a_table_is_text():
    assert "[red]x[/red] :smile:" in show([{"a": "[red]x[/red] :smile:"}], tty=True, format="table")


LISTING = ([("add", "(a, b)", "Add."), ("x\ny", "()", "")], ("METHOD", "SIGNATURE", "DOCUMENTATION"))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "add\nx\\ny\n"),
        ({"raw": True}, "add\nx\\ny\n"),
        ({"format": "raw"}, "add\nx\\ny\n"),
        ({"format": "json"}, '["add", "x\\ny"]\n'),
        ({"format": "ndjson"}, '"add"\n"x\\ny"\n'),
        ({"format": "csv"}, 'METHOD,SIGNATURE,DOCUMENTATION\nadd,"(a, b)",Add.\n"x\ny",(),\n'),
        ({"format": "table"}, "METHOD  SIGNATURE  DOCUMENTATION\nadd     (a, b)     Add.\nx\\ny    ()\n"),
        ({"format": "repr"}, "['add', 'x\\ny']\n"),
    ],
)
def test_a_listing_is_names_on_a_pipe(options, text):
    screen = Screen(**options)
    screen.output.listing(*LISTING)
    assert screen.text == text


def test_a_listing_is_a_table_on_a_terminal():
    screen = Screen(tty=True)
    screen.output.listing(*LISTING)
    assert [line.split() for line in screen.plain.splitlines()][:2] == [list(LISTING[1]), ["add", "(a,", "b)", "Add."]]


RECORDS = [{"code": 2, "kinds": ["a", "b"]}, {"code": 78, "kinds": []}]


@pytest.mark.parametrize(
    ("rows", "format", "text"),
    [
        (RECORDS, "auto", "code  kinds\n2     a, b\n78\n"),
        (RECORDS[:1], "auto", "code   2\nkinds  a, b\n"),
        (RECORDS, "json", '[{"code": 2, "kinds": ["a", "b"]}, {"code": 78, "kinds": []}]\n'),
        (RECORDS, "ndjson", '{"code": 2, "kinds": ["a", "b"]}\n{"code": 78, "kinds": []}\n'),
        (RECORDS, "csv", 'code,kinds\n2,"[""a"", ""b""]"\n78,[]\n'),
    ],
)
def test_records_are_a_table(rows, format, text):
    screen = Screen(format=format)
    screen.output.records(rows)
    assert screen.text == text


def test_a_document_is_readable_and_its_command_can_be_copied():
    screen = Screen()
    screen.output.document(
        "calc", [("add(a, b)", "Add.\n\n\tMore.", "rpcctl call :1 add A B"), ("x()", "", "rpcctl x")]
    )
    assert screen.text == (
        "calc\n\nadd(a, b)\n    Add.\n\n            More.\n    $ rpcctl call :1 add A B\n\nx()\n    $ rpcctl x\n"
    )


# Standard error


def test_an_error_is_a_line_and_a_hint():
    screen = Screen()
    screen.output.error(ArgumentError("argument 1: no", hint="type it\nso"))
    assert screen.told == "rpcctl: error: argument 1: no\nhint: type it …\n"
    assert screen.text == ""


@pytest.mark.parametrize("hint", ["", "try this"])
@pytest.mark.parametrize("tty", [True, False])
def test_an_error_has_four_lines_at_most(hint, tty):
    screen = Screen(tty=tty)
    screen.output.error(RemoteError("\n".join(f"line {n}" for n in range(50)) + "x" * 10**7, hint=hint))
    lines = COLOR.sub("", screen.told).splitlines()
    assert len(lines) == 4
    assert lines[0] == "rpcctl: error: line 0"
    assert lines[3] == (f"hint: {hint}" if hint else "line 3 …")
    assert max(map(len, lines)) < 3000


def test_a_long_message_is_cut():
    screen = Screen()
    screen.output.error(RemoteError("x" * 10**7))
    assert len(screen.told) < 2100
    assert screen.told.endswith("x…\n")


def test_the_remote_traceback_is_shown_when_asked():
    error = RemoteError("ValueError: boom", type="ValueError", traceback='Traceback:\n  File "x"\n\tboom\x1b\n')
    brief, whole = Screen(), Screen(verbose=1)
    brief.output.error(error)
    whole.output.error(error)
    assert brief.told == "rpcctl: error: ValueError: boom\nhint: -v shows the remote traceback\n"
    assert whole.told == 'rpcctl: error: ValueError: boom\n  Traceback:\n    File "x"\n  \tboom\\x1b\n'


def test_the_traceback_of_a_broken_target_is_always_shown():
    screen = Screen()
    screen.output.error(TargetError("cannot load x: boom", traceback="Traceback:\n  boom\n"))
    assert screen.told.endswith("\n  Traceback:\n    boom\n")


@pytest.mark.parametrize("format", ["json", "ndjson"])
def test_an_error_for_a_program_is_one_json_line(format):
    screen = Screen(format=format, tty=True)
    error = RemoteError("ValueError: bo\no\ud800\x9bm", type="ValueError", traceback="Trace\n", hint="look")
    screen.output.error(error, protocol="zmq", address="tcp://h:1", method="add")
    assert screen.told.count("\n") == 1
    assert json.loads(screen.told) == {
        "error": {
            "kind": "remote",
            "exit": 22,
            "message": "ValueError: bo\no\ud800\x9bm",
            "hint": "look",
            "protocol": "zmq",
            "address": "tcp://h:1",
            "method": "add",
            "remote": {"type": "ValueError", "message": "bo\no\ud800\x9bm", "traceback": "Trace\n"},
        }
    }


@pytest.mark.parametrize(
    ("error", "remote"),
    [
        (ConnectError("refused"), None),
        (MethodNotFoundError("no method 'x'", type="NameError"), {"type": "NameError", "message": "no method 'x'"}),
        (RemoteError("odd"), {"type": "", "message": "odd"}),
    ],
)
def test_only_what_the_peer_answered_is_remote(error, remote):
    screen = Screen(format="json")
    screen.output.error(error)
    found = json.loads(screen.told)["error"]["remote"]
    assert found == (remote and {**remote, "traceback": ""})


def test_results_come_before_the_error():
    both = Pipe()
    output = Output(both, both, env={})
    output.value(1)
    output.error(ArgumentError("late"))
    assert both.text() == "1\nrpcctl: error: late\n"


def test_quiet_leaves_results_and_errors():
    screen = Screen(quiet=True)
    screen.output.note("note")
    screen.output.log("log")
    screen.output.panel("title", ["a"])
    screen.output.error(ArgumentError("error"))
    screen.output.value(1)
    assert screen.told == "rpcctl: error: error\n"
    assert screen.text == "1\n"


def test_notes_and_log_lines_are_one_line_each():
    screen = Screen()
    screen.output.note("warning: a\nb")
    screen.output.log("12:00:00 peer add\nforged ok")
    assert screen.told == "rpcctl: warning: a\\nb\n12:00:00 peer add\\nforged ok\n"
    assert screen.text == ""


@pytest.mark.parametrize("tty", [True, False])
def test_the_panel_names_some_methods(tty):
    screen = Screen(tty=tty, env={"COLUMNS": "60"})
    screen.output.panel("serving calc: 1000 methods", [f"method_{n}" for n in range(1000)])
    told = COLOR.sub("", screen.told)
    assert "serving calc: 1000 methods" in told
    assert "method_0, method_1" in told
    assert "…" in told
    assert len(told.splitlines()) < 12


def test_lines_from_many_threads_stay_whole():
    screen = Screen()

    def log_lines() -> None:
        for _ in range(50):
            screen.output.log("x" * 200)

    threads = [threading.Thread(target=log_lines) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert screen.told == ("x" * 200 + "\n") * 200


def test_nobody_reading_standard_error_is_no_failure():
    for stream in (None, io.TextIOWrapper(io.BufferedWriter(Arrival(BrokenPipeError())), write_through=True)):
        output = Output(Pipe(), stream, env={})
        output.note("x")
        output.trace("*", "x", None)
        output.error(ArgumentError("x"))
    closed = Pipe()
    closed.close()
    Output(Pipe(), closed, env={}).note("x")


# Traces


def test_a_trace_has_directions_and_with_vv_bytes():
    brief, whole = Screen(verbose=1), Screen(verbose=2)
    for screen in (brief, whole):
        screen.output.trace(">", "call add [1]\nid 7", bytes(range(60, 80)))
        screen.output.trace("*", "connected", None)
    assert brief.told == "> call add [1]\n> id 7\n* connected\n"
    assert whole.told == (
        "> call add [1]\n> id 7\n"
        "  00000000  3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b  <=>?@ABCDEFGHIJK\n"
        "  00000010  4c 4d 4e 4f                                      LMNO\n"
        "* connected\n"
    )


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
        ("proxy-authorization: Bearer a.b.c", "proxy-authorization: Bearer ***"),
        ("Authorization: zzz", "Authorization: ***"),
        ("Cookie: a=b; c=d", "Cookie: ***"),
        ("Set-Cookie: a=b; c=d", "Set-Cookie: ***"),
        ("X-Api-Key: abc", "X-Api-Key: ***"),
        ("auth_token=abc&x=1", "auth_token=***&x=1"),
        ('{"password": "hunter2", "a": 1}', '{"password": "***", "a": 1}'),
        ("connecting to amqp://me:hunter2@host:1/", "connecting to amqp://me:***@host:1/"),
        ("tcp://host:4242 add 3", "tcp://host:4242 add 3"),
        ("tokens: many", "tokens: many"),
    ],
)
def test_secrets_are_masked(text, masked):
    screen = Screen(verbose=2)
    screen.output.trace(">", text, text.encode())
    first, *rows = screen.told.splitlines()
    assert first == f"> {masked}"
    assert "".join(row[61:] for row in rows) == masked


def test_a_trace_of_a_huge_message_is_cut():
    screen = Screen(verbose=2)
    began = time.process_time()
    screen.output.trace("<", "token" * 10_000_000, b"password" * 6_000_000)
    assert time.process_time() - began < 2.0
    assert "(50000000 characters)" in screen.told
    assert "bytes more" in screen.told
    assert len(screen.told) < 1_000_000


# Files


def test_a_result_goes_to_a_file(tmp_path):
    path = tmp_path / "out.json"
    screen = Screen(tty=True)
    with screen.output.writing(str(path)):
        screen.output.value({"a": "é\x9b"})
        screen.output.item(2)
        assert not path.exists()
    assert path.read_bytes() == '{"a": "é\x9b"}\n2\n'.encode()
    assert os.listdir(tmp_path) == ["out.json"]
    screen.output.text("afterwards")
    assert screen.plain == "afterwards\n"


@pytest.mark.parametrize("path", [None, "-"])
def test_without_a_file_results_go_to_standard_output(path):
    screen = Screen()
    with screen.output.writing(path):
        screen.output.value(1)
    assert screen.text == "1\n"


@pytest.mark.parametrize("error", [RemoteError("x"), KeyboardInterrupt(), BrokenPipeError()])
def test_a_file_is_written_whole_or_not_at_all(tmp_path, error):
    path = tmp_path / "out"
    path.write_text("old")

    def write_half() -> None:
        screen = Screen()
        with screen.output.writing(str(path)):
            screen.output.item("half")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_a_file_keeps_its_rights_and_links(tmp_path):
    old = tmp_path / "old"
    old.write_text("x")
    old.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(old)
    new = tmp_path / "new"
    before = os.umask(0o027)
    try:
        for path in (link, new):
            with Screen().output.writing(str(path)):
                pass
    finally:
        os.umask(before)
    assert link.is_symlink()
    assert old.read_text() == ""
    assert [stat.S_IMODE(path.stat().st_mode) for path in (old, new)] == [0o640, 0o640]


def test_a_device_is_written_and_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    screen = Screen()
    with screen.output.writing(str(pipe)):
        screen.output.value(1)
    reader.join(10)
    assert read == [b"1\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    with screen.output.writing("/dev/null"):
        screen.output.value(1)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("missing/out", "No such file or directory"),
        (".", "Is a directory"),
        ("", ""),
        ("a\0b", "null"),
        ("x" * 300, "File name too long"),
        ("/dev/full", "No space left on device"),
    ],
)
def test_a_file_that_cannot_be_written_is_named(tmp_path, monkeypatch, path, reason):
    monkeypatch.chdir(tmp_path)
    screen = Screen()
    with pytest.raises(OutputError) as caught, screen.output.writing(path):
        screen.output.value("x")
    assert caught.value.message.startswith(f"cannot write {path}: ")
    assert reason in caught.value.message
    assert os.listdir(tmp_path) == []


# When standard output fails


@pytest.mark.parametrize(
    ("error", "raised"),
    [(BrokenPipeError(errno.EPIPE, "pipe"), BrokenPipeError), (OSError(errno.ENOSPC, "No space left"), OutputError)],
)
def test_a_failing_output(error, raised):
    pipe = Buffered()
    pipe.end.error = error
    output = Output(pipe, None, env={})
    with pytest.raises(raised) as caught:
        output.item(1)
    if raised is OutputError:
        assert str(caught.value) == "cannot write the output: No space left"
    pipe.end.error = None


def test_no_standard_output_at_all():
    output = Output(None, None, env={})
    output.flush()
    with pytest.raises(OutputError, match="cannot write the output"):
        output.value(1)
    closed = Pipe()
    closed.close()
    with pytest.raises(OutputError, match="closed"):
        Output(closed, None, env={}).value(1)


@pytest.mark.parametrize("stream", [io.StringIO, io.BytesIO])
def test_streams_of_text_and_of_bytes_will_do(stream):
    out = stream()
    Output(out, None, raw=True, env={}).value("é\ud800")
    Output(out, None, raw=True, env={}).value(b"\xff")
    found = out.getvalue()
    assert found == ("é\\ud800\n\\xff" if isinstance(found, str) else b"\xc3\xa9\\ud800\n\xff")


def test_importing_output_is_cheap():
    script = (
        "import sys, rpcctl.cli.output as o, io\no.Output(io.StringIO(), None, env={}).value([1])\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"rich", "typer", "csv", "logging", "dataclasses", "inspect", "asyncio", "tempfile", "shutil"}
    assert not heavy & set(done.stdout.split())
