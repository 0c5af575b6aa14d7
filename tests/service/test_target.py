"""Targets: what a text names, what is refused, what a failure says, and loading anew."""

import json
import math
import os.path
import sys

import pytest

from rpcctl.errors import TargetError
from rpcctl.service.target import BUILTIN, Target, load, reload, reload_all
from tests.service.conftest import Folder


@pytest.mark.parametrize(
    ("text", "name", "found", "attribute"),
    [
        ("math", "math", math, ""),
        ("os.path", "os.path", os.path, ""),
        ("math.sqrt", "math", math.sqrt, "sqrt"),
        ("math:sqrt", "math", math.sqrt, "sqrt"),
        ("os.path.join", "os.path", os.path.join, "join"),
        ("os.path:join", "os.path", os.path.join, "join"),
        ("os:path.join", "path", os.path.join, "join"),
        ("json:decoder", "decoder", json.decoder, "decoder"),
    ],
)
def test_a_dotted_name_is_the_longest_module_and_then_attributes(text, name, found, attribute):
    target = load(text)
    assert (target.text, target.name, target.attribute) == (text, name, attribute)
    assert target.object is found


SERVICE = """
    class Counter:
        def __init__(self, start=0, *, step=1):
            self.start, self.step = start, step

        def read(self):
            return self.start, self.step

    class Needy:
        def __init__(self, path, size):
            pass

    class Failing:
        def __init__(self):
            raise RuntimeError("no disk")

    def make(kind, **options):
        return Counter(kind, **options)

    def answer():
        return 42

    async def later():
        return Counter()

    CONSTANT = "text"
    counter = Counter(7)

    class Shelf(dict):
        def read(self):
            return len(self)

    shelf = Shelf(a=1)
    table = {"a": 1}
    _hidden = counter
"""


def test_a_class_is_instantiated_once_without_arguments(folder: Folder):
    folder.write("shop.py", SERVICE)
    target = load("shop:Counter")
    assert (target.name, target.module, target.object.read()) == ("Counter", "shop", (0, 1))


def test_a_class_is_served_as_itself_when_asked_for(folder: Folder):
    folder.write("shop.py", SERVICE)
    assert load("shop:Needy", as_class=True).object is sys.modules["shop"].Needy


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("shop:Counter(3)", (3, 1)),
        ("shop:Counter(3, step=2)", (3, 2)),
        ('shop:Counter("a:b(c)", step=[1, {"k": None}])', ("a:b(c)", [1, {"k": None}])),
        ("shop.Counter(-1)", (-1, 1)),
        ("shop:make(5, step=9)", (5, 9)),
        ("shop:counter", (7, 1)),
        ("shop:shelf", 1),
    ],
)
def test_calls_take_literals(folder: Folder, text: str, state: object):
    folder.write("shop.py", SERVICE)
    assert load(text).object.read() == state


