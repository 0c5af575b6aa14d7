"""Reads a pickle as data: no class is looked up, nothing is imported, nothing is called. Pure.

What a pickle would have Python import and call becomes a `Made`: the dotted name, the arguments, the state, the items.
Tuples become lists and sets `Made`s, so that nothing a peer sends is ever hashed in depth: a deep tuple as a key takes
the stack of CPython's own reader, and the process with it. The opcodes are those of the pickle protocols 3 to 5, which
Python 3 writes (PEP 3154, PEP 574, and CPython's `pickletools` for the rest).
"""

from collections.abc import Callable, Collection
from typing import Any

from rpcctl.errors import RemoteProtocolError

_SCALARS = frozenset({str, int, float, bool, bytes, type(None)})
_LONGEST_INTEGER = 1785
"""Bytes: beyond it Python does not write the number down (4300 digits)."""
_LONGEST_KEY = 32
"""Items of a tuple that is the key of a dictionary."""


class RefusedError(RemoteProtocolError):
    """A pickle that names something which it must not name here."""


class Made:
    """What an object of the peer's was made from; `name` is that of its class or of what makes it."""

    __slots__ = ("args", "items", "name", "pairs", "state")

    def __init__(self, name: str, args: list[Any] | None = None) -> None:
        """Without arguments it stands for the class or function itself."""
        self.name = name
        self.args = args
        self.state: Any = None
        self.items: list[Any] = []
        self.pairs: dict[Any, Any] = {}

    def __repr__(self) -> str:
        """As a call would make it, for those who look on."""
        return self.name if self.args is None else f"{self.name}({', '.join(map(repr, self.args))})"


def read(data: bytes, allowed: Collection[str] | None = None, key: Callable[[Any], Any] | None = None) -> Any:
    """The value that a pickle holds, made of lists, dicts, scalars and `Made`s.

    `allowed` are the only names that may occur; RefusedError for another one, RemoteProtocolError for no pickle.
    `key` makes a scalar of a dictionary's key that is none.
    """
    reader = _Reader(data, allowed, key)
    try:
        return reader.run()
    except RemoteProtocolError:
        raise
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as exc:
        raise RemoteProtocolError(f"no pickle that can be read: broken at byte {reader.at}") from exc


class _Reader:
    """The pickle machine: a stack, the stacks below its marks, and the memo."""

    def __init__(self, data: bytes, allowed: Collection[str] | None, key: Callable[[Any], Any] | None) -> None:
        self.at = 0
        self._data = data
        self._allowed = allowed
        self._scalar = key
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        data, steps, memo = self._data, _STEPS, self._memo
        while True:
            # Whoever reads beyond the end comes here afterwards, and fails.
            at = self.at
            code = data[at]
            self.at = at + 1
            # What small requests consist of, before what needs a call.
            if code == _MEMOIZE:
                memo[len(memo)] = self._stack[-1]
            elif code == _BYTE:
                self._stack.append(data[at + 1])
                self.at = at + 2
            elif code == _SHORT_TEXT and (text := data[at + 2 : at + 2 + data[at + 1]]).isascii():
                self._stack.append(text.decode("ascii"))
                self.at = at + 2 + data[at + 1]
            elif code == _STOP:
                return self._stack.pop()
            else:
                steps[code](self)

    # Scalars; the width is that of the length before them, in bytes.

    def _take(self, size: int) -> bytes:
        start = self.at
        self.at = end = start + size
        return self._data[start:end]

    def _number(self, width: int) -> int:
        return int.from_bytes(self._take(width), "little")

    def skip(self, size: int) -> None:
        self.at += size

    def push(self, value: bool | None) -> None:
        self._stack.append(value)

    def push_text(self, width: int = 1) -> None:
        data = self._take(self._number(width))
        try:
            self._stack.append(data.decode())
        except UnicodeDecodeError:
            # Half a pair, as a file's name may have it, travels nowhere.
            text = data.decode("utf-8", "surrogatepass")
            self._stack.append(text.encode("utf-8", "backslashreplace").decode())

    def push_bytes(self, width: int) -> None:
        self._stack.append(self._take(self._number(width)))

    def push_short(self) -> None:
        self._stack.append(self._number(2))

    def push_integer(self, size: int) -> None:
        if size > _LONGEST_INTEGER:
            raise RemoteProtocolError(f"an integer of {size} bytes, {_LONGEST_INTEGER} are allowed")
        self._stack.append(int.from_bytes(self._take(size), "little", signed=True))

    def push_long(self, width: int) -> None:
        self.push_integer(self._number(width))

    def push_float(self) -> None:
        from struct import error, unpack

        try:
            self._stack += unpack(">d", self._take(8))
        except error as exc:
            raise ValueError from exc

    # The stack.

    def mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _pop_mark(self) -> list[Any]:
        items = self._stack
        self._stack = self._below.pop()
        return items

    def pop(self) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._pop_mark()

    def pop_to_mark(self) -> None:
        self._pop_mark()

    def push_list(self) -> None:
        self._stack.append([])

    def push_dict(self) -> None:
        self._stack.append({})

    def push_set(self) -> None:
        self._stack.append(Made("builtins.set", []))

    def tuple_from_mark(self) -> None:
        items = self._pop_mark()
        self._stack.append(items)

    def tuple_of(self, size: int) -> None:
        items = self._stack[-size:]
        if len(items) < size:
            raise IndexError
        self._stack[-size:] = [items]

    def frozen_set(self) -> None:
        made = Made("builtins.frozenset", [])
        made.items = self._pop_mark()
        self._stack.append(made)

    # The memo.

    def put(self, width: int) -> None:
        self._memo[self._number(width)] = self._stack[-1]

    def recall(self) -> None:
        self._stack.append(self._memo[self._data[self.at]])
        self.at += 1

    def recall_far(self) -> None:
        self._stack.append(self._memo[self._number(4)])

    # Containers.

    def append(self) -> None:
        self._extend([self._stack.pop()])

    def extend(self) -> None:
        self._extend(self._pop_mark())

    def _extend(self, items: list[Any]) -> None:
        target = self._stack[-1]
        (target.items if type(target) is Made else _expect(list, target)).extend(items)

    def set_item(self) -> None:
        pair = self._stack[-2:]
        del self._stack[-2:]
        self._set(pair)

    def set_items(self) -> None:
        self._set(self._pop_mark())

    def _set(self, items: list[Any]) -> None:
        target = self._stack[-1]
        pairs = target.pairs if type(target) is Made else _expect(dict, target)
        for index in range(0, len(items), 2):
            pairs[self._key(items[index])] = items[index + 1]

    def _key(self, key: Any) -> Any:
        if type(key) in _SCALARS:
            return key
        if type(key) is list and len(key) <= _LONGEST_KEY and all(type(each) in _SCALARS for each in key):
            inside = ", ".join(map(repr, key))
            return f"({inside},)" if len(key) == 1 else f"({inside})"
        found = self._scalar(key) if type(key) is Made and self._scalar else None
        if type(found) in _SCALARS and found is not None:
            return found
        raise RemoteProtocolError("a dictionary's key is neither text nor a number")

    # Objects, which are not made.

    def name(self) -> None:
        """GLOBAL: two lines of text."""
        end = self._data.index(b"\n", self.at)
        module, self.at = self._data[self.at : end].decode(), end + 1
        end = self._data.index(b"\n", self.at)
        name, self.at = self._data[self.at : end].decode(), end + 1
        self._push_name(module, name)

    def name_from_stack(self) -> None:
        name = self._stack.pop()
        self._push_name(self._stack.pop(), name)

    def _push_name(self, module: Any, name: Any) -> None:
        found = f"{_expect(str, module)}.{_expect(str, name)}"
        if self._allowed is not None and found not in self._allowed:
            raise RefusedError(f"a pickle that names {found!r} is refused: plain values only")
        self._stack.append(Made(found))

    def make(self) -> None:
        args = self._stack.pop()
        maker = self._stack.pop()
        if type(maker) is not Made or maker.args is not None or type(args) is not list:
            raise TypeError
        self._stack.append(Made(maker.name, args))

    def make_with_names(self) -> None:
        """NEWOBJ_EX: of a class, arguments by position and by name."""
        named = self._stack.pop()
        self.make()
        self._stack[-1].pairs.update(_expect(dict, named))

    def build(self) -> None:
        state = self._stack.pop()
        made = self._stack[-1]
        _expect(Made, made).state = state


