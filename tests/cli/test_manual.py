"""The manual page, and that help and explanations are complete."""

import re
from pathlib import Path

import pytest

from rpcctl import registry
from rpcctl.cli.app import load_commands
from rpcctl.cli.command import flags
from rpcctl.cli.manual import write_manual
from rpcctl.cli.roff import Page, escape
from rpcctl.errors import RpcctlError
from rpcctl.exits import EXITS
from tests.shell import rpcctl

FILE = Path(__file__).parent.parent.parent / "man" / "rpcctl.1"
REQUESTS = {"TH", "SH", "SS", "PP", "TP", "RS", "RE", "nf", "fi", "nh", "ad"}


def plain(page: str) -> str:
    """The page's text without what is roff's."""
    for spelled, meant in (("\\-", "-"), ("\\(aq", "'"), ("\\(dq", '"'), ("\\fB", ""), ("\\fR", ""), ("\\e", "\\")):
        page = page.replace(spelled, meant)
    return page


def test_the_command_prints_the_file_in_the_folder():
    assert rpcctl("manual").raw == FILE.read_bytes(), "rpcctl manual -o man/rpcctl.1 writes it anew"


def test_everything_is_in_it():
    page = plain(write_manual())
    for command in load_commands():
        assert f'.SS "rpcctl {command.name}' in page
        for option in command.options:
            assert all(flag in page for flag in flags(option))
    for info in registry.protocols():
        assert f'.SS "{info.scheme}' in page
        assert all(f"--{option.name}" in page for option in info.options)
    for row in EXITS:
        assert f"{row.code} ({row.kind})" in page


def test_it_is_plain_roff():
    page = write_manual()
    assert page.isascii()
    assert {line[1:3].strip() for line in page.splitlines() if line.startswith(".")} <= REQUESTS
    assert not any(line.startswith("'") for line in page.splitlines())
    assert not re.search(r"\\(?![-e&]|\(aq|\(dq|\(ga|\(ha|\(ti|f[BR]|\[u[0-9A-F]{4})", page)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a-b", "a\\-b"),
        ("\\n", "\\en"),
        ("it's", "it\\(aqs"),
        ("…", "\\[u2026]"),
        (" two\n lines ", "two lines"),
        ('"`^~', "\\(dq\\(ga\\(ha\\(ti"),
    ],
)
def test_text_is_escaped(text, escaped):
    assert escape(text) == escaped


@pytest.mark.parametrize("text", [".SH evil", "'br", "\n.br", ""])
def test_no_text_is_a_request(text):
    page = Page("x", 1, "x")
    page.paragraph(text)
    page.entry(text, text)
    page.code([text])
    page.section(text)
    requests = [line[1:3] for line in page.text().splitlines() if line.startswith((".", "'"))]
    assert requests == ["TH", "nh", "ad", "PP", "TP", "PP", "RS", "nf", "fi", "RE", "SH"]


@pytest.mark.parametrize("command", load_commands(), ids=lambda command: command.name)
def test_every_help_ends_with_examples(command):
    outcome = rpcctl(command.name, "--help", env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert outcome.exit_status == 0
    end = [line.strip() for line in outcome.rpartition(" Examples ")[2].splitlines() if line.strip()]
    assert command.examples
    assert end == list(command.examples)


def exit_codes(kind: type[RpcctlError] = RpcctlError) -> set[tuple[int, str]]:
    """Each error's code and kind."""
    return {(kind.exit_code, kind.kind)}.union(*map(exit_codes, kind.__subclasses__()))


def test_every_code_is_explained():
    assert exit_codes() <= {(row.code, row.kind) for row in EXITS}
    for row in EXITS:
        outcome = rpcctl("explain", str(row.code))
        assert outcome.exit_status == 0
        assert row.means in outcome