@pytest.mark.parametrize(
    "call",
    ["(x)", "(1 + x)", "(__import__('os'))", "(*[1])", "(**{'step': 1})", "(1)(2)", "(1", "(1))", "(step=1, step=2)"],
)
def test_what_is_no_literal_is_refused_and_never_evaluated(folder: Folder, call: str):
    folder.write("shop.py", SERVICE)
    with pytest.raises(TargetError):
        load(f"shop:Counter{call}")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("mth", "no module 'mth'", "'math'"),
        ("json.decodr:x", "no module 'json.decodr'", "'json.decoder'"),
        ("math.sqr", "math has no 'sqr'", "'math.sqrt'"),
        ("math:sqr", "math has no 'sqr'", "'math:sqrt'"),
        ("shop:Countr(3)", "shop has no 'Countr'", "'shop:Counter(3)'"),
        ("./shp.py", "no file './shp.py'", "shop.py'"),
        ("shop:_hidden", "'_hidden' is private", "public"),
        ("shop:counter._x", "'_x' is private", "public"),
        ("shop:CONSTANT", "it is data (str)", "--constants"),
        ("shop:table", "it is data (dict)", "--constants"),
        ("shop:answer()", "it is data (int)", "--constants"),
        ("shop:counter(1)", "Counter cannot be called", "parentheses"),
        ("shop:later()", "coroutine function", "plain function"),
        ("shop:Needy", "needs arguments", "shop:Needy(...)"),
        ("shop:Needy", "needs arguments", "--class"),
        ("shop..x", "'' is no name", "pkg.mod"),
        ("shop:", "no name", "pkg.mod"),
        ("", "empty target", "pkg.mod"),
        ("3", "'3' is no name", "pkg.mod"),
        ("./", "is a directory", "--app-dir"),
        ("@kw", "no built-in target '@kw'", "@kv"),
    ],
)
def test_a_refusal_says_what_was_wrong_and_what_to_type(folder: Folder, text: str, message: str, hint: str):
    folder.write("shop.py", SERVICE)
    with pytest.raises(TargetError) as caught:
        load(text)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.traceback == ""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import no_such_module_here", "ModuleNotFoundError: No module named 'no_such_module_here'"),
        ("import broken.inner", "ModuleNotFoundError"),
        ("1 / 0", "ZeroDivisionError"),
        ("def f(:", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("class E(Exception):\n    def __str__(self): 1 / 0\nraise E", "E: <exception str() failed>"),
    ],
)
@pytest.mark.parametrize("text", ["broken", "./broken.py", "broken:f"])
def test_a_broken_target_shows_its_own_traceback(folder: Folder, source: str, message: str, text: str):
    folder.write("broken.py", source)
    with pytest.raises(TargetError) as caught:
        load(text)
    assert message in caught.value.message
    assert "broken.py" in caught.value.traceback
    assert "rpcctl" not in caught.value.traceback
    assert "importlib" not in caught.value.traceback
    assert "broken" not in sys.modules


def test_a_constructor_that_fails_is_the_targets_own_failure(folder: Folder):
    folder.write("shop.py", SERVICE)
    with pytest.raises(TargetError, match="no disk") as caught:
        load("shop:Failing")
    assert caught.value.traceback.splitlines()[1].lstrip().startswith(f'File "{folder.path}/shop.py"')


def test_the_current_directory_comes_first_and_once(folder: Folder):
    folder.write("shop.py", SERVICE)
    load("shop")
    load("shop")
    assert sys.path[0] == str(folder.path)
    assert sys.path.count(str(folder.path)) == 1


def test_another_directory_takes_its_place(folder: Folder):
    folder.write("apps/till.py", "def ring(): return 1")
    assert load("till", app_dir="apps").object.ring() == 1
    assert str(folder.path) not in sys.path


@pytest.mark.parametrize("text", ["./shop.py:Counter", "shop.py:Counter", "sub/../shop.py:Counter"])
def test_a_file_is_a_target(folder: Folder, text: str):
    folder.write("shop.py", SERVICE)
    folder.write("sub/empty.py", "")
    target = load(text)
    assert (target.name, target.module, target.object.read()) == ("Counter", "shop", (0, 1))


def test_a_file_is_executed_once_for_all_targets_in_it(folder: Folder):
    folder.write("shop.py", SERVICE)
    load("shop.py:Counter")
    first = sys.modules["shop"]
    load("./shop.py:make(1)")
    assert load("shop").object is first


def test_a_file_without_a_suffix_is_source_too(folder: Folder):
    folder.write("bin/tool", "def ping(): return 'pong'")
    assert load("bin/tool").object.ping() == "pong"


