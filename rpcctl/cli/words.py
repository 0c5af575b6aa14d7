"""What users type to values: `3`, `true`, `text`, `'[1, 2]'`, `name=3`, `name:=3`, `==3`, `%=AAH/`, `@FILE`, `@-`.

The value of a word depends on that word alone: not on the server, the protocol or its neighbours. The one exception
is asked for, `--typed`, and hands the method's parameters in. Nothing here knows a wire or an option.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rpcctl.cli.json_text import JSONError, JSONRangeError, parse
from rpcctl.cli.quick import is_option
from rpcctl.cli.sources import ReadStdin, Sources, describe
from rpcctl.cli.word import BRACKETS, Word, split_word
from rpcctl.errors import ArgumentError
from rpcctl.messages import Parameter

_PYTHON = {"True": True, "False": False, "None": None}
_NOT_FINITE = {sign + name for sign in ("", "+", "-") for name in ("nan", "inf", "infinity")}
# The operating system lets no word of a command line hold this character, so it can mark one.
_MASK = "\0"
_HINT_PARAMS = "'[1, 2]' for positional arguments, '{\"name\": 1}' for named ones"
_HINT_JSON = "with --json-args a text is in double quotes inside the word, as '\"text\"'"


class Arguments(NamedTuple):
    """The arguments of one call."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}


def read_words(
    words: Sequence[str],
    *,
    mode: str = "auto",
    stdin: ReadStdin,
    parameters: Sequence[Parameter] = (),
    exact: bool = False,
) -> Arguments:
    """The words after the method as arguments; ArgumentError names the word and its place, InputError the file.

    `mode` is `auto`, `raw` (every word is text as typed) or `json` (every word is strict JSON). With `parameters`
    words are read as `--typed` has it: verbatim for a parameter hinted `str`, base64 for `bytes`, and `nan` and `inf`
    are numbers for `float`. A lone `-` stands for `--params @-`. `exact` makes a Decimal of a fraction, not a float.
    """
    if mode == "raw":
        return Arguments(tuple(words))
    sources = Sources(stdin, exact=exact)
    if mode == "json":
        taken = [Word(each, f"argument {n}", "", ":=", each, _HINT_JSON) for n, each in enumerate(words, 1)]
        return Arguments(tuple(_parse(word.text, word, sources) for word in taken))
    if list(words) == ["-"]:
        return read_params("@-", stdin=stdin, exact=exact)
    return _collect(
        (word, _READERS[_choose_operator(word, n, parameters)](word, sources)) for n, word in _split_words(words)
    )


def read_params(text: str, *, stdin: ReadStdin, exact: bool = False) -> Arguments:
    """All arguments from one JSON text, `@FILE` or `@-`: an array is positional, an object named."""
    word = Word(text, "--params", "", ":=", text, _HINT_PARAMS)
    value = _read_json(word, Sources(stdin, exact=exact))
    if isinstance(value, list):
        return Arguments(tuple(value))
    if isinstance(value, dict):
        return Arguments(kwargs=value)
    raise ArgumentError(f"{word.label()}: neither an array nor an object", hint=word.hint)


def mask_numbers(argv: Sequence[str], value_options: Collection[str]) -> list[str]:
    """Hide from an option parser that words such as `-5` and `-.5` begin with a dash; `unmask` gives them back.

    What follows one of `value_options` is its value anyway, and what follows `--` is no option.
    """
    masked: list[str] = []
    is_value = False
    for n, word in enumerate(argv):
        if word == "--" and not is_value:
            return masked + list(argv[n:])
        is_number = len(word) > 1 and word[0] == "-" and not is_option(word)
        masked.append(_MASK + word if is_number and not is_value else word)
        is_value = not is_value and word in value_options
    return masked


def unmask(value: Any) -> Any:
    """A text, or each text of a list or tuple, as it was before `mask_numbers`; other values as they are."""
    if isinstance(value, str):
        return value.replace(_MASK, "")
    if isinstance(value, (list, tuple)):
        return type(value)(unmask(each) for each in value)
    return value


