"""Resident memory of a server, at rest and after a million calls."""

from collections.abc import Iterator

from tests.benchmarks.measure import Row, read_seconds, resident_kib, serving

IN_FLIGHT = "64"


def rows() -> Iterator[Row]:
    """`serve time` at rest beside its limit, and growth under load."""
    with serving(target="time") as (_, process):
        mib = resident_kib(process.pid) / 1024
    yield Row(
        "resident memory of `serve time`", f"{mib:.0f} MB", "60 MB", "the limit", mib / 60, "at most 1", mib <= 60
    )
    with serving() as (endpoint, process):
        read_seconds("load.py", endpoint, "10000", IN_FLIGHT)
        before = resident_kib(process.pid)
        for _ in range(10):
            read_seconds("load.py", endpoint, "100000", IN_FLIGHT)
        after = resident_kib(process.pid)
    ratio = after / before
    yield Row(
        "resident memory after 1,010,000 calls",
        f"{after / 1024:.0f} MB",
        f"{before / 1024:.0f} MB",
        "itself after 10,000",
        ratio,
        "at most 1.05",
        ratio <= 1.05,
    )
