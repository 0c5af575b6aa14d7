"""The text of a target to the object that is served: `pkg.mod`, `mod:Class("x")`, `./file.py:Svc`, `@kv`.

The module path is searched as `python -m` does. Calls in a target take literals only, which are parsed and never
evaluated. Knows nothing of methods: what of the object is exposed is decided elsewhere.
"""

import ast
import inspect
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from difflib import get_close_matches
from types import ModuleType
from typing import Any, NamedTuple

from rpcctl.errors import TargetError
from rpcctl.service import kinds
from rpcctl.service.modules import (
    add_path,
    afresh,
    broken,
    import_file,
    import_name,
    list_siblings,
    remember_host,
)

BUILTIN = {"kv": "rpcctl.service.kv:KV"}
"""The targets that rpcctl brings along, `@NAME` to the target they stand for; imported on use."""

_GRAMMAR = re.compile(
    r"(?P<place>.+?)(?::(?P<path>[^\W\d]\w*(?:\.[^\W\d]\w*)*))?(?P<call>\(.*\))?",
    re.DOTALL,
)
_FORMS = 'a target is pkg.mod, mod:attribute, mod:Class("literal", n=1), ./file.py, file.py:attribute or @name'


class Target(NamedTuple):
    """What a text on the command line was resolved to."""

    text: str
    """As typed."""
    name: str
    """What prefixes its methods when several targets are served: `os.path`, `Class`, a file's stem, `kv` for `@kv`."""
    object: Any
    """A module, instance, function, or (served as itself) class."""
    module: str
    """Name of the module it came from; empty for the built-in ones."""
    attribute: str = ""
    """The last name of the text, by which a bare function is called; empty for a module."""


class _Parsed(NamedTuple):
    place: str
    """Dotted name, or path of a file."""
    path: tuple[str, ...]
    """Attributes named after the colon."""
    call: str
    """The arguments with their parentheses, or empty."""

    def is_file(self) -> bool:
        return self.place.endswith(".py") or any(each in self.place for each in (os.sep, os.altsep or os.sep))


def load(text: str, *, app_dir: str | None = "", as_class: bool = False) -> Target:
    """Import what the text names; instantiate a class that is named without arguments, unless `as_class`.

    `app_dir` (empty: the current directory; None: none) goes to the front of the module path; for a file, when it was
    not asked for by name, to the end, so that no neighbour of the file replaces a module of the standard library.
    Raises TargetError: no such target, with close names; the target's own failure, with its traceback; refused, because
    it is private or plain data; or arguments are needed.
    """
    remember_host()
    parsed = _parse(text)
    if text.startswith("@"):
        return _load_builtin(text, parsed, as_class=as_class)
    if app_dir is not None:
        add_path(app_dir or os.curdir, first=bool(app_dir) or not parsed.is_file())
    module, typed, path = _import_place(text, parsed)
    found = _walk(text, module, path)
    served = _serve_object(text, found, parsed.call, as_class=as_class) if path or parsed.call else found
    single = kinds.is_function(served) or kinds.is_command(served)
    holders = (typed, *path[:-1]) if single else (typed, *path)
    return Target(text, holders[-1], served, module.__name__, path[-1] if path else "")


def reload(text: str, *, app_dir: str | None = "", as_class: bool = False) -> Target:
    """The target anew from disk, together with the modules of its package and directories that it imports.

    Raises TargetError as `load` does, and then the old modules are in place as before.
    """
    with _afresh([text], app_dir):
        return load(text, app_dir=app_dir, as_class=as_class)


def reload_all(targets: Sequence[Target], *, app_dir: str | None = "", as_class: bool = False) -> list[Target]:
    """All of the loaded targets anew from disk, or none; modules that they share stay shared.

    Built-in targets stay the objects they are: their code does not change, and what they hold would be lost.
    """
    with _afresh([each.text for each in targets], app_dir):
        return [
            each if each.text.startswith("@") else load(each.text, app_dir=app_dir, as_class=as_class)
            for each in targets
        ]


def _afresh(texts: Iterable[str], app_dir: str | None) -> AbstractContextManager[None]:
    parsed = [_parse(text) for text in texts if not text.startswith("@")]
    roots = [] if app_dir is None else [os.path.abspath(app_dir)]
    roots += [os.path.dirname(os.path.abspath(each.place)) for each in parsed if each.is_file()]
    return afresh(roots, {each.place.partition(".")[0] for each in parsed if not each.is_file()})


def _parse(text: str) -> _Parsed:
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise TargetError("an empty target", hint=_FORMS)
    path = tuple(match["path"].split(".")) if match["path"] else ()
    parsed = _Parsed(match["place"], path, match["call"] or "")
    dotted = () if parsed.is_file() else tuple(parsed.place.removeprefix("@").split("."))
    for part in (*dotted, *parsed.path):
        if not part.isidentifier():
            raise TargetError(f"{text!r} is no target: {part!r} is no name", hint=_FORMS)
        if part.startswith("_"):
            raise TargetError(f"{text!r} is refused: {part!r} is private", hint="serve a public name")
    return parsed


