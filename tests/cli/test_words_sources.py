"""Values from files, standard input and whole parameters, and by the hints of a method's parameters."""

import math

import pytest

from rpcctl.cli import sources
from rpcctl.cli.words import Arguments, read_params, read_words
from rpcctl.errors import ArgumentError, InputError
from tests.cli.words import PARAMETERS, no_stdin, read, refusal, same

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
