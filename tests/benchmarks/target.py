"""What the benchmarks serve: a trivial method and a stream."""

from collections.abc import Iterator


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def count(n: int) -> Iterator[int]:
    """Yield 0 to n-1."""
    return iter(range(n))
