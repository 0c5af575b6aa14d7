"""Worker processes for a method that computes: two beside one."""

from collections.abc import Iterator

from tests.benchmarks.measure import Row, in_turns, read_seconds, serving

CALLS = 200
IN_FLIGHT = "8"
LEAST = 1.8


def rows() -> Iterator[Row]:
    """As many processes as the machine of the budget has cores."""
    with serving("--workers", "2") as (two, _), serving("--workers", "1") as (one, _):
        mine, other = in_turns(lambda: _load(two), lambda: _load(one), rounds=11)
    ratio = other / mine
    yield Row(
        "method of 5 ms of pure Python, 8 calls in flight, `--workers 2`",
        f"{CALLS / mine:,.0f} calls/s",
        f"{CALLS / other:,.0f} calls/s",
        "`--workers 1`",
        ratio,
        f"at least {LEAST:g}",
        ratio >= LEAST,
    )


def _load(endpoint: str) -> float:
    return read_seconds("load.py", endpoint, str(CALLS), IN_FLIGHT, "grind")
