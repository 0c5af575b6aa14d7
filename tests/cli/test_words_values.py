"""Words to values: the table of examples, and whatever else is typed."""

import base64
import json
import shlex
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rpcctl.cli.words import Arguments, read_words
from rpcctl.errors import ArgumentError, InputError, RpcctlError
from tests.cli.words import PARAMETERS, read, refusal, same

POSITIONAL = [
    ("3", 3),
    ("-5", -5),
    ("-.5", "-.5"),
    ("007", "007"),
    ("0x10", "0x10"),
    ("1_000", "1_000"),
    ("+3", "+3"),
    (".5", ".5"),
    ("5.", "5."),
    ("1e5", 100000.0),
    ("12e4000ab", "12e4000ab"),
    ("true", True),
    ("True", True),
    ("false", False),
    ("False", False),
    ("null", None),
    ("None", None),
    ("nan", "nan"),
    ("NaN", "NaN"),
    ("Infinity", "Infinity"),
    ("-Infinity", "-Infinity"),
    ('"3"', "3"),
    ("'3'", "'3'"),
    ("hello world", "hello world"),
    ("", ""),
    ("--", "--"),
    ("-", "-"),
    ("123456789012345678901234567890", 123456789012345678901234567890),
    (" 3 ", 3),
    ("2024-01-02", "2024-01-02"),
    ("12:30", "12:30"),
    ("# 3", "# 3"),
    ("b'x'", "b'x'"),
    ("user@host", "user@host"),
    ('"a=b"', "a=b"),
    ("==a=b", "a=b"),
    ("===", "="),
    ("=x", "=x"),
    ("http://h/?q=1&r=2", "http://h/?q=1&r=2"),
    ("x-y=1", "x-y=1"),
    ("a.b=c", "a.b=c"),
    ("1x=2", "1x=2"),
    ("é=2", "é=2"),
    ('[1, "a b"]', [1, "a b"]),
    ('{"a": 1}', {"a": 1}),
    ('{"a=b": 1}', {"a=b": 1}),
    ("(1,2)", "(1,2)"),
    ("1,2", "1,2"),
    ("1+2", "1+2"),
    (r'"\u00e9"', "é"),
    ("é", "é"),
    (":=3", 3),
    (':=[null, "x"]', [None, "x"]),
    ("%=AAH/", b"\x00\x01\xff"),
    ("%=", b""),
    ("==@bob", "@bob"),
    ('"@bob"', "@bob"),
    ("==", ""),
    ("9" * 4000, int("9" * 4000)),
]


@pytest.mark.parametrize(("word", "value"), POSITIONAL, ids=lambda each: repr(each)[:30])
def test_a_word_is_a_value(word, value):
    # A neighbour keeps `-` from meaning standard input, and must not matter otherwise.
    arguments = read(word, "x")
    assert same(arguments.args, (value, "x"))
    assert not arguments.kwargs


NAMED = [
    ("a=b", "a", "b"),
    ("n=3", "n", 3),
    ('n="3"', "n", "3"),
    ("n==3", "n", "3"),
    ("n===", "n", "="),
    ("n:=3", "n", 3),
    ("n:=null", "n", None),
    ("n=None", "n", None),
    ("n=", "n", ""),
    ("n=-", "n", "-"),
    ("n=-5", "n", -5),
    ("n=:=3", "n", ":=3"),
    ("n%=AAH/", "n", b"\x00\x01\xff"),
    ("n==@bob", "n", "@bob"),
    ("k=http://h/?q=1", "k", "http://h/?q=1"),
    ('k={"a": [1]}', "k", {"a": [1]}),
    ("_A9=x", "_A9", "x"),
    ("class=3", "class", 3),
]


@pytest.mark.parametrize(("word", "name", "value"), NAMED)
def test_a_word_is_a_named_value(word, name, value):
    assert same(read(word), Arguments((), {name: value}))


REFUSED = [
    ("1e400", "out of range"),
    ("-1e400", "out of range"),
    ("n=1e400", "out of range"),
    ("n:=x", "not JSON"),
    (":=", "not JSON"),
    (":=NaN", "NaN is not JSON"),
    (":=True", "not JSON"),
    ("[1,'x']", "looks like JSON"),
    ("{'a':1}", "looks like JSON"),
    ("{a:b}", "looks like JSON but is not: expecting property name enclosed in double quotes (character 2)"),
    ("n={a:b}", "looks like JSON"),
    ("[x]", "looks like JSON"),
    ("[NaN]", "looks like JSON"),
    ("[1,]", "looks like JSON"),
    ("[1", "looks like JSON"),
    (" {a:b}", "looks like JSON"),
    ('"C:\\new\\x"', "looks like JSON"),
    ('"a\nb"', "looks like JSON"),
    ('{"a":1,"a":2}', "the name 'a' is there twice"),
    ("[1e400]", "out of range"),
    ("[" * 200_000, "nested too deep"),
    ('{"a":' * 200_000, "nested too deep"),
    ("9" * 4001, "too long"),
    ("%=zz", "not base64"),
    ("%=AAH", "not base64"),
    ("%=AAH/=", "not base64"),
    ("%=AAH/====", "not base64"),
    ("%=AB==", "not base64"),
    ("%=AA H/", "not base64"),
    ("%=AAH_", "not base64"),
    ("%=é", "not base64"),
    ("@", "names no file"),
    (":=@", "names no file"),
    ("%=@", "names no file"),
]


