"""Bodies of messages: JSON text, packed or not, and oslo.messaging's envelope around it. Pure.

    {"oslo.version": "2.0", "oslo.message": "{...}"}      the inner message is a text; without these keys the body is it
    request   method, args {}, namespace, version, _unique_id, _context_KEY…;  a call: _msg_id, _reply_q, _timeout
    reply     result, failure (null or a text), ending, _msg_id, _unique_id;   a sign of life: ending false
    failure   class, module, message, tb [line…], args, kwargs;  ours: rpcctl {kind, code, data}

As oslo.messaging 18.3 writes them (_drivers/common.py: serialize_msg, serialize_remote_exception; amqpdriver.py).
"""

import json
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from rpcctl.errors import RemoteProtocolError
from rpcctl.messages import FAILURES, Failure, Reply, Request, Result

from .message import Delivery

ENVELOPE = "2.0"
JSON_PROPERTIES: Mapping[str, Any] = {
    "content_type": "application/json",
    "content_encoding": "utf-8",
    "headers": {},
    "delivery_mode": 2,
    "priority": 0,
}
"""What every message of these dialects bears; oslo.messaging rejects one without the type in silence."""
_CONTEXT = "_context_"
_DISPATCHER = "oslo_messaging.rpc.dispatcher"
_SHORTEST_MONITOR = 2.0
"""Seconds: a server of oslo.messaging gives its signs twice as often as was asked, and never twice in a second."""
_NO_METHOD, _BAD_VERSION = "NoSuchMethod", "UnsupportedVersion"
_BAD_VERSIONS = (_DISPATCHER, _BAD_VERSION)
_MISSES = ((_DISPATCHER, _NO_METHOD), _BAD_VERSIONS)
_UNKNOWN, _VERSION = "Endpoint does not support RPC method ", "Endpoint does not support RPC version "
_ATTEMPTED = ". Attempted method: "
_REMOTE = "_Remote"
_PACKED = ("application/x-gzip", "gzip", "zlib")


class Call(NamedTuple):
    """A request received, in any dialect."""

    method: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = {}
    reply_to: str = ""
    """Where the reply goes; empty when none is wanted."""
    id: str = ""
    """What pairs the reply with it."""
    context: Mapping[str, Any] = {}
    unique: str = ""
    """Tells a message from its repetition; empty when nothing does."""
    beat: float = 0.0
    """Seconds between the signs of life that the caller wants while it waits; 0 for none."""
    namespace: str | None = None
    version: str = "1.0"
    refusal: Failure | None = None
    """Why it cannot be run, for the reply."""


class Answer(NamedTuple):
    """A reply received; `reply` is None for a sign of life."""

    id: str
    reply: Reply | None


class Ids(NamedTuple):
    """What pairs a request with its reply, and where that is to go; both empty for a one-way call."""

    id: str
    reply_to: str
    unique: str


def read_json(delivery: Delivery, most: int) -> Any:
    """The value of a body; RemoteProtocolError says why it has none."""
    if delivery.size > most:
        raise RemoteProtocolError(f"{delivery.size} bytes, {most} are allowed (--max-message)")
    if delivery.properties.get("content_type") != "application/json":
        raise RemoteProtocolError(f"content type {delivery.properties.get('content_type')!r}, not application/json")
    packed = delivery.headers.get("compression")
    try:
        return json.loads(_unpack(delivery.body, packed, most) if packed else delivery.body)
    except (ValueError, RecursionError) as exc:
        raise RemoteProtocolError(f"the body is no JSON: {exc}") from exc


def write_json(value: Any) -> bytes:
    """A value as a body, all of it ASCII."""
    return json.dumps(value).encode()


def wrap(message: Mapping[str, Any]) -> bytes:
    """A message in its envelope."""
    return write_json({"oslo.version": ENVELOPE, "oslo.message": json.dumps(message)})


