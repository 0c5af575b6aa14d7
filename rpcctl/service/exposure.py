"""Which names of a target become methods: the scan of a module, instance, class, function or foreign dispatcher.

Names that begin with an underscore are out of reach, whatever is asked for. No property is executed to see what it is.
What is left out is kept with its reason, for the message about an empty table. Knows no signature, prefix or wire.
"""

import functools
import inspect
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, ClassMethodDescriptorType, MemberDescriptorType, ModuleType
from typing import Any, NamedTuple

from rpcctl.service import kinds
from rpcctl.service.modules import broken, import_submodules
from rpcctl.service.target import Target


class Selection(NamedTuple):
    """What of the targets is exposed, beyond their public functions; patterns are case-sensitive globs."""

    only: tuple[str, ...] = ()
    """Patterns of which a name must fit one. A name spelled out implies the permission to expose it, whatever it is."""
    exclude: tuple[str, ...] = ()
    """Patterns of which a name must fit none; applied after `only`."""
    classes: bool = False
    """Whether classes are exposed, as constructors."""
    constants: bool = False
    """Whether plain data is exposed, as methods without arguments that read it."""
    writable: bool = False
    """Whether properties with a setter can be written: by calling them with the new value."""
    depth: int = 0
    """How many levels of submodules are exposed too, with dotted names."""
    prefix: str | None = None
    """Put before every name instead of the target's name; empty for none."""


_METHODS = (
    staticmethod,
    classmethod,
    ClassMethodDescriptorType,
    functools.partialmethod,
    functools.singledispatchmethod,
    MemberDescriptorType,
)
"""Descriptors that can be resolved without running code of the object's class; the last are those of __slots__."""
_MISSING = object()


class _Unchanged:
    def __repr__(self) -> str:
        return "unchanged"


_UNCHANGED = _Unchanged()


class Attribute:
    """One attribute as a method: called without arguments it is read, at that moment; with a value, written."""

    def __init__(self, owner: Any, name: str, source: Any = None, *, writable: bool = False) -> None:
        """Take the name of an attribute of `owner`; `source` is the property, if it is one."""
        self.__name__ = name
        self.__doc__ = getattr(source, "__doc__", None)
        self._owner = owner
        self._getter = getattr(source, "fget", None) or getattr(source, "func", None)
        self._writable = writable

    def __call__(self, value: Any = _UNCHANGED) -> Any:
        """The attribute's value; None after writing one."""
        if value is _UNCHANGED:
            return getattr(self._owner, self.__name__)
        return setattr(self._owner, self.__name__, value)

    @property
    def __signature__(self) -> inspect.Signature:
        """`()`, or `(value=unchanged)` for one that can be written; both of the getter's type."""
        hint = getattr(self._getter, "__annotations__", {}).get("return", inspect.Signature.empty)
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        value = inspect.Parameter("value", kind, default=_UNCHANGED, annotation=hint)
        return inspect.Signature([value] if self._writable else [], return_annotation=hint)


