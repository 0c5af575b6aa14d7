"""What our servers tell of themselves over a manager's wire, to a Description and back. Pure.

    rpcctl.inspect()   {name, doc, methods: [{name,
                       doc, returns, stream, exact, parameters: [[name, kind, type, default]]}]}

Stock servers tell the names of an object's methods only, and only when it is created.
"""

from collections.abc import Iterable
from keyword import iskeyword
from typing import Any

from rpcctl import described
from rpcctl.messages import Description, MethodDescription

from .codec import OWN_IDENT


def to_plain(description: Description, prefix: str = "") -> dict[str, Any]:
    """What is sent; of the methods under a prefix, as `math.`, these only, without it."""
    methods = tuple(
        each._replace(name=each.name.removeprefix(prefix))
        for each in description.methods
        if each.name.startswith(prefix)
    )
    part = Description(prefix[:-1] or description.name, methods, description.doc)
    return described.to_plain(part, lambda default: default)


def from_names(name: str, exposed: Iterable[str]) -> Description:
    """All that a stock server tells; those of `method_to_typeid` come a second time."""
    return Description(name, tuple(MethodDescription(each) for each in dict.fromkeys(exposed)))


def find_object(typeid: str, description: Description) -> str | None:
    """The ident of what a typeid means: all that is served, or one of several targets; None for no such thing."""
    name = description.name
    if typeid in (OWN_IDENT, name, name.rpartition(".")[2]):
        return OWN_IDENT
    prefix = f"{typeid}."
    if typeid and any(each.name.startswith(prefix) for each in description.methods):
        return f"{OWN_IDENT}/{typeid}"
    return None


def prefix_of(ident: str | None) -> str | None:
    """What stands before an ident's methods in the table of all: nothing, or `math.`; None for no ident of ours."""
    if ident == OWN_IDENT:
        return ""
    start, slash, typeid = (ident or "").partition("/")
    return f"{typeid}." if start == OWN_IDENT and slash else None


def exposed_by(ident: str, description: Description) -> tuple[str, ...]:
    """The methods that a stock proxy can have: it makes a Python method of each name."""
    prefix = prefix_of(ident) or ""
    names = [each.name.removeprefix(prefix) for each in description.methods if each.name.startswith(prefix)]
    return tuple(name for name in names if name.isidentifier() and not iskeyword(name))