def unwrap(value: Any) -> dict[str, Any]:
    """The message in an envelope, or without one; RemoteProtocolError when it is neither."""
    if isinstance(value, dict) and "oslo.version" in value and "oslo.message" in value:
        version, inner = value["oslo.version"], value["oslo.message"]
        if version != ENVELOPE or not isinstance(inner, str):
            raise RemoteProtocolError(f"an envelope of version {version!r}, or one without a text in it")
        try:
            value = json.loads(inner)
        except (ValueError, RecursionError) as exc:
            raise RemoteProtocolError(f"what is in the envelope is no JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise RemoteProtocolError("the body is no object")
    return value


def request_message(
    request: Request, ids: Ids, *, namespace: str = "", version: str = "", beat: int | None = None
) -> dict[str, Any]:
    """What oslo.messaging sends for a call, or for a cast when `ids` names no reply queue."""
    message: dict[str, Any] = {"method": request.method, "args": dict(request.kwargs)}
    if namespace:
        message["namespace"] = namespace
    if version:
        message["version"] = version
    if ids.reply_to:
        message |= {"_msg_id": ids.id, "_reply_q": ids.reply_to, "_timeout": beat}
    message["_unique_id"] = ids.unique
    for key, value in request.context.items():
        message[_CONTEXT + key] = value
    return message


def monitor_of(options: Mapping[str, Any]) -> float | None:
    """Seconds of silence that end a call, at least those which servers can keep to; None when it may last for ever."""
    asked: float | None = options.get("call-monitor")
    return None if asked is None else max(_SHORTEST_MONITOR, asked)


def read_request(message: Mapping[str, Any]) -> Call:
    """A request as oslo.messaging's server reads it; RemoteProtocolError when it is none that can be answered."""
    method, reply_to, key = message.get("method"), message.get("_reply_q"), message.get("_msg_id")
    if not isinstance(method, str):
        raise RemoteProtocolError("it names no method")
    wants = isinstance(key, str) and isinstance(reply_to, str) and key != ""
    interval: Any = message.get("_timeout")
    unique = message.get("_unique_id")
    found = Call(
        method,
        context={key[len(_CONTEXT) :]: value for key, value in message.items() if key.startswith(_CONTEXT)},
        reply_to=str(reply_to) if wants else "",
        id=str(key) if wants else "",
        unique=unique if isinstance(unique, str) else "",
        # As oslo's server: intervals under a second, half of what was asked, are not kept.
        beat=interval / 2 if type(interval) in (int, float) and 2 <= interval < 1e6 else 0.0,
    )
    args = message.get("args", {})
    if not isinstance(args, dict):
        why = f"'{type(args).__name__}' object has no attribute 'items'"
        return found._replace(refusal=Failure("arguments", "AttributeError", why))
    namespace, version = message.get("namespace"), message.get("version", "1.0")
    if namespace is not None and not isinstance(namespace, str):
        return found._replace(refusal=unsupported(method, version))
    if not isinstance(version, str) or not is_version(version):
        return found._replace(refusal=unsupported(method, version))
    return found._replace(kwargs=args, namespace=namespace or None, version=version)


def unsupported(method: str, version: Any) -> Failure:
    """No endpoint has that namespace in that version, in oslo.messaging's words."""
    text = f"{_VERSION}{version}{_ATTEMPTED}{method}"
    return Failure("no_method", _BAD_VERSION, text, module=_DISPATCHER)


def is_version(text: str) -> bool:
    """Whether it is MAJOR.MINOR or MAJOR.MINOR.REVISION."""
    parts = text.split(".")
    return len(parts) in (2, 3) and all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts)


def is_compatible(asked: str, offered: str) -> bool:
    """Whether a server of one version serves requests of the other: the same major, and minor enough."""
    (major, *minor), (own_major, *own_minor) = (tuple(map(int, each.split("."))) for each in (asked, offered))
    return major == own_major and [*minor, 0][:2] <= [*own_minor, 0][:2]


