"""The method table: which names a module offers, under which names, and what is refused."""

import math
import time
from typing import Any

import pytest

from rpcctl.errors import TargetError
from rpcctl.messages import INSPECT
from rpcctl.service.methods import Selection, expose, skipped
from rpcctl.service.target import Target, load
from tests.service.conftest import Folder
from tests.service.tables import call, names


@pytest.mark.parametrize(
    ("text", "present", "absent"),
    [
        ("math", {"sqrt", "log", "hypot", "isqrt"}, {"pi", "inf"}),
        ("time", {"time", "sleep", "strftime"}, {"struct_time", "timezone"}),
        ("os", {"getpid", "system", "getenv"}, {"path", "sys", "_exit", "environ", "PathLike"}),
        ("os.path", {"join", "basename", "getsize"}, {"os", "genericpath", "sep"}),
        ("random", {"random", "randint", "choice"}, {"Random", "SystemRandom"}),
        ("json", {"dump", "dumps", "load", "loads"}, {"JSONDecoder", "decoder", "codecs"}),
        ("struct", {"pack", "unpack", "calcsize", "iter_unpack"}, {"Struct", "error"}),
        (
            "builtins",
            {"abs", "len", "eval", "sorted"},
            {"int", "list", "exit", "copyright", "__import__", "ValueError"},
        ),
        ("statistics", {"mean", "median", "stdev"}, {"NormalDist", "sqrt", "namedtuple", "Decimal"}),
        ("urllib.parse", {"quote", "urlsplit"}, {"namedtuple", "functools", "re"}),
    ],
)
def test_a_module_offers_the_functions_it_defines(text: str, present: set[str], absent: set[str]):
    table = set(names(text))
    assert present <= table
    assert not absent & table


@pytest.mark.parametrize(("text", "size"), [("json", 4), ("struct", 6)])
def test_modules_have_the_methods_that_their_documentation_has(text: str, size: int):
    assert len(names(text)) == size


SHOP = """
    import click_like
    import functools
    import math as numbers
    from math import sqrt
    from functools import lru_cache, partial, reduce

    PRICE = 3
    TABLE = {"a": 1}

    class Till:
        def __init__(self, start=1):
            self.start = start

        def __call__(self, x):
            return self.start + x

    def plain(a, b=2):
        return a + b

    def wrapped(function):
        return lambda *args: function(*args)

    @lru_cache
    def cached(a):
        return a

    double = partial(plain, 2)
    ring = Till(5)
    decorated = click_like.decorate(plain)
    thing = object()
    _hidden = plain
    __dunder = plain
"""
CLICK_LIKE = """
    def decorate(function):
        def w(*args):
            return function(*args)
        return w
"""


@pytest.fixture
def shop(folder: Folder) -> Target:
    folder.write("shop.py", SHOP)
    folder.write("click_like.py", CLICK_LIKE)
    return load("shop")


def test_without_all_what_is_merely_imported_stays_out(shop: Target):
    assert list(expose([shop])) == ["plain", "wrapped", "cached", "ring"]
    reasons = skipped([shop])
    assert reasons["imported"] == ["sqrt", "lru_cache", "partial", "reduce", "double", "decorated"]
    assert (reasons["private"], reasons["classes"], reasons["objects"]) == (["_hidden"], ["Till"], ["thing"])
    assert reasons["constants"] == ["PRICE", "TABLE"]


def test_all_decides_and_orders_but_not_about_underscores_classes_or_modules(folder: Folder):
    folder.write(
        "listed.py",
        """
        import os
        from math import sqrt
        __all__ = ["sqrt", "b", "_c", "os", "Klass", "missing", 3, "LIMIT"]
        LIMIT = 3
        class Klass: pass
        def a(): pass
        def b(): pass
        def _c(): pass
        """,
    )
    assert names("listed") == ["sqrt", "b"]
    assert skipped([load("listed")])["unreadable"] == ["missing"]
    assert names("listed", only=("a", "sqrt")) == ["sqrt", "a"]


def test_a_package_offers_what_it_takes_from_its_own_modules(folder: Folder):
    folder.write("pkg/__init__.py", "from pkg.inner import work\nfrom math import sqrt\nfrom pkg2 import other")
    folder.write("pkg/inner.py", "def work(): pass")
    folder.write("pkg2.py", "def other(): pass")
    assert names("pkg") == ["work"]