def _load_builtin(text: str, parsed: _Parsed, *, as_class: bool) -> Target:
    name = parsed.place.removeprefix("@")
    if name not in BUILTIN or parsed.path:
        known = ", ".join(f"@{each}" for each in sorted(BUILTIN))
        raise TargetError(f"no built-in target {text!r}", hint=f"there is {known}")
    found = load(BUILTIN[name] + parsed.call, app_dir=None, as_class=as_class)
    return found._replace(text=text, name=name, module="")


def _import_place(text: str, parsed: _Parsed) -> tuple[ModuleType, str, tuple[str, ...]]:
    """The module, its name as typed, and the attributes to follow from there."""
    if parsed.is_file():
        stem = os.path.splitext(os.path.basename(parsed.place))[0]
        return _import_file(text, parsed.place), stem, parsed.path
    parts = parsed.place.split(".")
    module: ModuleType | None = None
    typed = ""
    for part in parts:
        longer = f"{typed}.{part}".lstrip(".")
        found = import_name(longer)
        if found is None and (module is None or parsed.path):
            raise _missing_module(longer, module)
        if found is None:
            break
        module, typed = found, longer
    assert module is not None
    return module, typed, parsed.path or tuple(parts[typed.count(".") + 1 :])


def _import_file(text: str, path: str) -> ModuleType:
    if os.path.isdir(path):
        raise TargetError(f"{text!r} is a directory", hint="name a file in it, or the package with --app-dir")
    if not os.path.isfile(path):
        folder = os.path.dirname(path)
        close = _closest(os.path.basename(path), _list_sources(folder))
        raise TargetError(
            f"there is no file {path!r}", hint=_did_you_mean(os.path.join(folder, close) if close else "")
        )
    return import_file(path)


def _list_sources(folder: str) -> list[str]:
    try:
        return [each for each in os.listdir(folder or os.curdir) if each.endswith(".py")]
    except OSError:
        return []


def _missing_module(name: str, parent: ModuleType | None) -> TargetError:
    before, dot, last = name.rpartition(".")
    close = _closest(last, list_siblings(parent))
    return TargetError(f"there is no module {name!r}", hint=_did_you_mean(f"{before}{dot}{close}" if close else ""))


def _walk(text: str, module: ModuleType, path: Iterable[str]) -> Any:
    found: Any = module
    walked = module.__name__
    for part in path:
        try:
            found = getattr(found, part)
        except AttributeError:
            inside = list_siblings(found) if isinstance(found, ModuleType) and hasattr(found, "__path__") else []
            close = _closest(part, [*inside, *(each for each in dir(found) if not each.startswith("_"))])
            raise TargetError(
                f"{text!r}: {walked} has no {part!r}", hint=_did_you_mean(_replace(text, part, close))
            ) from None
        except Exception as exc:
            raise broken(f"{text!r}: {part!r} cannot be read", exc) from exc
        walked += f".{part}"
    return found


def _replace(text: str, part: str, close: str) -> str:
    return close and re.sub(rf"(?<=[.:]){re.escape(part)}\b", close, text, count=1)


def _serve_object(text: str, found: Any, call: str, *, as_class: bool) -> Any:
    if inspect.isclass(found) and not call:
        return found if as_class else _instantiate(text, found)
    if isinstance(found, ModuleType) and not call:
        return found
    served = _call(text, found, call) if call else found
    if inspect.iscoroutine(served):
        served.close()
        raise TargetError(f"{text!r} is a coroutine function: it cannot make a target", hint="name a plain function")
    if kinds.is_data(served) and not inspect.isclass(found):
        raise TargetError(
            f"{text!r} is refused: it is data ({type(served).__name__})", hint="--constants serves a module's data"
        )
    return served


def _instantiate(text: str, found: type) -> Any:
    try:
        inspect.signature(found).bind()
    except TypeError as exc:
        hint = f"say {text}(...) with literal arguments, or --class to serve its class and static methods"
        raise TargetError(f"{text!r} needs arguments: {exc}", hint=hint) from None
    except ValueError:
        pass  # A built-in class without a signature: it shows when it is called.
    return _run(text, found, [], {})


def _call(text: str, found: Any, call: str) -> Any:
    if not callable(found):
        raise TargetError(f"{text!r}: {type(found).__name__} cannot be called", hint="leave out the parentheses")
    return _run(text, found, *_read_literals(text, call))


def _run(text: str, found: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    try:
        return found(*args, **kwargs)
    except TargetError:
        raise  # A built-in target says itself what is wrong.
    except (Exception, SystemExit) as exc:
        raise broken(f"{text!r} failed", exc) from exc


def _read_literals(text: str, call: str) -> tuple[list[Any], dict[str, Any]]:
    try:
        tree = ast.parse(f"f{call}", mode="eval").body
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
            raise ValueError("more than one call")
        kwargs = {each.arg or "**": ast.literal_eval(each.value) for each in tree.keywords}
        if "**" in kwargs or len(kwargs) < len(tree.keywords):
            raise ValueError("not one value for each name")
        return [ast.literal_eval(each) for each in tree.args], kwargs
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as exc:
        hint = 'literals are 3, "text", [1, 2], {"a": None}; names and expressions are not evaluated'
        raise TargetError(f"{text!r}: the arguments {call} are no literals", hint=hint) from exc


def _closest(name: str, names: Iterable[str]) -> str:
    return next(iter(get_close_matches(name, names, 1)), "")


def _did_you_mean(name: str) -> str:
    return f"did you mean {name!r}?" if name else ""
