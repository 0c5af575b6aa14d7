"""Messages to lines and back: `{"method", "args", "kwargs"}`, `{"result"}` or `{"failure": [kind, type, message]}`."""

import json

from rpcctl.messages import Failure, Reply, Request, Result


def pack_request(request: Request) -> bytes:
    """A request as a line."""
    return _line({"method": request.method, "args": request.args, "kwargs": dict(request.kwargs)})


def unpack_request(line: bytes) -> Request:
    """A line as a request."""
    event = json.loads(line)
    return Request(event["method"], tuple(event["args"]), event["kwargs"])


def pack_reply(reply: Reply) -> bytes:
    """A Result or Failure as a line."""
    if isinstance(reply, Failure):
        return _line({"failure": [reply.kind, reply.type, reply.message]})
    return _line({"result": reply.value if isinstance(reply, Result) else None})


def unpack_reply(line: bytes) -> Reply:
    """A line as a Result or Failure."""
    event = json.loads(line)
    return Failure(*event["failure"]) if "failure" in event else Result(event["result"])


def _line(event: object) -> bytes:
    return json.dumps(event).encode() + b"\n"
