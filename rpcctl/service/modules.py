"""Importing what users want served: by name or from a file, telling missing from broken, and anew from disk.

Alone in touching `sys.modules` and `sys.path`. Knows neither the grammar of targets nor what is done with a module.
"""

import importlib
import importlib.util
import os
import pkgutil
import re
import sys
import traceback
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import EXTENSION_SUFFIXES, SourceFileLoader
from types import ModuleType, TracebackType
from typing import Any

from rpcctl.errors import TargetError

_MACHINERY = ("rpcctl", "importlib", "_frozen_importlib", "_frozen_importlib_external")
_INSTALLED = {"site-packages", "dist-packages"}
_HOST: set[str] = set()


def add_path(directory: str, *, first: bool) -> None:
    """Put a directory on the module path, once: before everything, or after."""
    directory = os.path.abspath(directory)
    if directory not in sys.path:
        sys.path.insert(0 if first else len(sys.path), directory)


def import_name(name: str) -> ModuleType | None:
    """The module of that dotted name, its parents being imported already; None if there is no such module.

    Raises TargetError with the traceback when the module is there and cannot be imported.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name == name:
            return None
        raise broken(f"{name!r} cannot be imported", exc) from exc
    except (Exception, SystemExit) as exc:
        raise broken(f"{name!r} cannot be imported", exc) from exc


def import_file(path: str) -> ModuleType:
    """The module in a source file, executed unless it was before; its directory goes to the end of the module path.

    It is called by its stem, or by a private name where that would hide another module; never `__main__`.
    Raises TargetError: not a file, or the file's own error with its traceback.
    """
    path = os.path.realpath(path)
    add_path(os.path.dirname(path), first=False)
    name = _free_name(path)
    if name in sys.modules:
        return sys.modules[name]
    loader = SourceFileLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    # Before it runs: dataclasses and pickle look their module up.
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException as exc:
        sys.modules.pop(name, None)
        if isinstance(exc, (Exception, SystemExit)):
            raise broken(f"{path!r} cannot be loaded", exc) from exc
        raise
    return sys.modules.get(name, module)


def _free_name(path: str) -> str:
    stem = re.sub(r"\W", "_", os.path.splitext(os.path.basename(path))[0])
    private = f"_{stem}_{zlib.crc32(os.fsencode(path)):08x}"
    if stem in sys.modules:
        return stem if _is_from(sys.modules[stem], path) else private
    found = importlib.util.find_spec(stem)
    taken = found is not None and (found.origin is None or os.path.realpath(found.origin) != path)
    return private if taken or stem == "__main__" else stem


def _is_from(module: Any, path: str) -> bool:
    file = getattr(module, "__file__", None)
    return getattr(module, "__name__", "") != "__main__" and isinstance(file, str) and os.path.realpath(file) == path


def import_submodules(module: ModuleType, listed: Collection[str]) -> Iterator[tuple[str, ModuleType]]:
    """Public submodules with their names: those of a package's folder, and those that are attributes of the module.

    `listed` is the module's `__all__`: a module that it names counts as one of its own, as `path` does in os.
    """
    in_folder = [each.name for each in pkgutil.iter_modules(getattr(module, "__path__", None) or [])]
    for name in in_folder:
        submodule = None if name.startswith("_") else import_name(f"{module.__name__}.{name}")
        if submodule is not None:
            yield name, submodule
    for name, value in list(vars(module).items()):
        if name.startswith("_") or name in in_folder or not isinstance(value, ModuleType):
            continue
        if name in listed or sys.modules.get(f"{module.__name__}.{name}") is value:
            yield name, value


def list_siblings(module: ModuleType | None) -> list[str]:
    """Names of the modules that can be imported: those of a package, or the top-level ones."""
    if module is None:
        return [*sys.stdlib_module_names, *(each.name for each in pkgutil.iter_modules())]
    return [each.name for each in pkgutil.iter_modules(getattr(module, "__path__", None) or [])]


@contextmanager
def afresh(roots: Sequence[str], packages: Collection[str]) -> Iterator[None]:
    """Inside, modules of the user's are imported anew from disk: those under `roots` and in top-level `packages`.

    Never the standard library's, installed ones, extension modules or rpcctl's own. If an exception passes, the old
    ones are put back, so that the objects made of them go on working.
    """
    old = _find_local(roots, packages)
    for name, module in old.items():
        del sys.modules[name]
        _forget_bytecode(module)
    importlib.invalidate_caches()
    try:
        yield
    except BaseException:
        for name in _find_local(roots, packages):
            del sys.modules[name]
        sys.modules.update(old)
        raise
    for name in _HOST & set(old):
        # Of the program that embeds us, and not imported by the target: it must not find a second copy of itself.
        sys.modules.setdefault(name, old[name])


def remember_host() -> None:
    """Note which modules were there before the first target was loaded."""
    if not _HOST:
        _HOST.update(sys.modules)


def _find_local(roots: Sequence[str], packages: Collection[str]) -> dict[str, ModuleType]:
    import sysconfig

    inside = [os.path.realpath(each) for each in roots]
    library = [os.path.realpath(sysconfig.get_path(each)) for each in ("stdlib", "platstdlib")]

    def is_local(name: str, module: ModuleType) -> bool:
        top, path = name.partition(".")[0], _find_path(module)
        if path is None or top in ("rpcctl", "__main__") or path.endswith(tuple(EXTENSION_SUFFIXES)):
            return False
        if _is_under(path, library) or not _INSTALLED.isdisjoint(path.split(os.sep)):
            return False
        return top in packages or _is_under(path, inside)

    return {name: module for name, module in list(sys.modules.items()) if is_local(name, module)}


def _find_path(module: Any) -> str | None:
    """Where the module's file is, or the folder of a package without one; None for what is built in."""
    try:
        return os.path.realpath(str(module.__file__ or next(iter(module.__path__))))
    except Exception:  # sys.modules may hold anything.
        return None


def _is_under(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(os.path.join(folder, "")) for folder in folders)


def _forget_bytecode(module: ModuleType) -> None:
    """Remove the compiled copy: Python takes it for fresh if the source kept its size and the second of its change."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str) and file.endswith(".py"):
        try:
            os.unlink(importlib.util.cache_from_source(file))
        except (OSError, NotImplementedError):
            pass


def broken(what: str, exc: BaseException) -> TargetError:
    """The error for code of the user's that failed, its traceback attached without frames of ours."""
    summary = "".join(traceback.format_exception_only(type(exc), exc)).strip().rpartition("\n")[2]
    return TargetError(f"{what}: {summary}", traceback=own_traceback(exc))


def own_traceback(exc: BaseException) -> str:
    """The traceback as text, from the first frame that is neither ours nor the import machinery's."""
    frames: TracebackType | None = exc.__traceback__
    while frames is not None and _is_machinery(frames):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(exc), exc, frames))


def _is_machinery(frame: TracebackType) -> bool:
    name = frame.tb_frame.f_globals.get("__name__")
    return isinstance(name, str) and name.partition(".")[0] in _MACHINERY
