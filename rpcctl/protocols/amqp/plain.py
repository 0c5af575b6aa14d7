"""RPC as RabbitMQ's tutorial has it, in many languages: reply_to and correlation_id; JSON-RPC 2.0 in the body. Pure.

    request   default exchange, key = the queue (or an exchange, key = topic), reply_to, correlation_id
              {"jsonrpc": "2.0", "method": m, "params": [..] or {..}, "id": correlation_id}
    reply     default exchange, key = reply_to, the same correlation_id
              {"jsonrpc": "2.0", "result": r, "id": i}, or "error": {"code", "message", "data"} in place of the result

A client takes its replies by direct reply-to, which needs no queue. Both kinds of arguments at once travel as
{"__args": [..], name: value}.
"""

from collections.abc import Mapping
from typing import Any

from rpcctl.errors import RemoteProtocolError
from rpcctl.messages import FAILURES, Failure, Reply, Request, Result

from . import codec
from .codec import Answer, Call, Ids
from .dialects import Route
from .layout import Exchange, Kind, Layout, ReplyQueue
from .message import Delivery, Message

DIRECT = "amq.rabbitmq.reply-to"
"""RabbitMQ's pseudo-queue: what is sent there goes straight to the connection that asked."""
_POSITIONAL = "__args"
_CODES: Mapping[str, int] = {"no_method": -32601, "arguments": -32602, "busy": -32005, "timeout": -32008}
_KINDS = {-32601: "no_method", -32602: "arguments"}


class Plain:
    """The dialect without a framework."""

    late = False

    def __init__(self, route: Route, options: Mapping[str, Any], max_message: int) -> None:
        """Read the options of whichever end it is."""
        self._route = route
        self._max_message = max_message
        self._kind = options.get("exchange-type") or "direct"

    def request(self, request: Request, ids: Ids, timeout: float | None) -> Message:
        """A call or one-way call."""
        body: dict[str, Any] = {"jsonrpc": "2.0", "method": request.method, "params": _params(request)}
        properties: dict[str, Any] = dict(codec.JSON_PROPERTIES)
        if request.context:
            properties["headers"] = dict(request.context)
        if ids.reply_to:
            body["id"] = ids.id
            properties |= {"correlation_id": ids.id, "reply_to": ids.reply_to}
            if timeout is not None:
                properties["expiration"] = str(max(1, int(timeout * 1000)))
        topic = self._route.topic
        exchange, key = (f"{topic}_fanout", "") if request.fanout else (self._route.exchange, topic)
        return Message(exchange, key, codec.write_json(body), properties)

    def read_reply(self, delivery: Delivery) -> Answer:
        """A reply, found by its correlation_id."""
        key = delivery.properties.get("correlation_id")
        found = codec.read_json(delivery, self._max_message)
        if not isinstance(found, dict) or not isinstance(key, str) or not {"result", "error"} & set(found):
            raise RemoteProtocolError("the reply is no JSON-RPC, or has no correlation_id")
        error = found.get("error")
        return Answer(key, Result(found.get("result")) if error is None else _read_error(error))

    def reply_queue(self, id: str, seconds: float) -> ReplyQueue:
        """None is made: replies come directly."""
        return ReplyQueue(DIRECT, DIRECT)

    def queue(self) -> str:
        """The queue in which requests wait."""
        return self._route.topic

    def layout(self, server: str, id: str, kind: Kind) -> Layout:
        """One queue for requests, bound where it is asked for, and one for what goes to every server."""
        topic, exchange = self._route.topic, self._route.exchange
        fanout = Exchange(f"{topic}_fanout", "fanout", kind.own_quorum, auto_delete=True)
        exchanges = [Exchange(exchange, self._kind, kind.durable or kind.quorum)] if exchange else []
        queues = (kind.queue(topic, exchange, topic), kind.passing(f"{fanout.name}_{id}", fanout.name))
        return Layout((*exchanges, fanout), queues)

    def read_call(self, delivery: Delivery) -> Call:
        """A request; answered only when it says where to."""
        found = codec.read_json(delivery, self._max_message)
        if not isinstance(found, dict) or not isinstance(found.get("method"), str):
            raise RemoteProtocolError("the body is no JSON-RPC request")
        properties = delivery.properties
        reply_to = properties.get("reply_to") or ""
        key = properties.get("correlation_id") or _id_text(found.get("id"))
        call = Call(found["method"], reply_to=reply_to, id=key, context=delivery.headers)
        params = found.get("params")
        if params is None:
            return call
        if isinstance(params, list):
            return call._replace(args=tuple(params))
        if not isinstance(params, dict):
            return call._replace(refusal=Failure("arguments", "TypeError", "params are neither array nor object"))
        first = params.pop(_POSITIONAL, ())
        return call._replace(args=tuple(first) if isinstance(first, list) else (), kwargs=params)

    def reply(self, call: Call, reply: Reply | None, unique: str) -> Message:
        """A reply."""
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": call.id}
        if isinstance(reply, Failure):
            body["error"] = _write_error(reply)
        else:
            body["result"] = reply.value if isinstance(reply, Result) else None
        properties = {**codec.JSON_PROPERTIES, "correlation_id": call.id}
        return Message("", call.reply_to, codec.write_json(body), properties)


make = Plain


def _params(request: Request) -> Any:
    if not request.kwargs:
        return list(request.args)
    return {_POSITIONAL: list(request.args), **request.kwargs} if request.args else dict(request.kwargs)


def _id_text(id: Any) -> str:
    return id if isinstance(id, str) else "" if id is None else str(id)[:200]


def _write_error(failure: Failure) -> dict[str, Any]:
    if failure.code is not None:
        return {"code": failure.code, "message": failure.message, "data": failure.data}
    data = {"kind": failure.kind, "type": failure.type, "message": failure.message, "traceback": failure.traceback}
    text = f"{failure.type}: {failure.message}"
    return {"code": _CODES.get(failure.kind, -32603), "message": text, "data": data}


def _read_error(error: Any) -> Failure:
    if not isinstance(error, dict):
        return Failure("remote", "error", str(error)[:1000])
    code, message, data = error.get("code"), error.get("message"), error.get("data")
    if isinstance(data, dict) and data.get("kind") in FAILURES:
        type_, text, trace = (str(data.get(key) or "") for key in ("type", "message", "traceback"))
        return Failure(data["kind"], type_, text, trace)
    kind = _KINDS.get(code, "remote") if type(code) is int else "remote"
    return Failure(kind, f"code {code}", str(message), data=data, code=code if type(code) is int else None)