class Scan:
    """The methods found in one target, and what was left out and why."""

    def __init__(self, selection: Selection, asked: Callable[[str], bool]) -> None:
        """Start empty; `asked` says whether the user spelled a name out."""
        self.functions: dict[str, Callable[..., Any]] = {}
        self.skipped: dict[str, list[str]] = {}
        """Reason, as a plural, to names."""
        self._selection = selection
        self._asked = asked

    def target(self, target: Target) -> None:
        """Scan what a target was resolved to."""
        found = target.object
        if isinstance(found, ModuleType):
            self._module(found, "", self._selection.depth)
        elif kinds.is_command(found):
            self._command(target.attribute or target.name, found, asked=True)
        elif inspect.isclass(found):
            self._class(found)
        elif kinds.is_dispatcher(found):
            self._dispatcher(found)
        elif kinds.is_function(found):
            self.functions[target.attribute or target.name] = kinds.callable_form(found)
        else:
            self._instance(found)

    def _module(self, module: ModuleType, prefix: str, depth: int) -> None:
        listed = _read_all(module)
        others = [name for name in list(vars(module)) if listed is None or self._asked(prefix + name)]
        for name in dict.fromkeys([*(listed or ()), *others]):
            value = self._public(module, prefix, name)
            if value is not _MISSING and not isinstance(value, ModuleType):
                native = listed is not None or _is_defined_in(value, module.__name__)
                self._offer(module, prefix, name, value, native=native)
        if depth > 0:
            for name, submodule in import_submodules(module, listed or ()):
                self._module(submodule, f"{prefix}{name}.", depth - 1)

    def _instance(self, found: Any) -> None:
        for name in _names(found):
            static = inspect.getattr_static(found, name, None)
            if not name.startswith("_") and _is_computed(static):
                writable = self._selection.writable and getattr(static, "fset", None) is not None
                self.functions[name] = Attribute(found, name, static, writable=writable)
                continue
            value = self._public(found, "", name)
            if isinstance(static, functools.singledispatchmethod):
                # It leads to the function that still takes self, and so to a wrong signature.
                getattr(value, "__dict__", {}).pop("__wrapped__", None)
            if value is not _MISSING:
                self._offer(found, "", name, value)

    def _class(self, found: type) -> None:
        for name in _names(found):
            static = inspect.getattr_static(found, name, None)
            free = isinstance(static, (staticmethod, classmethod, ClassMethodDescriptorType, type))
            if not free and not name.startswith("_") and (callable(static) or hasattr(type(static), "__get__")):
                self._skip("methods of instances", name)
                continue
            value = self._public(found, "", name)
            if value is not _MISSING:
                self._offer(found, "", name, value)

    def _dispatcher(self, found: Any) -> None:
        for name, function in found.funcs.items():
            if any(part.startswith("_") for part in name.split(".")):
                self._skip("private", name)
            elif getattr(function, "__self__", None) is found:
                # Its own system.listMethods and the like, which would tell of its table, not of ours.
                self._skip("methods of the dispatcher itself", name)
            else:
                self._offer(found, "", name, function)
        instance = getattr(found, "instance", None)
        if instance is not None and not hasattr(type(instance), "_dispatch"):
            registered = dict(self.functions)
            self._instance(instance)
            self.functions.update(registered)

    def _public(self, owner: Any, prefix: str, name: str) -> Any:
        """The attribute's value, or _MISSING with the reason noted."""
        if name.startswith("_"):
            if not name.startswith("__"):
                self._skip("private", prefix + name)
            return _MISSING
        try:
            return getattr(owner, name)
        except Exception:  # Whatever a stranger's __getattr__ or descriptor raises.
            self._skip("unreadable", prefix + name)
            return _MISSING

    def _offer(self, owner: Any, prefix: str, name: str, value: Any, *, native: bool = True) -> None:
        """Take a public value in as a method, or note why not."""
        full = prefix + name
        asked = self._asked(full)
        if kinds.is_command(value):
            self._command(full, value, asked=asked)
        elif not native and not asked:
            self._skip("imported", full)
        elif inspect.isclass(value) and not (asked or self._selection.classes):
            self._skip("classes", full)
        elif callable(value):
            self.functions[full] = kinds.callable_form(value)
        elif not kinds.is_data(value):
            self._skip("objects", full)
        elif asked or self._selection.constants:
            self.functions[full] = Attribute(owner, name)
        else:
            self._skip("constants", full)

    def _command(self, name: str, command: Any, *, asked: bool) -> None:
        callback = kinds.command_callback(command)
        if callback is None or not asked:
            self._skip("commands", name)
        else:
            self.functions[name] = callback

    def _skip(self, reason: str, name: str) -> None:
        self.skipped.setdefault(reason, []).append(name)


def _read_all(module: ModuleType) -> list[str] | None:
    listed = vars(module).get("__all__")
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, (list, tuple)) else None


def _names(found: Any) -> Iterator[str]:
    try:
        yield from dir(found)
    except Exception as exc:
        raise broken(f"{type(found).__name__!r}: its attributes cannot be listed", exc) from exc


def _is_computed(static: Any) -> bool:
    """Whether reading the attribute runs code, told from its descriptor."""
    if isinstance(static, (property, functools.cached_property)):
        return True
    return hasattr(type(static), "__get__") and not isinstance(static, _METHODS) and not callable(static)


def _is_defined_in(value: Any, module: str) -> bool:
    try:
        home = kinds.undecorated(value).__module__
    except Exception:  # Data has none; a stranger's __getattr__ may raise anything.
        home = None
    if isinstance(home, str) and callable(value):
        return home == module or home.startswith(f"{module}.")
    # Data cannot say where it comes from. A function without a home is C's, of the module that holds it.
    return isinstance(value, BuiltinFunctionType) or not callable(value)
