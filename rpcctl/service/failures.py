"""Exceptions told as data: the class's name, the text, and the traceback without our own frames.

Whatever the exception does when it is asked for its text, a `Failure` comes back. Knows no wire and no method table.
"""

from os.path import dirname, join
from types import TracebackType
from typing import Any

from rpcctl.errors import RpcctlError
from rpcctl.messages import FAILURES, Encoding, Failure
from rpcctl.service.plain import plain

_FRAMES = 100
"""Innermost frames told of each exception: two functions that recurse into each other would fill megabytes."""

_LONGEST = 10_000
"""Characters that an exception's arguments may have in all to be told apart from its text."""
_SCALARS = (type(None), bool, int, float, str)

_JSON = Encoding("error data", binary=False, nan=False, any_key=False)
"""What every wire can carry, so that an error's data never stands in its way."""

_OURS = frozenset(join(dirname(__file__), name) for name in ("dispatch.py", "loop.py", "turns.py"))


def failure_of(exc: BaseException, *, traceback: bool = True) -> Failure:
    """What the caller is told of an exception that the served code raised."""
    trace = _trace(exc) if traceback else ""
    fault = fault_of(exc)
    found = fault or Failure("remote", _name(exc), _text(exc))
    return found._replace(traceback=trace, module=_module(exc), args=_args(exc))


def fault_of(found: Any) -> Failure | None:
    """An exception or result that carries an error number of its own, as the failure that it means; None otherwise.

    So are xmlrpc.client's and jsonrpclib's `Fault` (faultCode, faultString), and exceptions with a whole number `code`.
    """
    try:
        return _read_fault(found)
    except BaseException:  # A property of its may raise anything.
        return None


def _read_fault(found: Any) -> Failure | None:
    code = getattr(found, "faultCode", None)
    text = getattr(found, "faultString", None)
    if code is None and isinstance(found, Exception):
        code = getattr(found, "code", None)
        text = getattr(found, "message", None)
    if type(code) is not int:
        return None
    message = _sendable(text) if isinstance(text, str) else _text(found)
    try:
        data = plain(getattr(found, "data", None), _JSON)
    except Exception:
        data = None
    return Failure("remote", _name(found), message, data=data, code=code)


def failure_of_handler(exc: BaseException) -> Failure:
    """What the caller is told when a handler itself raised, as a gateway's does whose own server is lost."""
    kind = exc.kind if isinstance(exc, RpcctlError) and exc.kind in FAILURES else "remote"
    return Failure(kind, _name(exc), _text(exc))


def _name(found: Any) -> str:
    return _sendable(type(found).__name__)


def _module(exc: BaseException) -> str:
    found = type(exc).__module__
    return _sendable(found) if isinstance(found, str) else ""


def _args(exc: BaseException) -> tuple[Any, ...] | None:
    """Only what is as short as a message: some exceptions hold all of the data that was at fault."""
    try:
        given = tuple(exc.args)
        if any(type(each) not in _SCALARS for each in given) or sum(len(str(each)) for each in given) > _LONGEST:
            return None
        return tuple(_sendable(each) if isinstance(each, str) else plain(each, _JSON) for each in given)
    except Exception:  # A property of its may raise anything; an integer may be too long for text.
        return None


def _text(exc: Any) -> str:
    try:
        return _sendable(str(exc))
    except BaseException as broken:
        return f"<str() of {type(exc).__name__} raised {type(broken).__name__}>"


def _trace(exc: BaseException) -> str:
    import traceback  # Here, because it loads the tokenizer: only a call that failed pays for it.

    theirs = _without_ours(exc.__traceback__)
    if theirs is None and exc.__cause__ is None:
        return ""
    try:
        return _sendable("".join(traceback.format_exception(type(exc), exc, theirs, limit=-_FRAMES)))
    except BaseException as broken:
        return f"<the traceback of {type(exc).__name__} cannot be shown: {type(broken).__name__}>"


def _without_ours(frames: TracebackType | None) -> TracebackType | None:
    while frames is not None and frames.tb_frame.f_code.co_filename in _OURS:
        frames = frames.tb_next
    return frames


def _sendable(text: str) -> str:
    # Lone surrogates, as undecodable file names hold, travel on no wire; the result is a plain str, never a subclass.
    return text.encode("utf-8", "backslashreplace").decode()
