"""What a batch is made of: lines from pieces, the tally, the order of answers."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpcctl.cli.batch_run import Answers
from rpcctl.cli.lines import Line, Lines, Splitter
from rpcctl.cli.tally import Tally, find_ranges
from rpcctl.errors import InputError
from tests.cli.screen import Screen


@given(st.binary(max_size=60).map(lambda data: data.replace(b"\r", b"\n")), st.integers(1, 7))
def test_lines_are_the_same_in_whatever_pieces_they_come(data, size):
    splitter = Splitter(1000)
    pieces = [data[n : n + size] for n in range(0, len(data), size)]
    found = [line for piece in [*pieces, b""] for line in splitter.split(piece)]
    wanted = data.split(b"\n") if data and not data.endswith(b"\n") else data.split(b"\n")[:-1]
    assert found == [Line(n, line) for n, line in enumerate(wanted, 1)]


def test_of_a_long_line_only_the_beginning_is_kept():
    splitter = Splitter(4)
    assert [*splitter.split(b"abc"), *splitter.split(b"defgh" * 100), *splitter.split(b"\nx\n")] == [
        Line(1, b"abcde"),
        Line(2, b"x"),
    ]


def test_lines_are_taken_as_they_come():
    end, start = os.pipe()
    with os.fdopen(start, "wb", buffering=0) as writer:
        lines = Lines(os.fdopen(end, "rb", buffering=0), 100)
        assert lines.take(wait=False) is None
        writer.write(b"a\nb")
        assert lines.take(wait=True) == Line(1, b"a")
        assert lines.take(wait=False) is None
        assert not lines.at_end
        writer.write(b"c\n")
        assert lines.take(wait=True) == Line(2, b"bc")
    assert lines.take(wait=True) is None
    assert lines.at_end
    assert lines.bytes_taken == 5


def test_a_stream_that_cannot_be_read():
    class Broken(io.BytesIO):
        def read1(self, size=-1):
            raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match="Input/output error"):
        Lines(Broken(), 100).take(wait=True)


@pytest.mark.parametrize(
    ("numbers", "ranges"),
    [([], []), ([3], [(3, 3)]), ([5, 3, 4, 9, 7, 8], [(3, 5), (7, 9)]), ([1, 3], [(1, 1), (3, 3)])],
)
def test_ranges(numbers, ranges):
    assert find_ranges(numbers) == ranges


def test_the_tally_tells_all_three():
    tally = Tally()
    for number in range(1, 11):
        tally.begin(number)
    for number in (1, 2, 4):
        tally.end(number, well=True)
    for number in (3, 5):
        tally.end(number, well=False)
    assert tally.describe() == "3 done, 2 failed (lines 3, 5), 5 unknown (lines 6-10)"


def test_the_tally_keeps_no_more_than_it_shows():
    tally = Tally()
    for number in range(2, 2000, 2):
        tally.begin(number)
        tally.end(number, well=False)
    assert tally.describe() == "0 done, 999 failed (lines 2, 4, 6, 8, 10, 12, 14, 16, …)"


def test_answers_in_order_wait_for_those_before():
    screen = Screen()
    answers = Answers(screen.output, ordered=True)
    for number in (1, 2, 3, 4):
        answers.expect(number)
    answers.give(2, '"b"')
    answers.give(4, '"d"')
    assert (screen.text, answers.held()) == ("", 4)
    answers.give(1, '"a"')
    assert (screen.text, answers.held()) == ('"a"\n"b"\n', 2)
    answers.release()
    assert screen.text == '"a"\n"b"\n"d"\n'
