"""Encodings as wires have them, and values of many kinds."""

import collections
import dataclasses
import datetime
import enum
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from rpcctl.messages import Encoding

ZMQ = Encoding("zmq", int_bits=64)
JSON = Encoding("jsonrpc", binary=False, nan=False, any_key=False)
XML = Encoding("xmlrpc", int_bits=32, unsigned=False, any_key=False, control_characters=False)
ENCODINGS = (JSON, XML, ZMQ)


class Colour(enum.Enum):
    RED = "red"
    WHEN = datetime.date(2024, 1, 2)
    NESTED = (1, 2)


class Level(enum.IntEnum):
    LOW = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Text(str):
    def __str__(self) -> str:
        return "not me"


class Number(int):
    def __repr__(self) -> str:
        return "not me"


class Real(float):
    pass


class Blob(bytes):
    pass


class Rows(list[Any]):
    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("its own iteration is not asked")


Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass
class Row:
    when: Any
    tags: Any = ()
    kind: ClassVar[str] = "row"


class AttrsField:
    def __init__(self, name: str) -> None:
        self.name = name


class AttrsTable(tuple[Any, ...]):
    pass


class AttrsLike:
    __attrs_attrs__ = AttrsTable((AttrsField("a"), AttrsField("b")))

    def __init__(self) -> None:
        self.a, self.b = 1, {2}


class PydanticLike:
    def model_dump(self) -> dict[str, Any]:
        return {"at": datetime.date(2024, 1, 2)}

    def __iter__(self) -> Iterator[Any]:
        yield "at", 1


class StructLike:
    __struct_fields__ = ("a",)

    def __init__(self) -> None:
        self.a = Level.LOW


class NumpyScalar:
    dtype = "int64"

    def __init__(self, value: Any) -> None:
        self.value = value

    def item(self) -> Any:
        return self.value


class NumpyArray(NumpyScalar):
    def tolist(self) -> Any:
        return self.value


class LongDouble(NumpyScalar):
    def item(self) -> Any:
        return self


class Table(Mapping[Any, Any]):
    def __init__(self, data: dict[Any, Any]) -> None:
        self._data = data

    def __getitem__(self, key: Any) -> Any:
        return self._data[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


def generate(*values: Any) -> Iterator[Any]:
    yield from values


def ordered() -> dict[str, int]:
    made = collections.OrderedDict(b=1, a=2)
    made.move_to_end("b")
    return made