def reply_message(reply: Reply | None, id: str, unique: str) -> dict[str, Any]:
    """What a server sends; None for a sign of life."""
    return {
        "result": reply.value if isinstance(reply, Result) else None,
        "failure": write_failure(reply) if isinstance(reply, Failure) else None,
        "ending": reply is not None,
        "_msg_id": id,
        "_unique_id": unique,
    }


def read_reply(message: Mapping[str, Any]) -> Answer:
    """A reply; RemoteProtocolError when it says to which call."""
    key = message.get("_msg_id")
    if not isinstance(key, str):
        raise RemoteProtocolError("a reply without _msg_id")
    failure = message.get("failure")
    if failure:
        return Answer(key, read_failure(failure))
    if message.get("ending") is True or ("result" in message and message["result"] is not None):
        return Answer(key, Result(message.get("result")))
    return Answer(key, None)


def write_failure(failure: Failure) -> str:
    """The text that tells of an exception, so that clients which trust its module can make it again."""
    name, module, text = failure.type, failure.module or _module_of(failure.type), failure.message
    if failure.kind == "no_method" and (module, name) not in _MISSES:
        name, module, text = _NO_METHOD, _DISPATCHER, _UNKNOWN + failure.message
    own = {"kind": failure.kind, "code": failure.code, "data": failure.data, "name": failure.message}
    return json.dumps(
        {
            "class": name.removesuffix(_REMOTE),
            "module": module,
            "message": text,
            "tb": failure.traceback.splitlines(keepends=True),
            "args": [text] if failure.args is None or text != failure.message else list(failure.args),
            "kwargs": {},
            "rpcctl": {key: value for key, value in own.items() if value is not None},
        }
    )


def read_failure(text: Any) -> Failure:
    """What a server says of an exception, whatever of it can be read."""
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return Failure("remote", "error", str(text)[:1000])
    name, module, message = (str(found.get(key) or "") for key in ("class", "module", "message"))
    lines = found.get("tb")
    trace = "".join(each for each in lines if isinstance(each, str)) if isinstance(lines, list) else ""
    own, args = found.get("rpcctl"), found.get("args")
    # An exception made of its text alone is told so when nothing else is known, too.
    told = tuple(args) if isinstance(args, list) and args != [message] else None
    failure = Failure("remote", name.removesuffix(_REMOTE) or "error", message, trace, module=module, args=told)
    if isinstance(own, dict) and (module, name) != _BAD_VERSIONS:
        return _read_own(failure, own)
    if (module, name) in _MISSES:
        return failure._replace(kind="no_method", message=_missing(message))
    return failure


def _missing(message: str) -> str:
    """The method that an oslo.messaging server misses, in its own words, and the version if that is at fault."""
    version, attempted, method = message.removeprefix(_VERSION).partition(_ATTEMPTED)
    return f"{method}, version {version}" if attempted else message.removeprefix(_UNKNOWN)


def _read_own(failure: Failure, own: Mapping[str, Any]) -> Failure:
    kind, code, name = own.get("kind"), own.get("code"), own.get("name")
    if kind not in FAILURES:
        return failure
    message = name if kind == "no_method" and isinstance(name, str) else failure.message
    return failure._replace(kind=kind, message=message, data=own.get("data"), code=code if type(code) is int else None)


def _module_of(name: str) -> str:
    import builtins

    return "builtins" if isinstance(getattr(builtins, name, None), type) else "rpcctl"


def _unpack(body: bytes, packed: Any, most: int) -> bytes:
    """A body that was packed by kombu; RemoteProtocolError when it is larger than `most` then, or in another way."""
    if packed not in _PACKED:
        raise RemoteProtocolError(f"packed with {str(packed)[:50]!r}, which is not gzip")
    # Streams of zlib are what kombu calls gzip; real ones are taken too.
    machine = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        data = machine.decompress(body, most)
    except zlib.error as exc:
        raise RemoteProtocolError(f"the body cannot be unpacked: {exc}") from exc
    if machine.unconsumed_tail:
        raise RemoteProtocolError(f"more than {most} bytes when it is unpacked, which are allowed (--max-message)")
    return data
