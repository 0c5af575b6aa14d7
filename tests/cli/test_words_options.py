"""Numbers that look like options."""

from typing import Annotated, Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from rpcctl.cli.words import mask_numbers, unmask

VALUE_OPTIONS = ("--timeout", "-f")


def parse_with_typer(*argv: str) -> Any:
    """What an option parser makes of the words: the timeout, the verbosity, the method and the arguments."""
    found: list[Any] = []
    app = typer.Typer(add_completion=False)

    @app.command()
    def call(
        method: str,
        words: Annotated[list[str], typer.Argument()] = [],  # noqa: B006
        timeout: Annotated[str | None, typer.Option("--timeout", "-f")] = None,
        verbose: Annotated[int, typer.Option("-v", count=True)] = 0,
    ) -> None:
        found.extend(unmask(value) for value in (timeout, verbose, method, words))

    app(mask_numbers(argv, VALUE_OPTIONS), standalone_mode=False)
    return found


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        (("add", "-5", "-.5"), [None, 0, "add", ["-5", "-.5"]]),
        (("-v", "add", "-5", "--timeout", "3", "-6"), ["3", 1, "add", ["-5", "-6"]]),
        (("--timeout", "-5", "add", "-5"), ["-5", 0, "add", ["-5"]]),
        (("-f", "-.5", "add"), ["-.5", 0, "add", []]),
        (("--timeout=-5", "add", "-1e3"), ["-5", 0, "add", ["-1e3"]]),
        (("--timeout", "-f", "-5", "add"), ["-f", 0, "-5", ["add"]]),
        (("add", "--", "-5", "-v", "--", "--timeout"), [None, 0, "add", ["-5", "-v", "--", "--timeout"]]),
        (("--timeout", "--", "add", "-5"), ["--", 0, "add", ["-5"]]),
        (("add", "-", "-5x", "n=-5"), [None, 0, "add", ["-", "-5x", "n=-5"]]),
        (("-5",), [None, 0, "-5", []]),
    ],
)
def test_a_negative_number_is_never_an_option(argv, wanted):
    assert parse_with_typer(*argv) == wanted


@pytest.mark.parametrize("word", ["--timeuot", "-x", "-.x", "-inf"])
def test_any_other_unknown_option_is_an_error(word):
    with pytest.raises(typer.TyperException, match="No such option"):
        parse_with_typer("add", word, "3")


@given(
    st.lists(st.sampled_from(["-5", "-.5", "--", "-f", "-v", "x", "--timeout", "-", ""]) | st.text("-.0a", max_size=4))
)
@settings(deadline=None)
def test_masking_is_undone(argv):
    assert unmask(mask_numbers(argv, VALUE_OPTIONS)) == argv
    assert unmask(tuple(argv)) == tuple(argv)
    assert [unmask(value) for value in (None, True, 3)] == [None, True, 3]
