"""Methods that want to know what travelled beside their arguments: a parameter annotated `rpcctl.Context` gets it.

Callers neither see that parameter nor can fill it. Knows no request, no table and no wire.
"""

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from typing import Any, NamedTuple

from rpcctl.messages import Context

_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


class Slot(NamedTuple):
    """Where a function takes the context of its call."""

    name: str
    place: int | None
    """Its index among the arguments by position; None when it is given by name."""
    named: bool
    """Whether it can be given by name."""

    def fill(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], context: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with the context among them."""
        if self.place is not None and self.place <= len(args):
            return (*args[: self.place], Context(context), *args[self.place :]), kwargs
        return args, {**kwargs, self.name: Context(context)} if self.named else kwargs


def split_context(signature: Signature, hints: Callable[[], Mapping[str, Any]]) -> tuple[Signature, Slot | None]:
    """The signature that callers see, and where the context goes; `hints` evaluates annotations that are text."""
    found = next((each for each in signature.parameters.values() if _is_context(each, hints)), None)
    if found is None:
        return signature, None
    parameters = list(signature.parameters.values())
    places = [each.name for each in parameters if each.kind in _POSITIONAL]
    slot = Slot(
        found.name,
        places.index(found.name) if found.name in places else None,
        found.kind is not found.POSITIONAL_ONLY,
    )
    return signature.replace(parameters=[each for each in parameters if each is not found]), slot


def _is_context(parameter: Parameter, hints: Callable[[], Mapping[str, Any]]) -> bool:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return False
    annotation = parameter.annotation
    if isinstance(annotation, str) and annotation.endswith(Context.__name__):
        annotation = hints().get(parameter.name)
    return annotation is Context
