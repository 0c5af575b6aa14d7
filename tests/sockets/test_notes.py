"""How much of what clients do is told to the log."""

import pytest

from rpcctl.sockets.notes import MOST, SPAN, Notes


@pytest.fixture
def told():
    """The lines of the log."""
    return []


@pytest.fixture
def now():
    """The clock, as a list of one."""
    return [1000.0]


@pytest.fixture
def note(told, now):
    """What takes lines for that log."""
    return Notes(told.append, lambda: now[0])


def test_lines_are_passed_on(note, told):
    note("one")
    note("two")
    assert told == ["one", "two"]


def test_a_flood_is_counted_and_told_of_afterwards(note, told, now):
    for n in range(MOST + 7):
        note(str(n))
    assert told == [str(n) for n in range(MOST)]
    now[0] += SPAN
    note("next")
    assert told[MOST:] == ["7 more lines about clients left out", "next"]


@pytest.mark.parametrize(("seconds", "over"), [(SPAN, False), (0.0, True)])
def test_the_count_is_told_without_another_line(note, told, now, seconds, over):
    for n in range(MOST + 1):
        note(str(n))
    now[0] += seconds
    note.look(over=over)
    note.look(over=over)
    assert told[MOST:] == ["1 more line about clients left out"]


def test_a_line_without_end_is_cut(note, told):
    note("x" * 100_000)
    assert told == ["x" * 400 + "…"]