@pytest.mark.parametrize(
    ("only", "result"),
    [("double", 5), ("ring", 8), ("decorated", 5), ("sqrt", math.sqrt(3)), ("Till", None), ("PRICE", 3)],
)
def test_a_name_spelled_out_implies_the_permission(shop: Target, only: str, result: Any):
    table = expose([shop], Selection(only=(only,)))
    assert list(table) == [only]
    if result is not None:
        assert call(table[only], *([] if only == "PRICE" else [3])) == result


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"only": ("*",)}, ["plain", "wrapped", "cached", "ring"]),
        ({"only": ("p*", "c*")}, ["plain", "cached"]),
        ({"only": ("P*", "ring")}, ["ring"]),
        ({"only": ("*a*",), "exclude": ("c*",)}, ["plain", "wrapped"]),
        ({"exclude": ("?lain", "ring")}, ["wrapped", "cached"]),
        ({"classes": True}, ["Till", "plain", "wrapped", "cached", "ring"]),
        ({"constants": True}, ["PRICE", "TABLE", "plain", "wrapped", "cached", "ring"]),
        ({"prefix": "till"}, ["till.plain", "till.wrapped", "till.cached", "till.ring"]),
        ({"prefix": "till", "only": ("till.p*", "ring")}, ["till.plain", "till.ring"]),
        ({"prefix": "till", "exclude": ("till.*d",)}, ["till.plain", "till.ring"]),
    ],
)
def test_patterns_and_permissions(shop: Target, selection: dict[str, Any], expected: list[str]):
    assert list(expose([shop], Selection(**selection))) == expected


@pytest.mark.parametrize(
    ("only", "message", "hint"),
    [
        ("plian", "--only plian exposes nothing", "'plain'"),
        ("_hidden", "never exposed", ""),
        ("thing", "one of the objects", ""),
        ("x*", "no name fits --only x*", "leave out"),
    ],
)
def test_a_name_that_nothing_bears_is_an_error(shop: Target, only: str, message: str, hint: str):
    with pytest.raises(TargetError) as caught:
        expose([shop], Selection(only=(only,)))
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_an_empty_table_counts_the_reasons(folder: Folder):
    folder.write("none.py", "from math import sqrt, log\nX = 1\ndef _f(): pass\nclass C: pass")
    with pytest.raises(TargetError) as caught:
        names("none")
    assert caught.value.message == "none: 0 exposed: 2 imported, 1 constant, 1 private, 1 class"
    assert caught.value.hint == "--only sqrt exposes what a module merely imported"
    with pytest.raises(TargetError, match="left out by --except"):
        names("math", exclude=("*",))


def test_several_targets_are_prefixed_and_one_is_not():
    assert names("os.path.join") == ["join"]
    both = names("math", "time", "os.path.join", "os:getpid")
    assert {"math.sqrt", "time.time", "os.path.join", "os.getpid"} <= set(both)
    assert "sqrt" not in both


@pytest.mark.parametrize(
    ("texts", "selection"),
    [(("math", "math"), {}), (("math", "math:sqrt"), {}), (("math", "cmath"), {"prefix": ""})],
)
def test_two_equal_names_are_an_error(texts: tuple[str, ...], selection: dict[str, Any]):
    with pytest.raises(TargetError, match="two methods have the name"):
        names(*texts, **selection)


def test_the_reserved_name_cannot_be_taken(folder: Folder):
    folder.write("mine.py", "def inspect(): pass")
    with pytest.raises(TargetError, match=INSPECT):
        names("mine", prefix="rpcctl")


def test_submodules_are_walked_only_when_asked_for(folder: Folder):
    folder.write("pkg/__init__.py", "import os, json\ndef top(): pass")
    folder.write("pkg/a.py", "def one(): pass")
    folder.write("pkg/_b.py", "def two(): pass")
    folder.write("pkg/deep/__init__.py", "")
    folder.write("pkg/deep/c.py", "def three(): pass")
    assert names("pkg") == ["top"]
    assert names("pkg", depth=1) == ["top", "a.one"]
    assert names("pkg", depth=2) == ["top", "a.one", "deep.c.three"]


def test_the_path_module_is_the_only_submodule_of_os():
    assert "path.join" in names("os", depth=1)
    assert {name.partition(".")[0] for name in names("os", depth=1) if "." in name} == {"path"}
    assert not [name for name in names("os") if "." in name]


def test_constants_are_read_when_called(folder: Folder):
    folder.write("live.py", "N = 1\ndef bump():\n    global N\n    N += 1")
    table = expose([load("live")], Selection(constants=True))
    call(table["bump"])
    assert call(table["N"]) == 2
    assert table["N"].description.signature() == "()"


def test_a_table_of_hundreds_costs_nothing_until_it_is_asked():
    os_target = load("os")
    expose([os_target])
    best = min(_seconds(lambda: expose([os_target])) for _ in range(5))
    assert best < 0.03


def _seconds(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
