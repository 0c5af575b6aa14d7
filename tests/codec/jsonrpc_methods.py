"""The methods that the cases of jsonrpc-cases.json call, registered as existing servers register theirs."""

import json
from typing import Any
from xmlrpc.server import SimpleXMLRPCDispatcher

from rpcctl.interfaces import Settings
from rpcctl.protocols.jsonrpc import codec
from rpcctl.protocols.jsonrpc.calls import Exchange
from rpcctl.service.dispatch import Service
from rpcctl.service.executor import Inline
from rpcctl.service.methods import Method


class AppError(Exception):
    """An error with a number of its own."""

    code = 1234
    message = "custom"
    data = {"k": [1]}  # noqa: RUF012


def subtract(minuend, subtrahend):
    return minuend - subtrahend


def echo(value):
    return value


def kw(a, b=2, *, c=3):
    return [a, b, c]


def anykw(**k):
    return k


def nothing(*a):
    return None


def raises(error: BaseException) -> Any:
    def method():
        raise error

    return method


def typeerror_inside(x):
    return x + "text"


def returns(value: Any) -> Any:
    return lambda: value


METHODS: dict[str, Any] = {
    "subtract": subtract,
    "sum": lambda *n: sum(n),
    "update": nothing,
    "notify_hello": nothing,
    "notify_sum": nothing,
    "get_data": returns(["hello", 5]),
    "echo": echo,
    "noop": lambda: None,
    "kw": kw,
    "anykw": anykw,
    "boom": raises(ValueError("boom")),
    "typeerror_inside": typeerror_inside,
    "keyerror_inside": raises(KeyError("nope")),
    "attrerror_inside": raises(AttributeError("nope")),
    "app_error": raises(AppError()),
    "exits": raises(SystemExit(3)),
    "unserialisable": returns(object()),
    "nan": returns(float("nan")),
    "rawbytes": returns(b"\xff\x00\xfe"),
    "typename": lambda v: type(v).__name__,
    "höhe": echo,
    "math.add": lambda x, y: x + y,
    "tools/list": returns([]),
}


def dispatcher() -> SimpleXMLRPCDispatcher:
    """All of them in a dispatcher of the standard library, as a target to serve."""
    made = SimpleXMLRPCDispatcher(allow_none=True)
    for name, method in METHODS.items():
        made.register_function(method, name)
    return made


SETTINGS = Settings()


def make_exchange(executor, *, methods=METHODS, rules=codec.RULES, settings=SETTINGS):
    """What takes bodies for a service of the methods."""
    table = {name: Method(name, function) for name, function in methods.items()}
    return Exchange(Service(table, name="fixture", tracebacks=False).dispatch, executor, settings, rules)


def ask(body, **options):
    """The answer to a body, from an exchange that runs calls on this thread."""
    answers: list[bytes] = []
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    make_exchange(Inline(), **options).take(body, "peer", answers.append)
    (answer,) = answers
    return answer


def call(method, *params, **more):
    """A call as its object."""
    return {"jsonrpc": "2.0", "method": method, "params": list(params), "id": 1, **more}
