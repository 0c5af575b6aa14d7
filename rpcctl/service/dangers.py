"""Which methods of a table let a caller take over the machine, judged by the module that defines them.

A list to warn with, not a sandbox: who can call a method can do whatever the method does.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rpcctl.service.methods import Method

MODULES = frozenset(
    {
        "code",
        "ctypes",
        "importlib",
        "marshal",
        "multiprocessing",
        "nt",
        "os",
        "pathlib",
        "pickle",
        "posix",
        "pty",
        "runpy",
        "shelve",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "ssl",
        "subprocess",
        "sys",
        "tempfile",
        "webbrowser",
    }
)
"""Top-level modules any of whose functions is dangerous; their accelerators (`_pickle`) and submodules too."""
_PLAIN = frozenset(
    {
        "Popen",
        "call",
        "check_output",
        "compile",
        "eval",
        "exec",
        "kill",
        "open",
        "popen",
        "remove",
        "rmtree",
        "run",
        "system",
    }
)
"""Names that tell anybody what is at stake: a warning shows a few, and these should be among them."""
_SUBMODULES = ("urllib.request",)
# By identity: what else lives in builtins is harmless, and `open` says that it comes from io.
_FUNCTIONS = frozenset(map(id, (eval, exec, open, compile, input, __import__)))


def dangers(table: Mapping[str, "Method"]) -> list[str]:
    """Names of the dangerous methods, the plainest threats first; empty for a target that may be served to anybody."""
    found = [name for name, method in table.items() if is_dangerous(method.function)]
    return sorted(found, key=lambda name: name.rpartition(".")[2] not in _PLAIN)


def is_dangerous(function: Callable[..., Any]) -> bool:
    """Whether the function, one that it wraps, or the class it belongs to comes from a dangerous module."""
    return any(id(each) in _FUNCTIONS or any(map(_is_listed, _homes(each))) for each in _layers(function))


def _layers(function: Any) -> Iterator[Any]:
    """The function and those inside its wrappers; a bounded number, for wrappers may be wrapped in themselves."""
    for _ in range(100):
        yield function
        inner = function.func if isinstance(function, functools.partial) else _attribute(function, "__wrapped__")
        if inner is None:
            return
        function = inner


def _homes(function: Any) -> Iterator[Any]:
    if str(_attribute(function, "__name__")).startswith("_path_"):
        return  # Of os.path, which has its harmless inner loops from posix or nt.
    yield _attribute(function, "__module__")
    owner = _attribute(function, "__self__")
    if isinstance(owner, ModuleType):
        yield owner.__name__
    elif owner is not None and isinstance(_attribute(function, "__name__"), str):
        # An inherited built-in method says nothing of where it was defined; its class does.
        name = _attribute(function, "__name__")
        classes = (owner if isinstance(owner, type) else type(owner)).__mro__
        yield next((each.__module__ for each in classes if name in vars(each)), None)


def _is_listed(module: Any) -> bool:
    if not isinstance(module, str):
        return False
    top = module.partition(".")[0].lstrip("_")
    return top in MODULES or module in _SUBMODULES


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:  # A stranger's __getattr__.
        return None
