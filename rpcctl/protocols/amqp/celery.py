"""Tasks of Celery, to be called: a topic is the name of a queue, a method that of a task. Nothing is served. Pure.

    request   default exchange, key = the queue; headers lang, task, id, root_id …; correlation_id, reply_to
              [[args], {kwargs}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]
    reply     default exchange, key = reply_to, correlation_id; {"task_id", "status", "result", "traceback", …}

As Celery 5 has it: protocol 2 (celery/app/amqp.py: as_task_v2), result backend rpc:// (celery/backends/rpc.py).
"""

from collections.abc import Mapping
from typing import Any

from rpcctl.errors import LocalProtocolError, RemoteProtocolError, UsageError
from rpcctl.messages import INSPECT, PING, Failure, Reply, Request, Result

from . import codec
from .codec import Answer, Call, Ids
from .dialects import Route
from .layout import Kind, Layout, ReplyQueue
from .message import Delivery, Message

_EXPIRES_MS = 86_400_000
_EMBEDDED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
_SHOWN = 1000
_ENDED = ("SUCCESS", "FAILURE", "REVOKED")


class Celery:
    """The dialect of Celery 4 and later."""

    late = False

    def __init__(self, route: Route, options: Mapping[str, Any], max_message: int) -> None:
        """The topic is the queue, as `celery`."""
        self._route = route
        self._max_message = max_message

    def request(self, request: Request, ids: Ids, timeout: float | None) -> Message:
        """A task; with a time limit after which a worker does not begin it."""
        if request.fanout or request.method in (INSPECT, PING):
            raise UsageError("dialect=celery calls tasks, and nothing else", hint="rpcctl call or cast")
        key = ids.id or ids.unique
        headers = {
            "lang": "py",
            "task": request.method,
            "id": key,
            "root_id": key,
            "parent_id": None,
            "group": None,
            "retries": 0,
            "timelimit": [None, None],
            "eta": None,
            "expires": None,
            "origin": "rpcctl",
            "argsrepr": repr(request.args)[:_SHOWN],
            "kwargsrepr": repr(dict(request.kwargs))[:_SHOWN],
            "ignore_result": not ids.reply_to,
        }
        properties: dict[str, Any] = {**codec.JSON_PROPERTIES, "headers": headers, "correlation_id": key}
        if ids.reply_to:
            properties["reply_to"] = ids.reply_to
            if timeout is not None:
                properties["expiration"] = str(max(1, int(timeout * 1000)))
        body = codec.write_json([list(request.args), dict(request.kwargs), _EMBEDDED])
        return Message(self._route.exchange, self._route.topic, body, properties)

    def read_reply(self, delivery: Delivery) -> Answer:
        """A result; states on the way to it, as STARTED, are signs of life."""
        found = codec.read_json(delivery, self._max_message)
        key = delivery.properties.get("correlation_id")
        if not isinstance(found, dict) or not isinstance(key, str):
            raise RemoteProtocolError("the reply is none of Celery's")
        if found.get("status") not in _ENDED:
            return Answer(key, None)
        if found["status"] == "SUCCESS":
            return Answer(key, Result(found.get("result")))
        return Answer(key, _read_error(found))

    def reply_queue(self, id: str, seconds: float) -> ReplyQueue:
        """A queue like those of Celery's clients."""
        declared = {"durable": True, "auto_delete": True, "arguments": {"x-expires": _EXPIRES_MS}}
        return ReplyQueue(id, id, declared)

    def queue(self) -> str:
        """The queue in which tasks wait."""
        return self._route.topic

    def layout(self, server: str, id: str, kind: Kind) -> Layout:
        """There is none: tasks are served by Celery's own workers."""
        raise UsageError("tasks of Celery are served by celery worker", hint="dialect=oslo, plain or nameko")

    def read_call(self, delivery: Delivery) -> Call:
        """Never: `layout` has refused."""
        raise LocalProtocolError("tasks of Celery are not served")

    def reply(self, call: Call, reply: Reply | None, unique: str) -> Message:
        """Never: `layout` has refused."""
        raise LocalProtocolError("tasks of Celery are not served")


make = Celery


def _read_error(found: Mapping[str, Any]) -> Failure:
    result, trace = found.get("result"), found.get("traceback")
    trace = trace if isinstance(trace, str) else ""
    if not isinstance(result, dict):
        return Failure("remote", str(found.get("status")), str(result or ""), trace)
    name, module, said = (result.get(key) for key in ("exc_type", "exc_module", "exc_message"))
    text = ", ".join(map(str, said)) if isinstance(said, list) else str(said or "")
    # A worker that does not know the task answers nothing at all; Celery tells others of it by this class.
    kind = "no_method" if name == "NotRegistered" else "remote"
    return Failure(kind, str(name or "error"), text, trace, module=str(module or ""))
