"""The table of XML-RPC cases: how a request is made of an entry, and what counts as the expected answer.

Each entry says what to send and what is to come back; the methods that the requests call are here too.
"""

import json
import math
import xmlrpc.client
from base64 import b64decode
from datetime import datetime
from pathlib import Path
from typing import Any
from xmlrpc.server import SimpleXMLRPCDispatcher

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("xmlrpc-cases.json").read_text())
NAN = float("nan")


class Arithmetic:
    """The object behind the dotted names."""

    def add(self, a: int, b: int) -> int:
        return a + b

    def _hidden(self) -> str:
        return "secret"


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def raise_value_error() -> None:
    raise ValueError("boom")


def raise_type_error(x: Any) -> None:
    raise TypeError("inside")


def raise_fault() -> None:
    raise xmlrpc.client.Fault(42, "custom")


METHODS: dict[str, Any] = {
    "add": add,
    "echo": lambda v: v,
    "length": lambda v: len(v),
    "typename": lambda v: type(v).__name__,
    "noargs": lambda: "ok",
    "noargs1": lambda v: "ok",
    "noop": lambda: None,
    "boom": raise_value_error,
    "typeerror_inside": raise_type_error,
    "fault": raise_fault,
    "unserialisable": lambda: object(),
    "ctrl": lambda: "a\x01b",
    "surrogate": lambda: "a\ud800b",
    "bigint": lambda: 2**40,
    "hugeint": lambda: 10**30,
    "nan": lambda: NAN,
    "intkeys": lambda: {1: "x"},
    "tup": lambda: (1, 2),
    "rawbytes": lambda: b"\xff\x00\xfe",
    "now": lambda: datetime(2026, 1, 30, 14, 8, 55),
    "cr": lambda: "a\rb",
    "repeat": lambda s, n: s * n,
    "math.add": Arithmetic().add,
    "höhe": lambda v: v,
}


def dispatcher() -> SimpleXMLRPCDispatcher:
    """The methods, registered as programs do that were written for the standard library."""
    made = SimpleXMLRPCDispatcher()
    for name, function in METHODS.items():
        made.register_function(function, name)
    return made


def body_of(case: dict[str, Any]) -> bytes:
    """What the entry sends."""
    if "request_hex" in case:
        return bytes.fromhex(case["request_hex"])
    if "request_gen" in case:
        return _generate(**case["request_gen"]).encode()
    return str(case["request"]).encode("utf-8", "surrogatepass")


def _generate(open: str, item: str, count: int, close: str, item2: str = "", count2: int = 0, close2: str = "") -> str:
    items = "".join(item % n for n in range(count)) if "%d" in item else item * count
    return open + items + close + item2 * count2 + close2


def check(case: dict[str, Any], answer: bytes) -> None:
    """Fail unless the answer, read by the standard library, is one that the entry expects."""
    assert case.get("must_not_contain", "\0") not in answer.decode()
    wanted = [case["expect"], *case.get("also_ok", ())]
    found = _read(answer)
    fits = _is_fault if isinstance(found, xmlrpc.client.Fault) else _is_result
    assert any(fits(each, found) for each in wanted), found


def _read(answer: bytes) -> Any:
    try:
        (value,), _ = xmlrpc.client.loads(answer, use_builtin_types=True)
    except xmlrpc.client.Fault as fault:
        return fault
    return value


def _is_fault(wanted: dict[str, Any], fault: xmlrpc.client.Fault) -> bool:
    codes = wanted.get("codes", [fault.faultCode])
    text = wanted.get("string", fault.faultString)
    return bool(wanted.get("fault")) and fault.faultCode in codes and fault.faultString == text


def _is_result(wanted: dict[str, Any], value: Any) -> bool:
    if "contains" in wanted:
        return set(wanted["contains"]) <= set(value)
    if "has_key" in wanted:
        return wanted["has_key"] in value
    return "result" in wanted and _equal(wanted["result"], value)


def _equal(wanted: Any, value: Any) -> bool:
    """Whether the value is the one wanted, an int being no float."""
    if isinstance(wanted, dict) and len(wanted) == 1:
        if "$any" in wanted:
            return True
        if "$base64" in wanted:
            return type(value) is bytes and value == b64decode(wanted["$base64"])
        if "$dateTime" in wanted:
            return type(value) is datetime and value.strftime("%Y%m%dT%H:%M:%S") == wanted["$dateTime"]
    if isinstance(wanted, dict):
        return (
            isinstance(value, dict)
            and wanted.keys() == value.keys()
            and all(_equal(wanted[key], value[key]) for key in wanted)
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and len(wanted) == len(value) and all(map(_equal, wanted, value))
    if type(wanted) is float:
        return type(value) is float and math.isclose(wanted, value)
    return type(wanted) is type(value) and bool(wanted == value)
