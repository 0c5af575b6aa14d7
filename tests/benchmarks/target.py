"""What the benchmarks serve: a trivial method, one that computes, and a stream."""

from collections.abc import Iterator


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def grind(a: int, b: int) -> int:
    """Keep a processor busy for some 5 ms, then add two numbers."""
    rest = 0
    for n in range(120_000):
        rest = (rest + n * n) % 97
    return a + b


def count(n: int) -> Iterator[int]:
    """Yield 0 to n-1."""
    return iter(range(n))
