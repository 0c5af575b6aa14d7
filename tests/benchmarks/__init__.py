"""`python -m tests.benchmarks`: the ratios of the README's performance table, ours and a peer's measured in turns."""
