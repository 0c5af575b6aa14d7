"""`python -m tests.benchmarks`: every ratio of the README's performance table, ours and the peer's measured in turns."""
