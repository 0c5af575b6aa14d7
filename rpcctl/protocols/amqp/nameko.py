"""nameko's RPC: a topic is the name of a service. Pure.

    request   exchange nameko-rpc (topic, durable), key SERVICE.METHOD, reply_to a uuid, correlation_id, header
              nameko.call_id_stack; {"args": [..], "kwargs": {..}}
    reply     exchange nameko-rpc, key = reply_to, the same correlation_id; {"result": r, "error": null or {"exc_type",
              "exc_path", "exc_args", "value"}}
    server    queue rpc-SERVICE, durable, bound SERVICE.*; acknowledged after the reply

As nameko 2.14 has it (nameko/rpc.py, nameko/exceptions.py: serialize).
"""

from collections.abc import Mapping
from typing import Any

from rpcctl.errors import RemoteProtocolError, UsageError
from rpcctl.messages import INSPECT, PING, Failure, Reply, Request, Result

from . import codec
from .codec import Answer, Call, Ids
from .dialects import Route
from .layout import Exchange, Kind, Layout, Queue, ReplyQueue
from .message import Delivery, Message

EXCHANGE = "nameko-rpc"
_STACK = "nameko.call_id_stack"
_PREFIX = "nameko."
_TYPES = {"no_method": "MethodNotFound", "arguments": "IncorrectSignature"}
_KINDS = {f"nameko.exceptions.{name}": kind for kind, name in _TYPES.items()}
_EXPIRES_MS = 300_000
_OWN = {INSPECT: "rpcctl-inspect", PING: "rpcctl-ping"}
"""The reserved methods: with a dot in its name a request would not reach the queue."""
_MEANT = {name: method for method, name in _OWN.items()}


class Nameko:
    """The dialect of nameko 2."""

    late = True

    def __init__(self, route: Route, options: Mapping[str, Any], max_message: int) -> None:
        """The exchange is nameko's, unless another one is named."""
        self._service = route.topic
        self._exchange = route.exchange or EXCHANGE
        self._max_message = max_message

    def request(self, request: Request, ids: Ids, timeout: float | None) -> Message:
        """A call, or one whose reply nobody waits for."""
        if request.fanout:
            raise UsageError("nameko has no one-way calls to every server", hint="cast without --fanout")
        body = {"args": list(request.args), "kwargs": dict(request.kwargs)}
        name = _OWN.get(request.method, request.method)
        headers = {_STACK: [f"rpcctl.call.{ids.unique}"]}
        headers |= {_PREFIX + key: value for key, value in request.context.items()}
        properties = {**codec.JSON_PROPERTIES, "headers": headers, "correlation_id": ids.id, "reply_to": ids.reply_to}
        if not ids.reply_to:
            # A nameko service answers always; what nobody takes is dropped by the exchange.
            properties |= {"correlation_id": ids.unique, "reply_to": ids.unique}
        elif timeout is not None:
            properties["expiration"] = str(max(1, int(timeout * 1000)))
        return Message(self._exchange, f"{self._service}.{name}", codec.write_json(body), properties)

    def read_reply(self, delivery: Delivery) -> Answer:
        """A reply, found by its correlation_id."""
        key = delivery.properties.get("correlation_id")
        found = codec.read_json(delivery, self._max_message)
        if not isinstance(found, dict) or not isinstance(key, str) or "result" not in found:
            raise RemoteProtocolError("the reply is none of nameko's")
        error = found.get("error")
        return Answer(key, Result(found["result"]) if error is None else _read_error(error))

    def reply_queue(self, id: str, seconds: float) -> ReplyQueue:
        """A queue like those of nameko's clients."""
        declared = {"durable": True, "arguments": {"x-expires": max(_EXPIRES_MS, int(seconds * 1000))}}
        return ReplyQueue(f"rpc.reply-rpcctl-{id}", id, declared, self._exchange)

    def queue(self) -> str:
        """The queue of the service."""
        return f"rpc-{self._service}"

    def layout(self, server: str, id: str, kind: Kind) -> Layout:
        """One durable queue, whatever the options say: nameko's own services declare it so."""
        queue = Queue(self.queue(), True, {}, self._exchange, f"{self._service}.*")
        return Layout((Exchange(self._exchange, "topic", True),), (queue,))

    def read_call(self, delivery: Delivery) -> Call:
        """A request; its method is in the routing key."""
        found = codec.read_json(delivery, self._max_message)
        if not isinstance(found, dict) or not delivery.key.startswith(f"{self._service}."):
            raise RemoteProtocolError("the request is none of nameko's")
        args, kwargs = found.get("args", []), found.get("kwargs", {})
        headers, properties = delivery.headers, delivery.properties
        name = delivery.key[len(self._service) + 1 :]
        call = Call(
            _MEANT.get(name, name),
            reply_to=properties.get("reply_to") or "",
            id=properties.get("correlation_id") or "",
            context={key[len(_PREFIX) :]: value for key, value in headers.items() if key.startswith(_PREFIX)},
        )
        if not isinstance(args, list) or not isinstance(kwargs, dict):
            return call._replace(refusal=Failure("arguments", "MalformedRequest", "args or kwargs are missing"))
        return call._replace(args=tuple(args), kwargs=kwargs)

    def reply(self, call: Call, reply: Reply | None, unique: str) -> Message:
        """A reply."""
        value = reply.value if isinstance(reply, Result) else None
        error = _write_error(reply) if isinstance(reply, Failure) else None
        properties = {**codec.JSON_PROPERTIES, "correlation_id": call.id}
        return Message(self._exchange, call.reply_to, codec.write_json({"result": value, "error": error}), properties)


make = Nameko


def _write_error(failure: Failure) -> dict[str, Any]:
    name = _TYPES.get(failure.kind, failure.type)
    module = "nameko.exceptions" if failure.kind in _TYPES else failure.module or "builtins"
    return {
        "exc_type": name,
        "exc_path": f"{module}.{name}",
        "exc_args": [failure.message] if failure.args is None else list(map(str, failure.args)),
        "value": failure.message,
    }


def _read_error(error: Any) -> Failure:
    if not isinstance(error, dict):
        return Failure("remote", "error", str(error)[:1000])
    name, path, text = (str(error.get(key) or "") for key in ("exc_type", "exc_path", "value"))
    return Failure(_KINDS.get(path, "remote"), name or "error", text, module=path.rpartition(".")[0])
