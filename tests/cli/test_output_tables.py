"""Streams, tables, listings, records and documents, on a pipe and on a terminal."""

import csv
import io

import pytest

from rpcctl.cli.output import Output
from rpcctl.errors import OutputError
from tests.cli.screen import Buffered, Screen, show

# Streams


def test_items_are_handed_over_as_they_arrive():
    screen = Screen()
    pipe = Buffered()
    screen.output = Output(pipe, None, env={})
    screen.output.item({"n": 1})
    assert pipe.arrived() == b'{"n": 1}\n'
    screen.output.item("x")
    assert pipe.arrived() == b'{"n": 1}\n"x"\n'


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


def test_rows_whose_words_do_not_fit_beside_each_other_become_blocks():
    rows = [{"name": "n" * 9, "at": "p" * 18, "text": "two words"}, {"name": "m", "at": "q" * 70, "text": None}]
    screen = Screen(tty=True, format="table", env={"COLUMNS": "32"})
    screen.output.value(rows)
    assert screen.plain == (
        f"nnnnnnnnn\n  at    {'p' * 18}\n  text  two words\n\nm\n  at  {'q' * 26}\n      {'q' * 26}\n      {'q' * 18}\n"
    )


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