def test_the_neighbours_of_a_file_replace_no_standard_module(folder: Folder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    folder.write("svc/api.py", "import colorsys\nimport near\ndef home(): return colorsys.__file__, near.HERE")
    folder.write("svc/near.py", "HERE = 1")
    folder.write("svc/colorsys.py", "raise RuntimeError('the wrong one')")
    folder.write("colorsys.py", "raise RuntimeError('the wrong one')")
    home, here = load("svc/api.py").object.home()
    assert not home.startswith(str(folder.path))
    assert here == 1


@pytest.mark.parametrize("stem", ["json", "antigravity", "__main__", "my-svc", "pytest"])
def test_a_file_hides_no_module_of_the_same_name(folder: Folder, stem: str):
    before = sys.modules.get(stem)
    folder.write(f"x/{stem}.py", "def who(): return __name__")
    target = load(f"x/{stem}.py")
    assert target.name == stem
    assert target.object.who() not in ("__main__", "json", "antigravity", "pytest")
    assert sys.modules.get(stem) is before
    assert sys.modules[target.module] is target.object


def test_dataclasses_of_a_file_find_their_module(folder: Folder):
    source = """
        from __future__ import annotations
        import dataclasses, pickle

        @dataclasses.dataclass
        class Point:
            x: int

        def copy(x):
            return pickle.loads(pickle.dumps(Point(x))) == Point(x)
    """
    folder.write("json.py", source)
    assert load("./json.py").object.copy(3)


def test_a_builtin_target_is_a_module_of_ours_imported_on_use(folder: Folder, monkeypatch: pytest.MonkeyPatch):
    folder.write("shop.py", SERVICE)
    monkeypatch.setitem(BUILTIN, "till", "shop:Counter")
    monkeypatch.syspath_prepend(str(folder.path))
    assert load("@till")[:2] == ("@till", "till")
    assert load("@till(4, step=2)").object.read() == (4, 2)
    assert load("@till").module == ""


# Loading anew.


def value_of(target: Target) -> object:
    return target.object.value()


def test_reload_sees_a_change_of_the_same_size_in_the_same_second(folder: Folder):
    path = folder.write("live.py", "def value(): return 1")
    stat = path.stat()
    old = load("live")
    folder.write("live.py", "def value(): return 2")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (value_of(reload("live")), value_of(old)) == (2, 1)


@pytest.mark.parametrize("text", ["pkg.api", "./pkg/api.py", "pkg.api:Api"])
def test_reload_takes_along_what_the_target_imports(folder: Folder, text: str):
    folder.write("near.py", "NUMBER = 1")
    folder.write("pkg/__init__.py", "")
    folder.write(
        "pkg/api.py", "import json, near\ndef value(): return near.NUMBER\nclass Api:\n    value = staticmethod(value)"
    )
    old, kept = load(text), sys.modules["json"]
    folder.write("near.py", "NUMBER = 22")
    assert (value_of(reload(text)), value_of(old)) == (22, 1)
    assert sys.modules["json"] is kept


@pytest.mark.parametrize("source", ["raise RuntimeError('half')", "def value(:", "import near, gone"])
@pytest.mark.parametrize("text", ["live", "live.py"])
def test_a_failed_reload_leaves_everything_as_it_was(folder: Folder, source: str, text: str):
    folder.write("near.py", "NUMBER = 1")
    folder.write("live.py", "import near\ndef value():\n    import near\n    return near.NUMBER")
    old = load(text)
    modules = dict(sys.modules)
    folder.write("near.py", "NUMBER = 22")
    folder.write("live.py", source)
    with pytest.raises(TargetError):
        reload(text)
    assert dict(sys.modules) == modules
    assert value_of(old) == 1


def test_reload_never_touches_what_is_not_the_users():
    before = {name: sys.modules[name] for name in ("json", "pytest", "rpcctl.errors", "tests.service.test_target")}
    assert reload("json").object is json
    reload("tests.service.process_target", app_dir=os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
    assert {name: sys.modules[name] for name in before} == before


def test_targets_reloaded_together_share_what_they_shared(folder: Folder):
    folder.write("near.py", "STATE = []")
    folder.write("one.py", "import near\ndef value(): return near.STATE")
    folder.write("two.py", "import near\ndef value(): return near.STATE")
    old = [load("one"), load("two")]
    one, two = reload_all(old)
    assert value_of(one) is value_of(two)
    assert value_of(one) is not value_of(old[0])


def test_a_builtin_target_keeps_what_it_holds_when_others_are_reloaded(folder: Folder, monkeypatch: pytest.MonkeyPatch):
    folder.write("live.py", "def value(): return 1")
    monkeypatch.setitem(BUILTIN, "till", "collections:Counter")
    old = [load("@till"), load("live")]
    folder.write("live.py", "def value(): return 22")
    new = reload_all(old)
    assert new[0].object is old[0].object
    assert value_of(new[1]) == 22


def test_a_module_imported_late_is_new_after_a_reload(folder: Folder):
    folder.write("near.py", "NUMBER = 1")
    folder.write("live.py", "def value():\n    import near\n    return near.NUMBER")
    assert value_of(load("live")) == 1
    folder.write("near.py", "NUMBER = 22")
    assert value_of(reload("live")) == 22