def _split_words(words: Sequence[str]) -> list[tuple[int, Word]]:
    return [(n, split_word(word, f"argument {n + 1}")) for n, word in enumerate(words)]


def _collect(values: Iterable[tuple[Word, Any]]) -> Arguments:
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for word, value in values:
        if not word.name and kwargs:
            raise ArgumentError(
                f"{word.label()}: a positional argument after the named one {next(reversed(kwargs))!r}",
                hint="put named arguments last; ==TEXT is text, whatever it holds",
            )
        if word.name in kwargs:
            raise ArgumentError(f"{word.label()}: {word.name!r} is named twice", hint="leave one of the two out")
        if word.name:
            kwargs[word.name] = value
        else:
            args.append(value)
    return Arguments(tuple(args), kwargs)


def _read_auto(word: Word, sources: Sources) -> Any:
    if word.text in _PYTHON:
        return _PYTHON[word.text]
    if word.text.startswith("@"):
        return sources.read_text(word.text[1:], word)
    try:
        return parse(word.text, exact=sources.exact)
    except JSONRangeError as exc:
        raise ArgumentError(f"{word.label()}: {exc}", hint=word.remedy()) from None
    except JSONError as exc:
        if word.text.lstrip(" \t\r\n").startswith(BRACKETS):
            raise ArgumentError(f"{word.label()}: looks like JSON but is not: {exc}", hint=word.remedy()) from None
        return word.text


def _read_json(word: Word, sources: Sources) -> Any:
    if not word.text.startswith("@"):
        return _parse(word.text, word, sources)
    path = word.text[1:]
    # RFC 8259 lets a reader skip the mark that some editors put before a text.
    text = sources.read_text(path, word).removeprefix("\ufeff")
    return _parse(text, word._replace(hint=f"the JSON text is that of {describe(path)}"), sources)


def _parse(text: str, word: Word, sources: Sources) -> Any:
    try:
        return parse(text, exact=sources.exact)
    except JSONError as exc:
        raise ArgumentError(f"{word.label()}: not JSON: {exc}", hint=word.remedy()) from None


def _read_text(word: Word, sources: Sources) -> str:
    return word.text


def _read_bytes(word: Word, sources: Sources) -> bytes:
    if word.text.startswith("@"):
        return sources.read(word.text[1:], word)
    try:
        data = a2b_base64(word.text)
    except ValueError:
        data = b""
    # Written back it must be the same: that leaves no place for stray characters, lost padding or spare bits.
    if b2a_base64(data, newline=False).decode() != word.text:
        raise ArgumentError(
            f"{word.label()}: not base64",
            hint=f"A-Z a-z 0-9 + / and = at the end; {word.name}%=@FILE for the bytes of a file",
        )
    return data


def _read_float(word: Word, sources: Sources) -> float:
    return float(word.text)


_READERS: Mapping[str, Callable[[Word, Sources], Any]] = {
    "auto": _read_auto,
    ":=": _read_json,
    "==": _read_text,
    "%=": _read_bytes,
    "float": _read_float,
}


def _choose_operator(word: Word, n: int, parameters: Sequence[Parameter]) -> str:
    """The key in _READERS: the word's own, or what the parameter's hint makes of a word without an operator."""
    if word.operator != "auto" or not parameters:
        return word.operator
    hint = _find_hint(word.name, n, parameters)
    if hint == "float" and word.text.lower() in _NOT_FINITE:
        return "float"
    return {"str": "==", "bytes": "%="}.get(hint, "auto")


def _find_hint(name: str, n: int, parameters: Sequence[Parameter]) -> str:
    """The annotation of the parameter that takes a word of that name or place, or nothing."""
    if name:
        takers = [each for each in parameters if each.kind in ("either", "named") and each.name == name]
        takers += [each for each in parameters if each.kind == "more"]
    else:
        takers = [each for each in parameters if each.kind in ("positional", "either")][n:]
        takers += [each for each in parameters if each.kind == "rest"]
    return takers[0].type if takers else ""
