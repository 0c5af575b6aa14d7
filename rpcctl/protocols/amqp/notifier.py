"""Sends notifications as oslo.messaging's notifier does: their queue is made first, so that they wait there."""

import os
from collections.abc import Mapping
from typing import Any

from rpcctl.errors import ArgumentError, ConnectionLostError, DeadlineError
from rpcctl.messages import Deadline, Notification

from . import codec, notifications
from .declare import ensure_exchange, ensure_queue
from .layout import Exchange, Kind
from .link import Link
from .message import TAKEN, Message
from .oslo import EXCHANGE


def notify(
    link: Link, notification: Notification, options: Mapping[str, Any], context: Mapping[str, Any], deadline: Deadline
) -> None:
    """Publish one and wait until the broker has it; ArgumentError for what is no JSON, DeadlineError for the time."""
    found = notification._replace(
        id=notification.id or _uuid(),
        timestamp=notification.timestamp or _now(),
        publisher=notification.publisher or _publisher(),
        context={**context, **notification.context},
    )
    enveloped = (options.get("notification-format") or "v2") == "v2"
    try:
        body = notifications.write(found, os.urandom(16).hex(), enveloped=enveloped)
    except (TypeError, ValueError, RecursionError) as exc:
        raise ArgumentError(f"{notification.event}: the payload cannot be sent: {exc}") from exc
    exchange, key = options.get("exchange") or EXCHANGE, f"{options.get('topic')}.{notification.priority}"
    declare_queue(link, exchange, key, key, options)
    fates: list[str] = []
    link.publish(Message(exchange, key, body, codec.JSON_PROPERTIES), fates.append)
    if not link.settle(deadline):
        raise DeadlineError(f"{notification.event}: the broker has not taken it in time", hint="a longer --timeout")
    if fates != [TAKEN]:
        raise ConnectionLostError(f"{notification.event}: the broker did not take it: {fates[0]}")


def declare_queue(link: Link, exchange: str, queue: str, key: str, options: Mapping[str, Any]) -> None:
    """The exchange and a queue that is bound to it, made where they are missing."""
    kind = Kind.read(options)
    ensure_exchange(link, Exchange(exchange, "topic", kind.durable or kind.quorum))
    ensure_queue(link, kind.queue(queue, exchange, key))
    link.bind(queue, exchange, key)


def _uuid() -> str:
    import uuid

    return str(uuid.uuid4())


def _now() -> str:
    from datetime import datetime, timezone

    return str(datetime.now(timezone.utc).replace(tzinfo=None))


def _publisher() -> str:
    import socket

    return f"rpcctl.{socket.gethostname()}"