def _expect(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError
    return value


_STOP = ord(".")
_MEMOIZE = 0x94
_BYTE = ord("K")
_SHORT_TEXT = 0x8C
_STEPS: dict[int, Callable[[_Reader], None]] = {
    0x80: lambda reader: reader.skip(1),  # PROTO
    0x95: lambda reader: reader.skip(8),  # FRAME: one after the other, whatever its length says
    ord("("): _Reader.mark,
    ord("0"): _Reader.pop,
    ord("1"): _Reader.pop_to_mark,
    ord("N"): lambda reader: reader.push(None),
    0x88: lambda reader: reader.push(True),
    0x89: lambda reader: reader.push(False),
    ord("J"): lambda reader: reader.push_integer(4),
    ord("M"): _Reader.push_short,
    0x8A: lambda reader: reader.push_long(1),
    0x8B: lambda reader: reader.push_long(4),
    ord("G"): _Reader.push_float,
    _SHORT_TEXT: _Reader.push_text,
    ord("X"): lambda reader: reader.push_text(4),
    0x8D: lambda reader: reader.push_text(8),
    ord("C"): lambda reader: reader.push_bytes(1),
    ord("B"): lambda reader: reader.push_bytes(4),
    0x8E: lambda reader: reader.push_bytes(8),
    0x96: lambda reader: reader.push_bytes(8),  # BYTEARRAY8
    ord("]"): _Reader.push_list,
    ord("}"): _Reader.push_dict,
    0x8F: _Reader.push_set,
    ord(")"): _Reader.push_list,
    ord("t"): _Reader.tuple_from_mark,
    0x85: lambda reader: reader.tuple_of(1),
    0x86: lambda reader: reader.tuple_of(2),
    0x87: lambda reader: reader.tuple_of(3),
    0x91: _Reader.frozen_set,
    ord("a"): _Reader.append,
    ord("e"): _Reader.extend,
    0x90: _Reader.extend,  # ADDITEMS
    ord("s"): _Reader.set_item,
    ord("u"): _Reader.set_items,
    ord("q"): lambda reader: reader.put(1),
    ord("r"): lambda reader: reader.put(4),
    ord("h"): _Reader.recall,
    ord("j"): _Reader.recall_far,
    ord("c"): _Reader.name,
    0x93: _Reader.name_from_stack,
    ord("R"): _Reader.make,
    0x81: _Reader.make,  # NEWOBJ
    0x92: _Reader.make_with_names,
    ord("b"): _Reader.build,
}
"""By opcode."""
