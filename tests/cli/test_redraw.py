"""Text in the place of other text: what changed, and that it always takes the rows that it says."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpcctl.cli.redraw import Redraw, draw, find_changes
from rpcctl.cli.terminal import Terminal
from tests.cli.screen import COLOR, Screen

TERMINAL = Terminal(True, True, 20, True)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (["a", "b"], ["a", "b"], [None, None]),
        (['"n": 1,'], ['"n": 2,'], [(5, 6)]),
        (['"n": 1,'], ['"n": 12,'], [(6, 7)]),
        (['"n": 12,'], ['"n": 1,'], [(6, 7)]),
        (["a"], ["a", "  new"], [None, (2, 5)]),
        (["a", "b"], ["b"], [None]),
        (["a"], [""], [(0, 1)]),
        ([], ["x"], [(0, 1)]),
    ],
)
def test_what_is_new_is_found(before, after, changes):
    assert find_changes(before, after) == changes


def test_long_texts_are_compared_place_by_place():
    before = [str(n) for n in range(50_000)]
    after = ["x", *before[1:]]
    changes = find_changes(before, after)
    assert changes[0] == (0, 1)
    assert not any(changes[1:])


def test_only_what_changed_stands_out():
    text, rows = draw("title", ["a", "n: 1"], ["a", "n: 2"], TERMINAL, 24)
    assert text == "\x1b[2mtitle\x1b[0m\na\nn: \x1b[7m2\x1b[0m\n"
    assert rows == 3


def test_without_colours_a_change_stands_out_all_the_same():
    text, _ = draw("title", ["1"], ["2"], TERMINAL._replace(color=False), 24)
    assert "\x1b[7m2" in text
    assert not re.search(r"\x1b\[[34]\d", text)


LINES = st.lists(st.text(max_size=60).map(lambda text: text.replace("\n", "")), max_size=40)


@given(LINES, LINES, st.integers(1, 80), st.integers(1, 30))
@settings(max_examples=150, deadline=None)
def test_every_line_takes_one_row(before, after, width, height):
    text, rows = draw("title of the call", before, after, TERMINAL._replace(width=width), height)
    plain = COLOR.sub("", text)
    assert plain.count("\n") == rows == len(plain.splitlines()) or width < 4
    assert rows <= max(2, height)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", plain)


def test_the_next_text_replaces_the_last():
    screen = Redraw()
    first = screen.replace("t", ["a", "b"], TERMINAL, 24)
    second = screen.replace("t", ["a"], TERMINAL, 24)
    assert not first.startswith("\x1b[3A")
    assert second.startswith("\x1b[3A\x1b[J")
    screen.leave()
    assert not screen.replace("t", ["a"], TERMINAL, 24).startswith("\x1b[2A")


def test_an_output_draws_on_a_terminal():
    screen = Screen(tty=True, env={"COLUMNS": "40", "LINES": "10", "TERM": "xterm"})
    screen.output.refresh("every 2 s", {"n": 1})
    screen.output.refresh("every 2 s", {"n": 2})
    assert "\x1b[4A\x1b[J" in screen.text
    assert '"n": \x1b[7m2\x1b[0m' in screen.text
    screen.output.note("lost")
    screen.output.refresh("every 2 s", {"n": 3})
    assert screen.text.count("\x1b[4A") == 1


@pytest.mark.parametrize("options", [{}, {"tty": True, "env": {"TERM": "dumb"}}, {"color": "always"}])
def test_where_the_cursor_cannot_be_moved_each_value_has_its_line(options):
    screen = Screen(**options)
    screen.output.refresh("title", {"n": 1})
    screen.output.refresh("title", {"n": 2})
    assert screen.plain == '{"n": 1}\n{"n": 2}\n'


@pytest.mark.parametrize("format", ["yaml", "table", "repr", "json"])
def test_every_form_can_be_drawn(format):
    screen = Screen(tty=True, format=format, env={"TERM": "xterm"})
    screen.output.refresh("title", {"name": "value"})
    assert "value" in screen.plain
