"""Print the table, one row as soon as it is measured; words choose among the groups of GROUPS."""

import platform
import sys
from importlib import import_module

GROUPS = ("startup", "zmq", "http", "msgpackrpc", "manager", "pyro", "amqp", "workers", "memory")
HEAD = ("work", "rpcctl", "peer", "the peer is", "ratio", "budget", "")


def main() -> int:
    """0 when every budget is met, 1 otherwise."""
    print(f"CPython {platform.python_version()}, {platform.system()}, medians, measured in turns\n")
    print("| " + " | ".join(HEAD) + " |")
    print("|" + "---|" * len(HEAD))
    missed = False
    for group in sys.argv[1:] or GROUPS:
        for row in import_module(f"tests.benchmarks.{group}").rows():
            words = (
                row.work,
                row.ours,
                row.peer,
                row.beside,
                f"{row.ratio:.2f}",
                row.budget,
                "" if row.met else "missed",
            )
            print("| " + " | ".join(words) + " |", flush=True)
            missed |= not row.met
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
