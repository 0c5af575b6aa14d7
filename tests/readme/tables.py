"""The README's tables that the program knows best: protocols, exit codes, commands."""

import re
from collections.abc import Sequence
from pathlib import Path

from rpcctl import registry
from rpcctl.cli.app import load_commands
from rpcctl.cli.protocols import describe
from rpcctl.exits import EXITS

README = Path(__file__).parent.parent.parent / "README.md"


def make() -> dict[str, str]:
    """Each table by the name in its `<!-- name -->` marks."""
    return {"commands": commands(), "protocols": protocols(), "exit codes": exit_codes()}


def commands() -> str:
    """One row for each command."""
    return table(("command", "does"), [(f"`rpcctl {each.name}`", each.summary) for each in load_commands()])


def protocols() -> str:
    """One row for each protocol."""
    rows = []
    for info in registry.protocols():
        row = describe(info)
        names = " ".join(f"`{name}`" for name in (info.scheme, *info.aliases))
        transports = " ".join(f"`{transport.name}`" for transport in info.transports)
        carries = ", ".join(row["features"]) if isinstance(row["features"], list) else ""
        rows.append((names, info.summary, transports, f"`{row['default']}`", carries))
    return table(("protocol", "speaks", "transports", "default address", "carries"), rows)


def exit_codes() -> str:
    """One row for each exit code."""
    return table(
        ("code", "kind", "means", "try"), [(f"{row.code}", row.kind, row.means, row.try_next) for row in EXITS]
    )


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def replace(text: str) -> str:
    """The README's text with each table as it should be."""
    for name, made in make().items():
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = mark.sub(lambda found, made=made: found[1] + made + "\n" + found[2], text)  # type: ignore[misc]
    return text
