"""What an instance offers, and a class served as itself: methods, properties, state."""

import functools
import threading
from typing import Any, ClassVar

import pytest

from rpcctl.errors import InvalidArgumentsError, TargetError
from tests.service.tables import call, serve


class Base:
    def inherited(self):
        """From the base."""
        return "base"


class Service(Base):
    __slots__ = ("slotted",)
    LIMIT = 10
    executed: ClassVar[list[str]] = []

    class Inner:
        pass

    def __init__(self) -> None:
        self.state = 1
        self.slotted = 2
        self.given = lambda x: x * 2
        self.lock = threading.Lock()

    def method(self, a, b=2):
        return a + b

    @staticmethod
    def static(a):
        return a

    @classmethod
    def klass(cls, a):
        return cls.__name__, a

    add_one = functools.partialmethod(method, 1)

    @functools.singledispatchmethod
    def single(self, a):
        return "object"

    @single.register
    def _(self, a: int):
        return "int"

    @property
    def level(self) -> int:
        """How high."""
        self.executed.append("level")
        return self.state

    @level.setter
    def level(self, value: int) -> None:
        self.state = value

    @functools.cached_property
    def lazy(self) -> str:
        self.executed.append("lazy")
        return "made"

    @property
    def failing(self):
        raise RuntimeError("executed")

    def _private(self):
        pass


METHODS = {"method", "static", "klass", "add_one", "single", "inherited", "given"}
PROPERTIES = {"level", "lazy", "failing"}


def test_an_instance_offers_every_public_attribute_that_can_be_called():
    Service.executed.clear()
    table = serve(Service())
    assert set(table) == METHODS | PROPERTIES
    assert Service.executed == [], "no property is executed to see what it is"
    assert call(table["method"], 1) == 3
    assert call(table["static"], 1) == 1
    assert call(table["klass"], 1) == ("Service", 1)
    assert call(table["add_one"]) == 3
    assert call(table["single"], 1) == "int"
    assert call(table["given"], 4) == 8


def test_properties_are_read_at_call_time_and_not_written():
    found = Service()
    level = serve(found)["level"]
    found.state = 5
    assert call(level) == 5
    assert level.description.signature() == "() -> int"
    assert level.description.doc == "How high."
    with pytest.raises(InvalidArgumentsError, match="takes 0 positional arguments but 1 was given"):
        call(level, 6)


def test_writable_properties_take_the_new_value():
    found = Service()
    table = serve(found, writable=True)
    assert call(table["level"], 7) is None
    assert call(table["level"]) == found.state == 7
    assert call(table["level"], None) is None
    assert found.state is None, "None is a value like others"
    for read_only in ("lazy", "failing"):
        with pytest.raises(InvalidArgumentsError):
            call(table[read_only], 1)


def test_state_of_an_instance_counts_as_constants():
    table = serve(Service(), constants=True)
    assert set(table) - METHODS - PROPERTIES == {"LIMIT", "state", "slotted", "executed"}
    assert call(table["slotted"]) == 2


def test_a_class_as_itself_offers_its_class_and_static_methods():
    assert set(serve(Service)) == {"static", "klass"}
    assert set(serve(Service, classes=True)) == {"static", "klass", "Inner"}
    assert set(serve(dict)) == {"fromkeys"}
    with pytest.raises(TargetError, match="methods of instances") as caught:
        serve(Base)
    assert "--class" in caught.value.hint


class Eager:
    """An object with an answer for every name."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args: name

    def real(self):
        return "real"


class Misleading:
    def __dir__(self) -> list[str]:
        raise RuntimeError("no list")


def test_objects_that_pretend_are_not_believed():
    assert list(serve(Eager())) == ["real"]
    with pytest.raises(TargetError, match="cannot be listed"):
        serve(Misleading())


def test_attributes_that_raise_are_left_out():
    class Raising:
        def __dir__(self):
            return ["fine", "gone", "broken"]

        def __getattr__(self, name):
            if name == "broken":
                raise OSError("boom")
            raise AttributeError(name)

        def fine(self):
            pass

    assert list(serve(Raising())) == ["fine"]