@pytest.mark.parametrize(("word", "reason"), REFUSED, ids=lambda each: repr(each)[:30])
def test_a_word_without_a_value_is_refused_by_place(word, reason):
    error = refusal("first", word)
    assert error.message.startswith("argument 2, ")
    assert reason in error.message
    assert error.hint
    assert len(error.message) < 250


@pytest.mark.parametrize("word", ["{a:b}", "n=[x]", "1e400", "n:=x y", "@nope/nope"])
def test_the_hint_is_the_same_word_as_text(word):
    hint = refusal(word, kind=RpcctlError).hint
    typed = shlex.split(hint.removesuffix(" sends it as text"))
    name, _, text = word.replace(":=", "=", 1).rpartition("=") if word.startswith("n") else ("", "", word)
    expected = Arguments((), {name: text}) if name else Arguments((text,))
    assert same(read(*typed), expected)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("a=1", "2"), "argument 2, '2': a positional argument after the named one 'a'"),
        (("a=1", "==2"), "argument 2, '==2': a positional argument"),
        (("a=1", "b=2", "a=3"), "argument 3, 'a=3': 'a' is named twice"),
    ],
)
def test_names_come_last_and_once(words, reason):
    assert reason in refusal(*words).message


def test_words_keep_their_order():
    assert read("1", "x", "b=2", "a=1") == Arguments((1, "x"), {"b": 2, "a": 1})
    assert list(read("b=2", "a=1").kwargs) == ["b", "a"]
    assert read() == Arguments()


@pytest.mark.parametrize("word", ["3", "a=b", "==x", "@nope", "-", "{a:b}", "%=zz", ""])
def test_raw_words_are_text(word):
    assert read(word, mode="raw") == Arguments((word,))


def test_json_words_are_json():
    assert same(read("3", '"x"', "[true]", mode="json").args, (3, "x", [True]))


@pytest.mark.parametrize("word", ["x", "True", "a=3", "@f", "-", "", ":=3", "NaN"])
def test_json_words_must_be_json(word):
    error = refusal(word, mode="json")
    assert "not JSON" in error.message
    assert "--json-args" in error.hint


# Whatever is typed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.booleans())
@settings(max_examples=600, deadline=None)
def test_every_json_value_is_a_word(value, ascii_only):
    word = json.dumps(value, ensure_ascii=ascii_only)
    assert same(read(word, ":=" + word, "n:=" + word), Arguments((value, value), {"n": value}))
    assert same(read(word, mode="json").args, (value,))


@given(st.text())
@settings(max_examples=300, deadline=None)
def test_every_text_and_its_bytes_are_words(text):
    encoded = base64.b64encode(text.encode()).decode()
    assert read("==" + text, "%=" + encoded, "n==" + text) == Arguments((text, text.encode()), {"n": text})


PIECES = st.sampled_from(
    [":=", "==", "%=", "=", "@", "-", '"', "{", "}", "[", "]", "\\", ",", ":", "1", "e9", "0", "a", "True", "\ud800"]
)


@given(st.lists(st.lists(PIECES | st.text(max_size=3), max_size=6).map("".join), max_size=3), st.data())
@settings(max_examples=1500, deadline=None)
def test_any_words_are_arguments_or_one_of_our_errors(words, data):
    mode = data.draw(st.sampled_from(["auto", "raw", "json"]))
    hints = data.draw(st.sampled_from([(), PARAMETERS]))
    message = ""
    try:
        found = read_words(words, mode=mode, stdin=lambda: b"[1]", parameters=hints)
    except (ArgumentError, InputError) as exc:
        message = exc.message
    else:
        assert isinstance(found, Arguments)
    assert message.isprintable()


@pytest.mark.parametrize(
    ("start", "unit"), [("", "a"), ("", "9"), ('"', "\\"), ("", " "), ("", "="), ("%=", "A"), ("", "-"), ("1", "e")]
)
def test_a_long_word_takes_time_by_its_length(start, unit):
    word = start + unit * 8_000_000
    began = time.process_time()
    with suppress(ArgumentError):
        read("x", word)
    assert time.process_time() - began < 2.0
