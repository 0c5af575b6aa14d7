"""What can be known of a function without calling it: signature, hints, documentation, as a `MethodDescription`.

The signature comes from `inspect`; where there is none, from the first line of the docstring, for display only. Runs on
functions of strangers, so nothing here lets an exception of theirs pass. Knows no table, no arguments and no wire.
"""

import ast
import functools
import inspect
import re
import sys
import typing
from collections.abc import Callable, Iterator
from typing import Any

from rpcctl.messages import REQUIRED, MethodDescription, Parameter
from rpcctl.service.contexts import Slot, split_context

LONGEST_TEXT = 200
"""Characters of a default's or annotation's text, beyond which it is cut."""
MOST_ITEMS = 100
"""Items of a container that is shown as a default; a larger one is shown as text."""

_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "positional",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "either",
    inspect.Parameter.VAR_POSITIONAL: "rest",
    inspect.Parameter.KEYWORD_ONLY: "named",
    inspect.Parameter.VAR_KEYWORD: "more",
}
_SCALARS = (type(None), bool, int, float, str, bytes)
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
_STREAM = re.compile(r"(?:\w+\.)*(?:Async)?(?:Iterator|Generator)\b")
_PIECE = re.compile(r"(\*{0,2})([A-Za-z_]\w*)(?:\s*:\s*([^=]+?))?(?:\s*=\s*(.+))?")
_BUILTINS = (object, dict, list, set, tuple, str, int, float, bytes, BaseException)


def exact_signature(function: Callable[..., Any]) -> inspect.Signature | None:
    """The signature as Python knows it, wrappers followed; None when there is none to be had."""
    try:
        if sys.version_info >= (3, 14):
            import annotationlib

            # The default would evaluate annotations and fail on a name that only type checkers import.
            return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
        return inspect.signature(function)
    except Exception:  # ValueError and TypeError by contract; anything when a stranger's __signature__ runs.
        return None


def public_signature(function: Callable[..., Any]) -> tuple[inspect.Signature | None, Slot | None]:
    """The signature as callers see it, and where the function takes the context of its call, if it does."""
    signature = exact_signature(function)
    if signature is None:
        return None, None
    return split_context(signature, lambda: type_hints(function, signature))


def type_hints(function: Callable[..., Any], signature: inspect.Signature) -> dict[str, Any]:
    """Parameter name to type hint; the annotation as it stands, text perhaps, where it cannot be evaluated."""
    parameters = signature.parameters.values()
    raw = {each.name: each.annotation for each in parameters if each.annotation is not each.empty}
    if not raw:
        return {}
    try:
        evaluated = typing.get_type_hints(_annotated(function), include_extras=True)
    except Exception:  # Whatever evaluating a stranger's text may raise.
        return raw
    return {name: evaluated.get(name, annotation) for name, annotation in raw.items()}


def _annotated(function: Callable[..., Any]) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.isclass(function):
        return function.__init__  # Of this very class, which is what its signature shows.
    return function if hasattr(function, "__annotations__") else type(function).__call__


def describe(name: str, function: Callable[..., Any], kind: str) -> MethodDescription:
    """All that is known of the function, under the method's name. `kind` is that of `kinds.kind`."""
    signature, _ = public_signature(function)
    doc = documentation(function)
    if signature is None:
        parameters, returns = _read_doc(_own_name(function) or name, doc)
    else:
        parameters = tuple(_describe_parameter(each) for each in signature.parameters.values())
        returns = _type_text(signature.return_annotation)
    stream = "generator" in kind or (signature is not None and _STREAM.match(returns) is not None)
    return MethodDescription(name, parameters, returns, doc, stream, signature is not None)


def documentation(function: Callable[..., Any]) -> str:
    """The docstring, dedented; empty when there is none, or only one inherited from a built-in type."""
    while isinstance(function, functools.partial):
        function = function.func
    try:
        own = getattr(function, "__doc__", None)
        doc = inspect.getdoc(function) or ""
        return doc if own or doc not in _inherited_docs(_own_name(function)) else ""
    except Exception:  # A stranger's __doc__ may be a property.
        return ""


def _own_name(function: Any) -> str:
    try:
        return str(getattr(function, "__name__", ""))
    except Exception:  # A stranger's __getattr__.
        return ""


def _inherited_docs(name: str) -> Iterator[str | None]:
    for base in _BUILTINS:
        yield inspect.getdoc(base)
        yield inspect.getdoc(getattr(base, name, None))


def _describe_parameter(parameter: inspect.Parameter) -> Parameter:
    default = REQUIRED if parameter.default is parameter.empty else _plain_default(parameter.default)
    return Parameter(parameter.name, _KINDS[parameter.kind], default, _type_text(parameter.annotation))


def _plain_default(value: Any) -> Any:
    return value if _is_plain(value) else _text(repr, value)


def _is_plain(value: Any, depth: int = 4) -> bool:
    if type(value) in _SCALARS:
        return True
    if depth == 0 or type(value) not in (list, dict) or len(value) > MOST_ITEMS:
        return False
    inner = [*value, *value.values()] if type(value) is dict else value
    return all(_is_plain(each, depth - 1) for each in inner)


def _type_text(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return annotation
    return _text(inspect.formatannotation, annotation).replace("typing.", "").replace("collections.abc.", "")


def _text(form: Callable[[Any], str], value: Any) -> str:
    try:
        text = _ADDRESS.sub("", form(value))
    except Exception:  # A stranger's __repr__.
        return f"<{type(value).__name__}>"
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "..."


def _read_doc(name: str, doc: str) -> tuple[tuple[Parameter, ...] | None, str]:
    """Parameters and return text from a first line like `strftime(format[, tuple]) -> string`."""
    line = doc.split("\n", 1)[0]
    if not line.startswith(f"{name}("):
        return None, ""
    inner, closed, rest = line[len(name) + 1 :].partition(")")
    if "(" in inner or not closed:
        return None, ""
    returns = rest.partition("->")[2].strip()
    whole = len(returns) <= LONGEST_TEXT and returns.count("(") == returns.count(")")
    return _read_parameters(inner), returns if whole else ""


def _read_parameters(text: str) -> tuple[Parameter, ...] | None:
    found: list[Parameter] = []
    kind = "either"
    for piece, optional in _split_pieces(text):
        if piece == "*":
            kind = "named"
        elif piece == "/":
            found = [each._replace(kind="positional") for each in found]
        elif piece == "...":
            found.append(Parameter("args", "rest"))
        elif match := _PIECE.fullmatch(piece):
            found.append(_read_parameter(match, kind, optional))
        else:
            return None
    return tuple(found)


def _split_pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Each parameter's text, and whether it stands in square brackets: `a[, b]` gives `a` and, optional, `b`."""
    depth = 0
    for part in re.split(r"([\[\],])", text):
        if part in "[]":
            depth += (part == "[") - (part == "]")
        elif part.strip(" ,"):
            yield part.strip(), depth > 0


def _read_parameter(match: re.Match[str], kind: str, optional: bool) -> Parameter:
    stars, name, hint, default = match.groups("")
    if stars:
        return Parameter(name, "rest" if stars == "*" else "more")
    if not default:
        return Parameter(name, kind, None if optional else REQUIRED, hint)
    try:
        return Parameter(name, kind, _plain_default(ast.literal_eval(default)), hint)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return Parameter(name, kind, default[:LONGEST_TEXT], hint)
