"""Failures to the exceptions of Pyro's wire and back. Pure.

    {"__class__": "builtins.ValueError", "__exception__": true, "args": [...],
     "attributes": {"_pyroTraceback": [lines]}}

By Pyro5 5.17's serializers.py. A stock client raises an error of its own for a class that it does not know, and loses
the message; so what it may not know goes as `Exception`, with its name before the message. What that leaves out goes
along in two attributes of ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rpcctl.messages import FAILURES, Failure, repr_of

WRAPPER = "Pyro5.core._ExceptionWrapper"
"""What holds an exception among the results of a batch."""
STREAM_END = "StopIteration"
BROKEN = frozenset(
    {
        *("CommunicationError", "ConnectionClosedError", "TimeoutError", "ProtocolError", "MessageTooLargeError"),
        *("SerializeError", "SecurityError"),
    }
)
"""Errors of Pyro's own after which its server hangs up."""
_OWN = "Pyro5.errors."
_KIND, _TYPE = "_rpcctl_kind", "_rpcctl_type"
_KNOWN = frozenset(
    {
        *("ArithmeticError", "AssertionError", "AttributeError", "BlockingIOError", "BrokenPipeError", "BufferError"),
        *("ChildProcessError", "ConnectionAbortedError", "ConnectionError", "ConnectionRefusedError"),
        *("ConnectionResetError", "EOFError", "Exception", "FileExistsError", "FileNotFoundError"),
        *("FloatingPointError", "ImportError", "IndentationError", "IndexError", "InterruptedError"),
        *("IsADirectoryError", "KeyError", "LookupError", "MemoryError", "ModuleNotFoundError", "NameError"),
        *("NotADirectoryError", "NotImplementedError", "OSError", "OverflowError", "PermissionError"),
        *("ProcessLookupError", "RecursionError", "ReferenceError", "RuntimeError", "SyntaxError", "SystemError"),
        *("TabError", "TimeoutError", "TypeError", "UnboundLocalError", "UnicodeError", "ValueError"),
        "ZeroDivisionError",
    }
)
"""Builtin errors that every Python can make of one text, and that end neither its program nor a loop."""


def to_exception(failure: Failure) -> dict[str, Any]:
    """A Failure as a stock client can read it."""
    name, message = _raised(failure)
    known = name in _KNOWN
    attributes: dict[str, Any] = {"_pyroTraceback": sendable(failure.traceback).splitlines(keepends=True)}
    if failure.kind != "remote":
        attributes[_KIND] = failure.kind
    if not known or failure.kind == "no_method":
        attributes[_TYPE] = failure.type
    text = message if known else f"{name}: {message}" if message else name
    return exception("builtins." + (name if known else "Exception"), sendable(text), attributes)


def exception(name: str, message: str, attributes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """An exception of that class, with its module."""
    return {"__class__": name, "__exception__": True, "args": [message], "attributes": attributes or {}}


def stream_end() -> dict[str, Any]:
    """What a client is told at the end of a stream."""
    return {"__class__": "builtins.StopIteration", "__exception__": True, "args": [], "attributes": {}}


def wrap(found: Mapping[str, Any]) -> dict[str, Any]:
    """An exception as one of the results of a batch."""
    return {"__class__": WRAPPER, "exception": found}


def unwrap(found: Any) -> Any:
    """The exception that a result of a batch holds; None when it is a result."""
    return found.get("exception") if isinstance(found, dict) and found.get("__class__") == WRAPPER else None


def from_exception(found: Any, method: str) -> Failure:
    """What a server's exception says, whatever it is."""
    if not isinstance(found, dict):
        return Failure("remote", "RemoteError", _text(found))
    attributes = found.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    name, traceback = name_of(found), _traceback(attributes.get("_pyroTraceback"))
    message = _message(name, found.get("args"))
    kind = attributes.get(_KIND)
    if kind not in FAILURES:
        kind = _guess_kind(found, name, message, traceback)
    own = attributes.get(_TYPE)
    if isinstance(own, str) and own:
        name, message = own, message.removeprefix(f"{own}: ") if message != own else ""
    return Failure(kind, name, method if kind == "no_method" else message, traceback)


def name_of(found: Any) -> str:
    """The class of an exception, without its module."""
    return _text(found.get("__class__", "RemoteError")).rpartition(".")[2] if isinstance(found, dict) else ""


def hangs_up(found: Any) -> bool:
    """Whether the server closes the connection after that exception."""
    return isinstance(found, dict) and _text(found.get("__class__")).startswith(_OWN) and name_of(found) in BROKEN


def sendable(text: str) -> str:
    """Text without lone surrogates, which UTF-8 has no form for."""
    return text.encode("utf-8", "backslashreplace").decode()


def _raised(failure: Failure) -> tuple[str, str]:
    """Class and message that stock clients are to see."""
    if failure.kind == "no_method":
        return "AttributeError", f"there is no method {failure.message!r}"
    if failure.type == "KeyError":
        return failure.type, _unquoted(failure.message)
    return sendable(failure.type), failure.message


def _unquoted(message: str) -> str:
    """The key of a KeyError, whose text is the repr of it."""
    quoted = len(message) > 1 and message[0] == message[-1] and message[0] in "'\""
    return message[1:-1] if quoted and "\\" not in message else message


def _message(name: str, args: Any) -> str:
    """The text of an exception with these args, as Python makes it."""
    if not isinstance(args, (list, tuple)) or not args:
        return ""
    if len(args) > 1:
        return repr_of(tuple(args))
    return repr_of(args[0]) if name == "KeyError" else _text(args[0])


def _traceback(lines: Any) -> str:
    if isinstance(lines, str):
        return lines
    return "".join(map(_text, lines)) if isinstance(lines, Sequence) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr_of(value)


def _guess_kind(found: Mapping[str, Any], name: str, message: str, traceback: str) -> str:
    """What a stock server means."""
    if found.get("__class__") == _OWN + "DaemonError" and message == "unknown object":
        return "no_method"
    frames = [line for line in traceback.splitlines() if line.lstrip().startswith("File ")]
    innermost = frames[-1].replace("\\", "/") if frames else ""
    if name == "TypeError" and "Pyro5/server.py" in innermost and "handleRequest" in innermost:
        return "arguments"
    if name == "AttributeError" and "Pyro5/server.py" in innermost:
        return "no_method"
    return "remote"
