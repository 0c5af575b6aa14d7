"""Failures to the errors that a manager's clients know, and back. Pure.

What a method raised goes as that exception if it is one of Python's own, else as a RuntimeError whose text has its
name: a stock client that cannot import a class fails on it. The traceback is its note (PEP 678), and what our own
clients need beside lies in its attribute `rpcctl`. What is wrong with the request itself is the text of a traceback, as
stock servers have it.
"""

import builtins
from ast import literal_eval
from typing import Any

from rpcctl.messages import FAILURES, Failure

from .codec import ERROR, TRACEBACK, UNSERIALIZABLE
from .forms import settle
from .pickles import Made

_OWN = "rpcctl"
_NO_METHOD = "is not in exposed="
_SHOWN = 200


def to_reply(failure: Failure) -> tuple[str, Any]:
    """Kind and value of the reply that tells of a failure."""
    if failure.kind == "no_method":
        return TRACEBACK, f"AttributeError: method {failure.message!r} of the served object {_NO_METHOD}its methods\n"
    exc = _exception(failure.type, failure.message)
    exc.__dict__[_OWN] = {
        name: value for name, value in failure._asdict().items() if value is not None and name != "traceback"
    }
    if failure.traceback:
        exc.__dict__["__notes__"] = [failure.traceback]
    return ERROR, exc


def no_object(ident: Any) -> tuple[str, Any]:
    """The reply to a request for an ident or typeid that there is not."""
    return TRACEBACK, f"KeyError: {ident!r}\n"


def refusal(reason: str) -> tuple[str, Any]:
    """The reply to a request that is not carried out."""
    return TRACEBACK, f"RuntimeError: {reason}\n"


def from_reply(kind: str, value: Any, method: str, name: str) -> Failure:
    """The failure that a reply means; `name` is the ident or typeid that was asked for."""
    if kind == ERROR and type(value) is Made:
        return _read_exception(value, method)
    text = value if type(value) is str else repr(value)
    type_, message = _last_line(text)
    if kind == UNSERIALIZABLE:
        return Failure("remote", "Unserializable", f"the result cannot be sent: {message or text[:_SHOWN]}", text)
    if kind == TRACEBACK and _NO_METHOD in text:
        return Failure("no_method", type_, method)
    if type_ == "KeyError" and message == repr(name):
        return Failure("no_method", type_, name)
    return Failure("remote", type_ or kind, message, text if "\n" in text else "")


def _exception(name: str, message: str) -> Exception:
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            # The text of a KeyError is the repr of its key.
            return kind(literal_eval(message) if kind is KeyError else message)
        except Exception:  # It takes other arguments.
            pass
    return RuntimeError(f"{name}: {message}" if message else name)


def _read_exception(made: Made, method: str) -> Failure:
    state = settle(made.state)
    args = settle(made.args) or []
    state = state if type(state) is dict else {}
    own = state.get(_OWN)
    traceback = "\n".join(each for each in _list(state.get("__notes__")) if type(each) is str)
    if type(own) is dict and own.get("kind") in FAILURES:
        return Failure(own["kind"], _text(own.get("type")), _text(own.get("message")), traceback, own.get("data"))
    name = made.name.removeprefix("builtins.")
    # A key shows as Python shows it; other exceptions show their only argument itself.
    message = _show(args[0]) if len(args) == 1 and name != "KeyError" else ", ".join(map(repr, args))
    return Failure("remote", name, message, traceback)


def _last_line(text: str) -> tuple[str, str]:
    """Class and message at the end of a traceback."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith((" ", "-"))]
    type_, _, message = (lines[-1] if lines else "").partition(": ")
    return (type_, message) if type_.replace(".", "").isidentifier() else ("", text[:_SHOWN])


def _show(value: Any) -> str:
    return value if type(value) is str else repr(value)


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _text(value: Any) -> str:
    return value if type(value) is str else ""
