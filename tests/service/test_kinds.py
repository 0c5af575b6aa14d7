"""Kinds of callables: coroutines, generators, decorated by others, commands, dispatchers."""

import functools
import sys
from typing import Any

import pytest

from rpcctl.errors import TargetError
from rpcctl.service.methods import Selection, expose, skipped
from rpcctl.service.target import load
from tests.service.conftest import Folder
from tests.service.tables import call, names, serve


class Adder:
    """Adds."""

    def __init__(self, n: int = 1) -> None:
        self.n = n

    def __call__(self, x: int) -> int:
        return self.n + x


class AsyncAdder(Adder):
    async def __call__(self, x: int) -> int:  # type: ignore[override]
        return self.n + x


async def coroutine(a):
    pass


def generator(a):
    yield a


async def async_generator(a):
    yield a


@functools.lru_cache
def cached(a):
    return a


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (len, "plain"),
        (cached, "plain"),
        (lambda a: a, "plain"),
        (Adder(), "plain"),
        (coroutine, "coroutine"),
        (AsyncAdder(), "coroutine"),
        (functools.partial(coroutine, 1), "coroutine"),
        (functools.partial(AsyncAdder(), 1), "coroutine"),
        (generator, "generator"),
        (functools.partial(generator), "generator"),
        (async_generator, "async_generator"),
    ],
)
def test_one_function_is_a_table_of_one_of_its_kind(found: Any, kind: str):
    table = serve(found)
    assert list(table) == ["it"], "named as the target names it, not as the function names itself"
    assert table["it"].kind == kind
    assert table["it"].description.stream == ("generator" in kind)


def test_kinds_of_methods():
    class Async:
        async def one(self):
            pass

        async def many(self):
            yield 1

        def some(self):
            yield 1

        @staticmethod
        async def free():
            pass

    kinds = {name: method.kind for name, method in serve(Async()).items()}
    assert kinds == {"one": "coroutine", "many": "async_generator", "some": "generator", "free": "coroutine"}


class ReqStream:
    pass


class ReqRep:
    pass


class Decorator:
    """As zerorpc 0.6.3's DecoratorBase."""

    pattern: Any = ReqRep()

    def __init__(self, functor: Any) -> None:
        self._functor = functor
        self.__doc__ = functor.__doc__
        self.__name__ = getattr(functor, "__name__", str(functor))

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else type(self)(self._functor.__get__(instance, owner))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._functor(*args, **kwargs)


class stream(Decorator):
    pattern = ReqStream()


class Streaming:
    @stream
    def count(self, n: int = 3):
        """Counts."""
        yield from range(n)

    @stream
    def listed(self, n):
        return list(range(n))

    @Decorator
    def plain(self, a):
        return a


def test_zerorpcs_stream_decorator_makes_a_generator_method():
    table = serve(Streaming())
    assert {name: method.kind for name, method in table.items()} == {
        "count": "generator",
        "listed": "generator",
        "plain": "plain",
    }
    assert list(call(table["count"], 2)) == [0, 1]
    assert list(call(table["listed"], 2)) == [0, 1]
    assert call(table["plain"], 5) == 5
    assert table["count"].description.signature() == "(n: int = 3)"
    assert table["count"].description.doc == "Counts."


def test_zerorpcs_own_decorators_are_recognised():
    import zerorpc

    class Stock:
        @zerorpc.stream
        def count(self, n):
            yield from range(n)

        @zerorpc.rep
        def one(self):
            return 1

    table = serve(Stock())
    assert (table["count"].kind, table["one"].kind) == ("generator", "plain")
    assert list(call(table["count"], 2)) == [0, 1]


class Command:
    """As click's: it would parse the words of this process and exit."""

    def __init__(self, callback: Any) -> None:
        self.callback = callback
        self.params: list[Any] = []

    def make_context(self) -> None: ...

    def __call__(self) -> None:
        sys.exit(2)


COMMANDS = """
    from tests.service.test_kinds import Command

    def greet(name):
        return "hello " + name

    hello = Command(greet)
    group = Command(None)
"""


def test_commands_are_skipped_and_their_function_exposed_by_name(folder: Folder):
    folder.write("tool.py", COMMANDS)
    assert names("tool") == ["greet"]
    assert skipped([load("tool")])["commands"] == ["hello", "group"]
    assert call(expose([load("tool")], Selection(only=("hello",)))["hello"], "you") == "hello you"
    assert call(expose([load("tool:hello")])["hello"], "you") == "hello you"
    for text, only in (("tool:group", ()), ("tool", ("group",))):
        with pytest.raises(TargetError, match="command"):
            names(text, only=only)


def test_commands_of_typer_are_recognised():
    import typer

    app = typer.Typer()

    @app.command()
    def greet(name: str) -> None: ...

    with pytest.raises(TargetError, match="command"):
        serve(app)


class Registered:
    def area(self, a, b):
        return a * b

    def shared(self):
        return "instance"

    def _hidden(self):
        pass


def test_a_dispatcher_offers_what_is_registered_with_it():
    from xmlrpc.server import SimpleXMLRPCDispatcher

    dispatcher = SimpleXMLRPCDispatcher(allow_none=True)
    dispatcher.register_function(lambda: 0, "size")
    dispatcher.register_function(lambda: "function", "shared")
    dispatcher.register_function(lambda: 0, "a.b")
    dispatcher.register_function(lambda: 0, "a._b")
    dispatcher.register_introspection_functions()
    dispatcher.register_instance(Registered())
    table = serve(dispatcher)
    assert set(table) == {"size", "shared", "a.b", "area"}
    assert call(table["area"], 2, 3) == 6
    assert call(table["shared"]) == "function", "as in the dispatcher itself"
