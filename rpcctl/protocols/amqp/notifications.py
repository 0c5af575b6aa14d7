"""Bodies of oslo.messaging's notifications, both ends. Pure.

    v2   the envelope of codec around      v1   the same without it
    {"message_id", "publisher_id", "event_type", "priority" (upper case), "payload", "timestamp", "_unique_id",
    "_context_KEY"…}

As oslo.messaging 18.3 writes them (notify/notifier.py, notify/messaging.py). In v1 kombu's own JSON shows: values that
it has no form for are {"__type__": "datetime" | "uuid" | "decimal", "__value__"}; they are read as text.
"""

from collections.abc import Mapping
from typing import Any

from rpcctl.errors import RemoteProtocolError
from rpcctl.messages import Notification

from . import codec
from .message import Delivery

PRIORITIES = ("audit", "debug", "info", "warn", "error", "critical", "sample")
_CONTEXT = "_context_"
_TYPED = ("datetime", "uuid", "decimal")


def write(notification: Notification, unique: str, *, enveloped: bool) -> bytes:
    """The body of a notification, v2 when it is enveloped; TypeError or ValueError for what is no JSON."""
    message = {
        "message_id": notification.id,
        "publisher_id": notification.publisher,
        "event_type": notification.event,
        "priority": notification.priority.upper(),
        "payload": notification.payload,
        "timestamp": notification.timestamp,
        "_unique_id": unique,
        **{_CONTEXT + key: value for key, value in notification.context.items()},
    }
    return codec.wrap(message) if enveloped else codec.write_json(message)


def read(delivery: Delivery, most: int) -> Notification:
    """A notification, or a call or cast that was watched; RemoteProtocolError when it is neither."""
    body = codec.read_json(delivery, most)
    enveloped = isinstance(body, dict) and "oslo.version" in body
    message = codec.unwrap(body)
    if not enveloped:
        message = _plain(message)
    context = {key[len(_CONTEXT) :]: value for key, value in message.items() if key.startswith(_CONTEXT)}
    if "event_type" not in message and isinstance(message.get("method"), str):
        kind = "call" if message.get("_msg_id") else "cast"
        return Notification(message["method"], message.get("args"), priority=kind, context=context)
    if "event_type" not in message:
        raise RemoteProtocolError("it names no event")
    return Notification(
        str(message["event_type"]),
        message.get("payload"),
        _text(message, "publisher_id"),
        _text(message, "priority").lower() or delivery.key.rpartition(".")[2],
        _text(message, "message_id"),
        _text(message, "timestamp"),
        context,
    )


def _plain(value: Any) -> Any:
    """The value with kombu's typed ones as text."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"__type__", "__value__"} and value["__type__"] in _TYPED:
        return _typed(value["__value__"])
    return {key: _plain(each) for key, each in value.items()}


def _typed(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("hex"), str) and len(value["hex"]) == 32:
        digits = value["hex"]
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return value


def _text(message: Mapping[str, Any], key: str) -> str:
    value = message.get(key)
    return value if isinstance(value, str) else ""
