"""`--explain`: where each value of a command line came from, instead of running it."""

from collections.abc import Iterator
from typing import Any

from rpcctl import registry
from rpcctl.address import Address
from rpcctl.cli.command import Values, attribute
from rpcctl.cli.saved import show_value
from rpcctl.cli.session import Session
from rpcctl.interfaces import Option
from rpcctl.settings import read_given, read_variable, variable


def explain(values: Values, session: Session) -> None:
    """Print a row for each option that has a value: which, and by whose word."""
    at = registry.parse_address(values.address, values.proto)
    profile = values.saved.label() if values.saved else ""
    rows = [{"option": "address", "value": str(at), "from": profile or "command line"}]
    common = [option for option in session.command.options if option.name != "explain"]
    rows += [_row(option, *found) for option in common if (found := _find(option, values, session))]
    own = [option for option in registry.find(at.protocol).options if "client" in option.roles]
    rows += [_row(option, *found) for option in own if (found := _find(option, values, session, at))]
    # An expression is for results, and here it is only one of the values.
    session.output.select = None
    session.output.records(rows)


def _row(option: Option, value: Any, origin: str) -> dict[str, str]:
    return {"option": option.name, "value": show_value(option, value), "from": origin}


def _find(option: Option, values: Values, session: Session, at: Address | None = None) -> tuple[Any, str] | None:
    """The value as it was spelled, and who said so; None when nobody did and there is no default."""
    return next(
        (found for found in _candidates(option, values, session, at) if found[0] not in (None, "", False)), None
    )


def _candidates(option: Option, values: Values, session: Session, at: Address | None) -> Iterator[tuple[Any, str]]:
    environ = session.environment.environ
    given = values.given.get(attribute(option.name))
    yield (given if read_given(option, given) is not None else None), f"flag --{option.name}"
    yield dict(at.options).get(option.name) if at else None, "address"
    yield (environ.get(variable(option)) if read_variable(option, environ) is not None else None), variable(option)
    if values.saved:
        yield values.saved.profile.options.get(option.name), values.saved.label()
    yield option.default, "default"
