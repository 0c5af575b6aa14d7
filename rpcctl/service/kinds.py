"""What sort of thing a Python object is: data, a function, a command line program, a dispatcher of somebody else.

Recognised by its type and its own `__dict__`, not by asking for attributes, because an object with a `__getattr__`
claims to have every one. Knows no target, no method table and no wire.
"""

import enum
import functools
import inspect
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType
from typing import Any

_DATA = (type(None), int, float, complex, str, bytes, bytearray, tuple, frozenset, enum.Enum)
"""Data even as subclasses; one of list or dict, made by somebody for its methods, is an object to be served."""
_DATA_MODULES = frozenset({"builtins", "collections", "datetime", "decimal", "fractions", "pathlib", "uuid"})

_KINDS = (
    ("coroutine", inspect.iscoroutinefunction),
    ("generator", inspect.isgeneratorfunction),
    ("async_generator", inspect.isasyncgenfunction),
)


def is_data(value: Any) -> bool:
    """Whether it is a value, as opposed to something that does work: numbers, text, containers, dates, paths."""
    if isinstance(value, _DATA):
        return True
    home = type(value).__module__.partition(".")[0].lstrip("_")
    return home in _DATA_MODULES and not callable(value) and type(value) is not object


def is_function(value: Any) -> bool:
    """Whether it is called as a whole: it bears a name of its own, as functions do, or wraps what does."""
    if not callable(value) or inspect.isclass(value):
        return False
    named = inspect.getattr_static(value, "__name__", None) is not None
    return named or isinstance(value, functools.partial) or not _has_methods(value)


def _has_methods(value: Any) -> bool:
    found = (inspect.getattr_static(value, name, None) for name in dir(type(value)) if not name.startswith("_"))
    return any(callable(each) or isinstance(each, classmethod) for each in found)


def kind(function: Callable[..., Any]) -> str:
    """`coroutine`, `generator` or `async_generator` for what is declared as one, else `plain`."""
    while isinstance(function, functools.partial):
        function = function.func
    if isinstance(function, BuiltinFunctionType):
        return "plain"
    candidates = (function, inspect.getattr_static(type(function), "__call__"))
    try:
        return next((name for name, test in _KINDS if any(map(test, candidates))), "plain")
    except Exception:  # inspect asks it for attributes, and a stranger's __getattr__ may raise anything.
        return "plain"


def undecorated(value: Any) -> Any:
    """The function inside one of zerorpc's decorators (`zerorpc.stream`, `zerorpc.rep`), or the value itself."""
    return vars(value)["_functor"] if _is_zerorpc(value) else value


def callable_form(value: Any) -> Callable[..., Any]:
    """What to call for it: zerorpc's `stream` becomes a generator function, its `rep` the function it holds."""
    function: Callable[..., Any] = undecorated(value)
    streams = function is not value and type(type(value).pattern).__name__ == "ReqStream"
    return _streaming(function) if streams and kind(function) == "plain" else function


def _is_zerorpc(value: Any) -> bool:
    return "_functor" in _own(value) and hasattr(type(value), "pattern")


def _streaming(function: Callable[..., Any]) -> Callable[..., Any]:
    # zerorpc iterates over whatever the function returns, be it a list.
    @functools.wraps(function)
    def stream(*args: Any, **kwargs: Any) -> Iterator[Any]:
        yield from function(*args, **kwargs)

    return stream


def is_command(value: Any) -> bool:
    """Whether it is a click or typer command: it would parse this process's words and exit."""
    own = _own(value)
    click = "callback" in own and hasattr(type(value), "make_context")
    return click or ("registered_commands" in own and hasattr(type(value), "command"))


def command_callback(command: Any) -> Callable[..., Any] | None:
    """The function under a click command; None for a group or program without one of its own."""
    callback = _own(command).get("callback")
    return callback if callable(callback) else None


def is_dispatcher(value: Any) -> bool:
    """Whether it routes calls by a table of its own, as `SimpleXMLRPCServer` and jsonrpclib's servers do."""
    return isinstance(_own(value).get("funcs"), dict) and hasattr(type(value), "register_function")


def _own(value: Any) -> dict[str, Any]:
    # object's own access, so that a __getattr__ or __getattribute__ of the value's class is not asked.
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return own if isinstance(own, dict) else {}
