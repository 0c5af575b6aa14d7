"""Which object of a manager an address and its options mean. Touches no network."""

from typing import Any

from rpcctl.address import Address
from rpcctl.errors import AddressError, ArgumentError
from rpcctl.interfaces import Settings


def read_place(address: Address, settings: Settings) -> tuple[str, list[Any]]:
    """The typeid, empty for our servers' own object, and the arguments; AddressError or ArgumentError for a mistake."""
    in_path = address.path.removeprefix("/") if address.kind == "host" else address.path.partition("#")[2]
    typeid = settings.options.get("typeid") or ""
    if in_path and typeid and in_path != typeid:
        raise AddressError(f"{address} names {in_path!r}, but --typeid {typeid!r}", hint="leave out one of the two")
    text = settings.options.get("create-args")
    if not text:
        return in_path or typeid, []
    import json

    try:
        args = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ArgumentError(f"--create-args: no JSON: {exc}", hint="an array, as '[1, 2]'") from None
    if type(args) is not list or not (in_path or typeid):
        raise ArgumentError("--create-args: an array of arguments for a typeid", hint="as '[1, 2]'")
    return in_path or typeid, args


def without_typeid(address: Address) -> Address:
    """Where a manager listens, whichever of its objects is meant."""
    return address._replace(path=address.path.partition("#")[0]) if address.kind == "path" else address
