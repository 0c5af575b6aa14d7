"""`python -m tests`: format, lint, types, tests; stops at the first that fails. Words after it go to pytest."""

import subprocess
import sys

STEPS = (
    ("format", ("ruff", "format", "--check", ".")),
    ("lint", ("ruff", "check", ".")),
    ("types", ("mypy",)),
    ("tests", ("pytest",)),
)


def main() -> int:
    """Run the steps in turn; the exit code of the first that fails."""
    for name, (module, *words) in STEPS:
        print(f"== {name}", flush=True)
        more = sys.argv[1:] if module == "pytest" else []
        code = subprocess.call([sys.executable, "-m", module, *words, *more])
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
