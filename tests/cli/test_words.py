"""Words to values: the table of examples, files and standard input, whole parameters, hints, and numbers as options."""

import base64
import json
import math
import shlex
import time
from contextlib import suppress
from typing import Annotated, Any

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from rpcctl.cli import sources
from rpcctl.cli.words import Arguments, mask_numbers, read_params, read_words, unmask
from rpcctl.errors import ArgumentError, InputError, RpcctlError
from rpcctl.messages import Parameter


def no_stdin() -> bytes:
    raise AssertionError("standard input was read")


def read(*words: str, mode: str = "auto", stdin: bytes | None = None, parameters: tuple[Parameter, ...] = ()) -> Any:
    """The arguments; standard input may be read only where a test gives some."""
    source = no_stdin if stdin is None else lambda: stdin
    return read_words(words, mode=mode, stdin=source, parameters=parameters)


def refusal(*words: str, kind: type[RpcctlError] = ArgumentError, **how: Any) -> RpcctlError:
    """The error that the words end in."""
    with pytest.raises(kind) as caught:
        read(*words, **how)
    return caught.value


def same(found: Any, wanted: Any) -> bool:
    """Equal and of the same types throughout: 1, 1.0 and True are three values, and NaN is one."""
    return repr(found) == repr(wanted)


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


# Files and standard input


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current directory with one file of each sort."""
    (tmp_path / "f.txt").write_bytes(b"one\r\ntwo \xc3\xa9\n")
    (tmp_path / "f.json").write_bytes(b'\xef\xbb\xbf{"a": [1, null]}\n')
    (tmp_path / "f.bin").write_bytes(b"\x00\xff")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("@f.txt", "one\r\ntwo é\n"),
        (":=@f.json", {"a": [1, None]}),
        ("%=@f.bin", b"\x00\xff"),
        ("%=@f.txt", b"one\r\ntwo \xc3\xa9\n"),
    ],
)
def test_a_file_is_a_value(folder, word, value):
    assert same(read(word).args, (value,))
    name = "n=" if word.startswith("@") else "n"
    assert same(read(name + word).kwargs, {"n": value})


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("@nope", "cannot read nope: No such file or directory"),
        (":=@nope", "No such file"),
        ("%=@nope", "No such file"),
        ("@.", "cannot read .: Is a directory"),
        ("@a\0b", "null byte"),
        ("@" + "x" * 5000, "File name too long"),
        ("@f.bin", "f.bin is not UTF-8 text at byte 2"),
        (":=@f.bin", "not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_input_error(folder, word, reason):
    error = refusal("x", word, kind=InputError)
    assert error.message.startswith("argument 2, ")
    assert reason in error.message


def test_a_file_that_is_not_json_is_told_with_line_and_character(folder):
    (folder / "bad.json").write_text('{\n  "a": x\n}')
    assert "line 2, character 8" in refusal(":=@bad.json").message


def test_input_has_a_limit(folder, monkeypatch):
    monkeypatch.setattr(sources, "MAX_INPUT", 2 << 20)
    exact = b"x" * (2 << 20)
    (folder / "big").write_bytes(exact)
    assert read("%=@big").args == (exact,)
    assert "more than 2 MiB" in refusal("@/dev/zero", kind=InputError).message
    assert "standard input has more than 2 MiB" in refusal("@-", "x", stdin=exact + b"x", kind=InputError).message


@pytest.mark.parametrize(
    ("word", "value"), [("@-", "1 é\n"), (":=@-", None), ("%=@-", b"1 \xc3\xa9\n"), ("n=@-", "1 é\n")]
)
def test_standard_input_is_a_value(word, value):
    data = b"null" if value is None else "1 é\n".encode()
    arguments = read(word, stdin=data)
    assert same([*arguments.args, *arguments.kwargs.values()], [value])


def test_standard_input_is_read_once():
    error = refusal("@-", "x", "%=@-", stdin=b"once")
    assert error.message.startswith("argument 3, ")
    assert "standard input" in error.message


def test_standard_input_that_fails_is_an_input_error():
    def broken() -> bytes:
        raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match="cannot read standard input: Input/output error"):
        read_words(["@-"], stdin=broken)


# Whole parameters


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[1, "a", [2]]', Arguments((1, "a", [2]))),
        ('{"a b": 1, "c": null}', Arguments((), {"a b": 1, "c": None})),
        ("[]", Arguments()),
        (" {} ", Arguments()),
    ],
)
def test_params_are_an_array_or_an_object(folder, text, wanted):
    (folder / "p.json").write_text(text)
    assert same(read_params(text, stdin=no_stdin), wanted)
    assert same(read_params("@p.json", stdin=no_stdin), wanted)
    assert same(read_params("@-", stdin=text.encode), wanted)
    assert same(read("-", stdin=text.encode()), wanted)


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("3", ArgumentError, "neither an array nor an object"),
        ("text", ArgumentError, "not JSON"),
        ("{a:1}", ArgumentError, "not JSON"),
        ('{"a":1,"a":2}', ArgumentError, "twice"),
        ("", ArgumentError, "not JSON"),
        ("-", ArgumentError, "not JSON"),
        ("@", ArgumentError, "names no file"),
        ("@nope", InputError, "No such file"),
    ],
)
def test_params_that_are_neither_are_refused(folder, text, kind, reason):
    with pytest.raises(kind) as caught:
        read_params(text, stdin=no_stdin)
    assert caught.value.message.startswith("--params, ")
    assert reason in caught.value.message
    assert "[1, 2]" in caught.value.hint


# Hints of the method's parameters

PARAMETERS = (
    Parameter("a", "positional", type="str"),
    Parameter("b", type="bytes"),
    Parameter("c", type="float"),
    Parameter("d"),
    Parameter("more", "rest", type="str"),
    Parameter("key", "named", type="str"),
    Parameter("others", "more", type="bytes"),
)
TYPED = [
    (("3",), Arguments(("3",))),
    (("null",), Arguments(("null",))),
    (("x", "AAH/"), Arguments(("x", b"\x00\x01\xff"))),
    (("x", "", "nan"), Arguments(("x", b"", math.nan))),
    (("x", "", "Infinity"), Arguments(("x", b"", math.inf))),
    (("x", "", "3"), Arguments(("x", b"", 3))),
    (("x", "", "-inf", "nan"), Arguments(("x", b"", -math.inf, "nan"))),
    (("x", "", "1", "2", "3", "4"), Arguments(("x", b"", 1, 2, "3", "4"))),
    (("key=3", "c=inf", "d=3", "b=AAH/"), Arguments((), {"key": "3", "c": math.inf, "d": 3, "b": b"\x00\x01\xff"})),
    (("others=AAH/", "a=AAH/"), Arguments((), {"others": b"\x00\x01\xff", "a": b"\x00\x01\xff"})),
    ((":=3", "==AAH/", ":=1"), Arguments((3, "AAH/", 1))),
]


@pytest.mark.parametrize(("words", "wanted"), TYPED)
def test_hints_decide_when_asked(words, wanted):
    assert same(read(*words, parameters=PARAMETERS), wanted)


@pytest.mark.parametrize("word", ["{a:b}", "@nope", "1e400", '"x'])
def test_a_text_parameter_takes_any_word(word):
    assert read(word, parameters=PARAMETERS) == Arguments((word,))


def test_a_bytes_parameter_wants_base64(folder):
    assert "not base64" in refusal("x", "zz", parameters=PARAMETERS).message
    assert read("x", "@f.bin", parameters=PARAMETERS).args == ("x", b"\x00\xff")


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


# Numbers that look like options

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
