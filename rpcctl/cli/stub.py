"""A Description as the source of a Python module: a class with a typed method for each of the server's. Pure.

What servers say is not trusted: names are spelled anew, types read from tables, texts quoted. Each method says by
itself what is sent: the server's own name, and arguments by position or by name, as the wire has them.
"""

import re
from collections.abc import Iterable, Sequence
from keyword import iskeyword, issoftkeyword
from typing import NamedTuple

from rpcctl.cli.stub_types import ARGUMENTS, NAMES, Side, read_item_type, read_type, results
from rpcctl.interfaces import ProtocolInfo
from rpcctl.messages import REQUIRED, Description, MethodDescription, Parameter

_HEAD = '''\
"""{title}

Written by `rpcctl describe --as python`.
"""

{imports}import rpcctl

ADDRESS = {address}
OMITTED: Any = object()
"""Stands for an argument that is not sent: the server's own default is used."""


class {name}:
    """{doc}"""

    def __init__(self, address: str = ADDRESS, **options: Any) -> None:
        """Connect; keywords as for `rpcctl.connect`."""
        self._connection = rpcctl.connect(address, **options)

    def __enter__(self) -> "{name}":
        """Itself, connected."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Free the connection."""
        self._connection.close()

    def _call(self, method: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] = {{}}) -> Any:
        given = list(args)
        while given and given[-1] is OMITTED:
            given.pop()
        if any(each is OMITTED for each in given):
            raise TypeError(f"{{method}}: an argument is left out before one that is given")
        named = {{name: value for name, value in kwargs.items() if value is not OMITTED}}
        return self._connection.call(method, *given, **named)
'''
_OWN = frozenset({*NAMES, "close"})
"""Names that a method may not take: in the class body it would hide the type."""
_TAKEN = frozenset({*NAMES, "ADDRESS", "OMITTED"})
_KINDS = ("positional", "either", "rest", "named", "more")
_TEXT = 4000
"""Longest documentation that is taken over, in characters."""


class _Given(NamedTuple):
    """One parameter as it stands in the module."""

    parameter: Parameter
    name: str
    by_name: bool
    optional: bool

    def source(self) -> str:
        stars = {"rest": "*", "more": "**"}.get(self.parameter.kind, "")
        default = " = OMITTED" if self.optional else ""
        return f"{stars}{self.name}: {read_type(self.parameter.type, ARGUMENTS)}{default}"


def write_module(description: Description, info: ProtocolInfo, address: str) -> str:
    """The source; its class is named after the server."""
    side = results(binary=info.encoding.binary, any_key=info.encoding.any_key)
    names = _spell_all([each.name for each in description.methods], _OWN)
    pairs = zip(description.methods, names, strict=True)
    methods = "".join(f"\n{_write_method(method, name, info.features, side)}" for method, name in pairs)
    head = _HEAD.format(
        title=f"Client of {_quote_doc(description.name or 'a server')} at {_quote_doc(address)}.",
        imports=_write_imports(methods),
        address=_quote(address),
        name=_spell_class(description.name),
        doc=_quote_doc(description.doc or f"The methods of {description.name or 'a server'}.", "    "),
    )
    return head + methods


def _write_imports(source: str) -> str:
    words = set(re.findall(r"\w+", source)) | {"Any", "Mapping", "Sequence"}
    abstract = [each for each in ("Iterator", "Mapping", "Sequence") if each in words]
    typing = [each for each in ("Any", "Literal") if each in words]
    return f"from collections.abc import {', '.join(abstract)}\nfrom typing import {', '.join(typing)}\n\n"


def _write_method(method: MethodDescription, name: str, features: Iterable[str], side: Side) -> str:
    given = _place(method, frozenset(features))
    returns, body = _write_body(method, f"self._call({_write_arguments(method.name, given)})", side)
    words = ", ".join(["self", *_signature(given)])
    doc = _quote_doc(method.doc or "It has no documentation.", " " * 8)
    shown = _quote_doc(f"{method.name}{method.signature()}")
    told = f"        As told by the server: {shown}\n"
    return f'    def {name}({words}) -> {returns}:\n        """{doc}\n\n{told}        """\n{body}'


def _write_body(method: MethodDescription, call: str, side: Side) -> tuple[str, str]:
    """The type that the method returns, and the lines that do it."""
    if method.stream:
        returns = f"Iterator[{read_item_type(method.returns, side)}]"
        return returns, f"        items: {returns} = iter({call})\n        return items\n"
    returns = read_type(method.returns, side)
    if returns == "None":
        return returns, f"        {call}\n"
    if returns == "Any":
        return returns, f"        return {call}\n"
    return returns, f"        result: {returns} = {call}\n        return result\n"


