"""The methods that every XML-RPC server has, as a Handler around another one: `system.*` and `rpcctl.inspect`.

Pure: knows no wire but its values, no socket and no thread. A `system.multicall` runs its calls one after the other, as
callers expect of it, and is one call for the executor.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rpcctl.answers import gather, unwritable
from rpcctl.errors import LocalProtocolError
from rpcctl.interfaces import Handler
from rpcctl.messages import INSPECT, PING, Description, Failure, Reply, Request, Result

from . import codec, description, faults
from .reader import INVALID_REQUEST

MULTICALL = "system.multicall"
LIST = "system.listMethods"
HELP = "system.methodHelp"
SIGNATURE = "system.methodSignature"
CAPABILITIES = "system.getCapabilities"

_OWN_HELP: Mapping[str, tuple[str, Any]] = {
    LIST: ("The names of all methods.", [["array"]]),
    HELP: ("The documentation of a method, by its name.", [["string", "string"]]),
    SIGNATURE: ("The types of a method's result and parameters, by its name.", [["array", "string"]]),
    MULTICALL: ("Several calls in one: an array of structs methodName and params.", [["array", "array"]]),
    CAPABILITIES: ("The extensions that this server has.", [["struct"]]),
    INSPECT: ("All methods with their parameters and documentation.", [["struct"]]),
}
NAMES = frozenset(_OWN_HELP)


class System:
    """Answers the methods of NAMES, and hands on all others."""

    def __init__(self, handler: Handler, types: codec.Types, max_calls: int, max_items: int) -> None:
        """`max_calls` bounds the calls in one multicall, `max_items` the list made of a stream in it."""
        self._handler = handler
        self._types = types
        self._max_calls = max_calls
        self._max_items = max_items

    def dispatch(self, request: Request) -> Iterator[Reply]:
        """A Handler."""
        if request.method == PING:
            return iter((_no_method(request),))
        if request.method not in NAMES:
            return self._handler(request)
        return self._multicall(request) if request.method == MULTICALL else self._introspect(request)

    def _introspect(self, request: Request) -> Iterator[Reply]:
        # Nothing happens before the first step, as with any handler.
        answer, count = _ANSWERS[request.method]
        if len(request.args) != count:
            yield _arguments(f"{request.method}() takes {count} arguments but {len(request.args)} were given")
            return
        described = next(self._handler(request._replace(method=INSPECT, args=())))
        if isinstance(described, Result) and isinstance(described.value, Description):
            yield answer(described.value, *request.args)
        else:
            yield described

    def _multicall(self, request: Request) -> Iterator[Reply]:
        calls = request.args[0] if len(request.args) == 1 else None
        if not isinstance(calls, list):
            yield _arguments(f"{MULTICALL}() takes one array of structs with methodName and params")
        elif len(calls) > self._max_calls:
            yield _arguments(f"{len(calls)} calls in one, {self._max_calls} are allowed (--max-batch)")
        else:
            yield Result([self._answer(call, request) for call in calls])

    def _answer(self, call: Any, request: Request) -> Any:
        """An array of the one result, or the struct of a fault."""
        reply = self._run(call, request)
        if isinstance(reply, Failure):
            return faults.to_struct(reply)
        try:
            # One result that the wire cannot carry must not spoil the others.
            codec.write_reply(reply.value, self._types)
        except LocalProtocolError as exc:
            return faults.to_struct(unwritable(call["methodName"], exc.message))
        return [reply.value]

    def _run(self, call: Any, request: Request) -> Result | Failure:
        method = call.get("methodName") if isinstance(call, dict) else None
        params = call.get("params", []) if isinstance(call, dict) else None
        if not isinstance(method, str) or not isinstance(params, list):
            return Failure("protocol", "TypeError", "a call is a struct of methodName and params")
        if method.strip() == MULTICALL:
            return Failure("protocol", "RecursionError", f"{MULTICALL} within itself", code=INVALID_REQUEST)
        replies = self.dispatch(request._replace(method=method.strip(), args=tuple(params)))
        return gather(replies, method, self._max_items)


def _list_methods(found: Description) -> Reply:
    return Result(sorted({each.name for each in found.methods} | NAMES - {INSPECT}))


def _help(found: Description, name: Any) -> Reply:
    if name in _names(name):
        return Result(_OWN_HELP[name][0])
    method = found.find(name)
    return Result(method.doc) if method else _unknown(name)


def _signature(found: Description, name: Any) -> Reply:
    if name in _names(name):
        return Result(_OWN_HELP[name][1])
    method = found.find(name)
    return Result(description.signatures(method)) if method else _unknown(name)


def _names(name: Any) -> frozenset[str]:
    """NAMES for what can be looked up in it."""
    return NAMES if isinstance(name, str) else frozenset()


def _unknown(name: Any) -> Failure:
    return _arguments(f"there is no method {name!r:.100}")


def _no_method(request: Request) -> Failure:
    return Failure("no_method", "NameError", request.method)


def _arguments(message: str) -> Failure:
    return Failure("arguments", "TypeError", message)


_ANSWERS: Mapping[str, tuple[Callable[..., Reply], int]] = {
    LIST: (_list_methods, 0),
    HELP: (_help, 1),
    SIGNATURE: (_signature, 1),
    CAPABILITIES: (lambda found: Result(description.capabilities(found)), 0),
    INSPECT: (lambda found: Result(description.to_inspect(found)), 0),
}
"""Method to what answers it from the Description, and the number of its arguments."""
INSPECTING = frozenset(_ANSWERS)
"""The methods that tell of the others."""
