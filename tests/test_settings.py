"""Option values: units, off, and which source wins."""

import pytest

from rpcctl.errors import AddressError, UsageError
from rpcctl.interfaces import Option, ProtocolInfo, Transport
from rpcctl.registry import parse_address
from rpcctl.settings import OFF, choose, fill_options, read_value

READ = [
    ("seconds", "5", 5.0),
    ("seconds", "0.5", 0.5),
    ("seconds", ".5", 0.5),
    ("seconds", "500ms", 0.5),
    ("seconds", "2m", 120.0),
    ("seconds", "0", 0.0),
    ("seconds_or_off", "0", OFF),
    ("seconds_or_off", "off", OFF),
    ("seconds_or_off", "Never", OFF),
    ("seconds_or_off", "3s", 3.0),
    ("size", "512", 512),
    ("size", "512K", 512 * 1024),
    ("size", "64MiB", 64 * 1024**2),
    ("integer", "7", 7),
    ("switch", "yes", True),
    ("switch", "0", False),
    ("choice", "a", "a"),
    ("text", "x=y", "x=y"),
]
REFUSED = [
    ("seconds", "five"),
    ("seconds", "-1"),
    ("seconds", "1e9"),
    ("seconds", "nan"),
    ("seconds_or_off", "of"),
    ("size", "64X"),
    ("size", "9" * 30),
    ("integer", "-7"),
    ("integer", "٣"),
    ("switch", "maybe"),
    ("choice", "c"),
]


def option(kind: str) -> Option:
    return Option("thing", "a thing", "X", kind, choices=("a", "b"))


@pytest.mark.parametrize(("kind", "word", "value"), READ)
def test_reads(kind, word, value):
    assert read_value(option(kind), word) == value


@pytest.mark.parametrize(("kind", "word"), REFUSED)
def test_refuses_and_names_the_option_and_the_word(kind, word):
    with pytest.raises(UsageError) as caught:
        read_value(option(kind), word)
    assert "--thing" in caught.value.message
    assert repr(word) in caught.value.message


def test_off_is_told_from_not_given():
    beat = Option("beat", "", "S", "seconds_or_off", 5.0)
    assert choose(beat, None, None) == 5.0
    assert choose(beat, OFF, 3.0) is None
    assert choose(beat, None, 3.0) == 3.0


INFO = ProtocolInfo(
    "zmq",
    "",
    (Transport("tcp"),),
    "",
    options=(Option("beat", "", "S", "seconds_or_off", 5.0), Option("far", "", roles=("server",))),
)


@pytest.mark.parametrize(
    ("given", "query", "variable", "value"),
    [
        (None, "", "", 5.0),
        (None, "", "7", 7.0),
        (None, "?beat=6", "7", 6.0),
        (8.0, "?beat=6", "7", 8.0),
        (OFF, "?beat=6", "7", None),
        (None, "?beat=off", "7", None),
    ],
)
def test_flag_beats_address_beats_variable_beats_default(given, query, variable, value):
    address = parse_address("tcp://h:1" + query)
    assert fill_options(INFO, "client", address, {"beat": given}, {"RPCCTL_BEAT": variable}) == {"beat": value}


def test_an_unknown_option_in_an_address_is_refused():
    with pytest.raises(AddressError) as caught:
        fill_options(INFO, "client", parse_address("tcp://h:1?baet=1"), {}, {})
    assert "'baet'" in caught.value.message
    assert "beat" in caught.value.hint


@pytest.mark.parametrize(("role", "options"), [("client", "beat"), ("server", "beat, far")])
def test_the_other_ends_options_are_let_pass_but_not_offered(role, options):
    fill_options(INFO, role, parse_address("tcp://h:1?far=1"), {}, {})
    with pytest.raises(AddressError) as caught:
        fill_options(INFO, role, parse_address("tcp://h:1?zzzzz=1"), {}, {})
    assert caught.value.hint == f"its options: {options}"


def test_an_option_has_other_names_in_a_query():
    info = ProtocolInfo(
        "demo",
        "",
        (Transport("tcp"),),
        "",
        port=1,
        options=(option("choice"), Option("pause", "", "SECONDS", "seconds")),
        synonyms={"their_pause": "pause", "is_b=true": "thing=b", "is_b=false": "thing=a"},
    )

    def fill(query: str) -> dict[str, object]:
        at = parse_address(f"tcp://h:1?{query}")._replace(protocol="demo")
        return fill_options(info, "client", at, {}, {})

    assert fill("their_pause=2s&is_b=True") == {"thing": "b", "pause": 2.0}
    assert fill("is_b=false&is_b=true")["thing"] == fill("is_b=true&is_b=false")["thing"] == "a"
    with pytest.raises(AddressError, match="demo has no option 'their_thing'"):
        fill("their_thing=1")
    with pytest.raises(AddressError, match="no option 'is_b'"):
        fill("is_b=maybe")
