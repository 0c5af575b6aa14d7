"""A batch's lines: what one asks for, and how a failure is told. Pure; knows no server."""

from typing import Any, NamedTuple

from rpcctl.cli.json_text import JSONError, parse
from rpcctl.cli.render import to_json
from rpcctl.cli.reports import to_plain
from rpcctl.errors import ArgumentError, RpcctlError, suggest

_NAMES = ("method", "params", "id", "jsonrpc")
_FORM = '{"method": "add", "params": [2, 3], "id": 1}'


class Job(NamedTuple):
    """One call asked for."""

    id: Any
    """As given, else the line's number."""
    method: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


def read_job(data: bytes, number: int, most: int, *, exact: bool = False) -> Job:
    """The call that a line asks for, `exact` with all digits of fractions; ArgumentError says what is wrong with it."""
    if len(data) > most:
        raise ArgumentError(f"the line has more than {most} bytes", hint="a larger --max-message")
    try:
        value = parse(data.decode("utf-8").removeprefix("\ufeff"), exact=exact)
    except UnicodeDecodeError as exc:
        raise ArgumentError(f"the line is not UTF-8 text at byte {exc.start + 1}", hint=_FORM) from None
    except JSONError as exc:
        raise ArgumentError(f"the line is not JSON: {exc}", hint=_FORM) from None
    if not isinstance(value, dict):
        raise ArgumentError("the line is no JSON object", hint=_FORM)
    return _to_job(value, number)


def find_id(data: bytes, number: int) -> Any:
    """The id of a line that asks for no call, as far as it can be read, else the line's number."""
    try:
        value = parse(data.decode("utf-8"))
    except (UnicodeDecodeError, JSONError):
        return number
    return value.get("id", number) if isinstance(value, dict) else number


def write_error(id: Any, error: RpcctlError) -> str:
    """The answer to a line whose call failed: the error as `--json` has it."""
    return to_json({"id": id, "error": to_plain(error)})


def _to_job(value: dict[str, Any], number: int) -> Job:
    for name in value:
        if name not in _NAMES:
            raise ArgumentError(f"{name!r} has no meaning in a line", hint=suggest(name, _NAMES, _FORM))
    method, params = value.get("method"), value.get("params")
    if not isinstance(method, str) or not method:
        raise ArgumentError("the line names no method", hint=_FORM)
    if params is not None and not isinstance(params, (list, dict)):
        raise ArgumentError("params is neither an array nor an object", hint=_FORM)
    args = tuple(params) if isinstance(params, list) else ()
    return Job(value.get("id", number), method, args, params if isinstance(params, dict) else {})