def _place(method: MethodDescription, features: frozenset[str]) -> list[_Given]:
    """Its parameters, and which of them travel by name; any arguments at all when they are not known for certain."""
    parameters: Sequence[Parameter] = method.parameters or ()
    if method.parameters is None or not method.exact:
        parameters = (Parameter("args", "rest"), Parameter("kwargs", "more"))
    carried = _in_order(each for each in parameters if _is_carried(each, features))
    names = _spell_all([each.name for each in carried], frozenset({"self"}))
    has_rest = any(each.kind == "rest" for each in carried)
    given: list[_Given] = []
    for each, name in zip(carried, names, strict=True):
        # Python has none that must be given after one that need not; by position only, neither have wires.
        after_optional = each.kind in ("positional", "either") and bool(given) and given[-1].optional
        optional = each.kind not in ("rest", "more") and (each.default is not REQUIRED or after_optional)
        given.append(_Given(each, name, _goes_by_name(each, features, has_rest), optional))
    return given


def _in_order(parameters: Iterable[Parameter]) -> list[Parameter]:
    """As Python wants them: by kind, and of those that take the rest one each."""
    found = sorted(parameters, key=lambda each: _KINDS.index(each.kind))
    kinds = [each.kind for each in found]
    return [each for n, each in enumerate(found) if each.kind not in ("rest", "more") or each.kind not in kinds[:n]]


def _is_carried(parameter: Parameter, features: frozenset[str]) -> bool:
    if parameter.kind in ("named", "more"):
        return "kwargs" in features
    return "args" in features or parameter.kind == "either"


def _goes_by_name(parameter: Parameter, features: frozenset[str], has_rest: bool) -> bool:
    if parameter.kind == "either":
        # By its name one can be left out whatever stands after it.
        optional = parameter.default is not REQUIRED and not has_rest
        return "args" not in features or ("kwargs" in features and optional)
    return parameter.kind in ("named", "more")


def _signature(given: Sequence[_Given]) -> list[str]:
    words: list[str] = []
    kinds = [each.parameter.kind for each in given]
    for index, each in enumerate(given):
        if each.parameter.kind == "named" and not {"rest", "named"} & set(kinds[:index]):
            words.append("*")
        words.append(each.source())
        if each.parameter.kind == "positional" and "positional" not in kinds[index + 1 :]:
            words.append("/")
    return words


def _write_arguments(method: str, given: Sequence[_Given]) -> str:
    places = ["*" + each.name if each.parameter.kind == "rest" else each.name for each in given if not each.by_name]
    names = [
        f"**{each.name}" if each.parameter.kind == "more" else f"{_quote(each.parameter.name)}: {each.name}"
        for each in given
        if each.by_name
    ]
    words = [_quote(method)]
    if places or names:
        words.append(f"({', '.join(places)}{',' if len(places) == 1 else ''})")
    return ", ".join([*words, *([f"{{{', '.join(names)}}}"] if names else [])])


def _spell_all(names: Sequence[str], taken: frozenset[str]) -> list[str]:
    """Names that Python allows, each once, as near to those given as can be."""
    used = set(taken)
    found = []
    for name in names:
        spelled = _spell(name)
        while spelled in used:
            spelled += "_"
        used.add(spelled)
        found.append(spelled)
    return found


def _spell(name: str) -> str:
    spelled = re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("_")
    if not spelled or spelled[0].isdigit():
        spelled = f"m_{spelled}"
    return f"{spelled}_" if iskeyword(spelled) or issoftkeyword(spelled) else spelled


def _spell_class(name: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", name)[:4]
    spelled = "".join(each[:1].upper() + each[1:] for each in words)
    if spelled[:1].isdigit():
        return f"Client{spelled}"
    return f"{spelled}Client" if not spelled or spelled in _TAKEN or iskeyword(spelled) else spelled


def _quote(text: str) -> str:
    return ascii(text) if "'" in text or '"' in text or not text.isprintable() or "\\" in text else f'"{text}"'


def _quote_doc(text: str, indent: str = "") -> str:
    """The text as it can stand in a docstring, lines after the first indented."""
    lines = text[:_TEXT].strip().splitlines()
    quoted = ["".join(map(_quote_character, line)).rstrip() for line in lines]
    return "\n".join([*quoted[:1], *(f"{indent}{line}" if line else "" for line in quoted[1:])])


def _quote_character(character: str) -> str:
    if character in '\\"':
        return f"\\{character}"
    if character.isprintable() or character == "\t":
        return character
    # As text that names it: compilers refuse half a surrogate pair in a docstring even when it is escaped.
    return f"\\{ascii(character)[1:-1]}"
