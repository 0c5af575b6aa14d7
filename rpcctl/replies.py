"""A reply as the value of its call, or as the exception that stands for a Failure, with a hint at what to try."""

from collections.abc import Mapping
from typing import Any

from rpcctl.address import Address
from rpcctl.errors import (
    CallError,
    ConnectionLostError,
    DeadlineError,
    InvalidArgumentsError,
    MethodNotFoundError,
    RemoteError,
    RemoteProtocolError,
    RpcctlError,
)
from rpcctl.interfaces import ProtocolInfo
from rpcctl.messages import INSPECT, Failure, Reply, Result

_ERRORS: Mapping[str, type[CallError]] = {
    "no_method": MethodNotFoundError,
    "arguments": InvalidArgumentsError,
}
_LOCAL: Mapping[str, type[RpcctlError]] = {
    "timeout": DeadlineError,
    "lost": ConnectionLostError,
    "protocol": RemoteProtocolError,
}
_LOGIN = (
    r"\b(un|not )authori[sz]ed\b|\bauthenticat|\blog ?in (is )?(required|first|failed)|\bre-?login\b"
    r"|\b(permission|access) denied\b|\bforbidden\b|\b(bad|invalid|missing|wrong) (token|credentials|password)\b"
)
"""How servers word that they refuse a login, or want one."""


def read_result(
    reply: Reply | None, address: Address | str = "ADDRESS", method: str = "METHOD", info: ProtocolInfo | None = None
) -> Any:
    """The value of a plain call's only reply; raises what a Failure tells, all else is for its hint."""
    if isinstance(reply, Result):
        return reply.value
    if isinstance(reply, Failure):
        raise to_error(reply, str(address), method, info=info)
    raise RemoteProtocolError("the server ended the call without a result")


def to_error(
    failure: Failure,
    address: str = "ADDRESS",
    method: str = "METHOD",
    *,
    oneway: bool = False,
    info: ProtocolInfo | None = None,
) -> RpcctlError:
    """A Failure as the exception that stands for it; all else is for its hint, `oneway` for the answer to a cast."""
    if failure.kind in _LOCAL:
        return _LOCAL[failure.kind](failure.message or failure.type)
    kind = _ERRORS.get(failure.kind, RemoteError)
    message = _describe_failure(failure)
    hint = _hint(failure, kind, address, method) or _hint_refusal(failure, info, oneway)
    return kind(
        message,
        hint=hint.replace("ADDRESS", address).replace("METHOD", method),
        type=failure.type,
        traceback=failure.traceback,
        data=failure.data,
        code=failure.code,
    )


def _hint(failure: Failure, kind: type[CallError], address: str, method: str) -> str:
    if failure.kind == "busy":
        return "the call was not run: it can be made again later"
    if method == INSPECT:
        # Neither `list` nor `describe` can tell more: they are what has just failed.
        return "a method that is known by name can be called"
    if kind is InvalidArgumentsError:
        return f"rpcctl describe {address} {method} shows what it takes"
    return f"rpcctl list {address} shows what there is" if kind is MethodNotFoundError else ""


def _hint_refusal(failure: Failure, info: ProtocolInfo | None, oneway: bool) -> str:
    """What to try when no method of the server's has raised, as far as can be seen, but the server refused."""
    if failure.traceback:
        return ""
    if info is not None and info.login:
        import re

        if re.search(_LOGIN, failure.message, re.IGNORECASE):
            return f"a login may be wanted: {info.login}"
    return "if it takes no one-way calls: rpcctl call ADDRESS METHOD" if oneway else ""


def _describe_failure(failure: Failure) -> str:
    if failure.kind == "no_method":
        return f"no method {failure.message!r}"
    return f"{failure.type}: {failure.message}" if failure.message else failure.type
