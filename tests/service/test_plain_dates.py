"""Dates: as they are where the wire has them and loses nothing, else as text."""

import datetime

import pytest

from rpcctl.service.plain import plain
from tests.service.values import XML

DATED = XML._replace(dates=True)
WHEN = datetime.datetime(2026, 1, 30, 14, 8, 55)


class Stamp(datetime.datetime):
    """A date of some library."""


def test_a_date_goes_as_one_where_the_wire_loses_nothing_of_it():
    for value in (WHEN, Stamp(2026, 1, 30, 14, 8, 55)):
        found = plain([value], DATED)
        assert found == [WHEN]
        assert type(found[0]) is datetime.datetime
        assert plain(value, XML) == "2026-01-30T14:08:55"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (WHEN.replace(microsecond=1), "2026-01-30T14:08:55.000001"),
        (WHEN.replace(tzinfo=datetime.timezone.utc), "2026-01-30T14:08:55+00:00"),
        (datetime.date(2026, 1, 30), "2026-01-30"),
    ],
)
def test_a_date_of_which_the_wire_would_lose_something_goes_as_text(value, text):
    assert plain(value, DATED) == text


def test_a_date_as_a_key_is_text():
    assert plain({WHEN: 1}, DATED) == {"2026-01-30T14:08:55": 1}
