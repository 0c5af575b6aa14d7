"""A request as the message that is sent for it, for those who send it and those who only show it; and replies read."""

import json
from collections.abc import Mapping
from typing import Any

from rpcctl.errors import ArgumentError, UsageError
from rpcctl.interfaces import Settings
from rpcctl.limits import first_limit
from rpcctl.messages import Reply, Request

from .codec import Ids
from .dialects import Dialect
from .message import Message
from .serializer import Serializer


class Speller:
    """Writes the messages of one client."""

    def __init__(
        self, dialect: Dialect, settings: Settings, context: Mapping[str, Any], serializer: Serializer
    ) -> None:
        """`context` travels with every request."""
        self._dialect = dialect
        self._serializer = serializer
        self._most = settings.max_message
        self._context = context

    def spell(self, request: Request, ids: Ids) -> Message:
        """The message for a request; ArgumentError for what it cannot carry."""
        request = self._serializer.encode(self._with_context(request))
        timeout = first_limit(request).deadline.remaining()
        try:
            message = self._dialect.request(request, ids, timeout)
        except (TypeError, ValueError, RecursionError) as exc:
            raise ArgumentError(f"{request.method}: the arguments cannot be sent: {exc}") from exc
        if len(message.body) > self._most:
            raise ArgumentError(
                f"{request.method}: the message has {len(message.body)} bytes, {self._most} are allowed",
                hint="a larger --max-message, at both ends",
            )
        return message

    def read(self, request: Request, reply: Reply) -> Reply:
        """A reply as the caller gets it; RemoteProtocolError when the user's serializer cannot read it."""
        return self._serializer.decode(self._with_context(request), reply)

    def _with_context(self, request: Request) -> Request:
        return request._replace(context={**self._context, **request.context})


def show(request: Request, message: Message) -> str:
    """What a trace says of it."""
    asked = f"{request.method} {dict(request.kwargs) or list(request.args)!r}"
    return f"{asked} to {message.exchange or 'queue'} {message.key}".rstrip()


def read_context(options: Mapping[str, Any]) -> dict[str, Any]:
    """What --context says; UsageError for what is not KEY=VALUE."""
    return dict(map(_read_pair, options.get("context") or ()))


def _read_pair(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(
            f"--context {text!r} is not KEY=VALUE", hint="--context user=ann --context 'roles=[\"admin\"]'"
        )
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value
