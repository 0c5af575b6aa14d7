"""A serializer of the user's, as oslo.messaging has them: what stands for arguments, results and payloads on the wire.

    serialize_entity(context, entity)      the value that is sent      serialize_context(context)      as a dict
    deserialize_entity(context, entity)    and back                    deserialize_context(context)    and back

As in oslo_messaging/serializer.py (18.3); the two for contexts may be missing. Each argument is one entity, and so is
the result. What our own servers tell of themselves is left alone.
"""

import os
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from rpcctl.address import Address
from rpcctl.errors import ArgumentError, RemoteProtocolError, RpcctlError, UsageError
from rpcctl.interfaces import Handler
from rpcctl.messages import INSPECT, PING, Failure, Item, Notification, Reply, Request, Result

_RESERVED = (INSPECT, PING)
_HINT = "MODULE:NAME of an object, or of a class without arguments, that has serialize_entity and deserialize_entity"


class Serializer:
    """What was given, with what it may leave out; does nothing when none was given."""

    def __init__(self, found: Any = None) -> None:
        """Take an object of the user's."""
        self.write = getattr(found, "serialize_entity", _pass_entity)
        self.read = getattr(found, "deserialize_entity", _pass_entity)
        self.write_context = getattr(found, "serialize_context", dict)
        self.read_context = getattr(found, "deserialize_context", dict)
        self.active = found is not None

    def encode(self, request: Request) -> Request:
        """A request as it is sent; ArgumentError when the serializer fails."""
        if not self.active or request.method in _RESERVED:
            return request
        with _failing(ArgumentError, f"{request.method}: --serializer"):
            made = _map_arguments(request, self.write, request.context)
            return made._replace(context=self.write_context(request.context))

    def decode(self, request: Request, reply: Reply) -> Reply:
        """A reply as the caller gets it; RemoteProtocolError when the serializer cannot read it."""
        if not self.active or request.method in _RESERVED or not isinstance(reply, Result):
            return reply
        with _failing(RemoteProtocolError, f"{request.method}: --serializer does not read the result"):
            return Result(self.read(request.context, reply.value))

    def encode_payload(self, notification: Notification) -> Notification:
        """A notification as it is sent; ArgumentError when the serializer fails."""
        with _failing(ArgumentError, f"{notification.event}: --serializer"):
            return notification._replace(payload=self.write(notification.context, notification.payload))

    def decode_payload(self, notification: Notification) -> Notification:
        """A notification as the listener gets it; RemoteProtocolError when the serializer cannot read it."""
        with _failing(RemoteProtocolError, f"{notification.event}: --serializer does not read the payload"):
            return notification._replace(payload=self.read(notification.context, notification.payload))

    def serving(self, handler: Handler) -> Handler:
        """The handler for requests as they come; the serializer runs on the executor's threads."""
        return self._wrap(handler) if self.active else handler

    def _wrap(self, handler: Handler) -> Handler:
        def serve(request: Request) -> Iterator[Reply]:
            if request.method in _RESERVED:
                return handler(request)
            return self._serve(handler, request)

        return serve

    def _serve(self, handler: Handler, request: Request) -> Generator[Reply, None, Reply | None]:
        try:
            context = self.read_context(request.context)
            asked = _map_arguments(request, self.read, context)._replace(context=context)
        except Exception as exc:
            failure = Failure("arguments", type(exc).__name__, f"the serializer does not read them: {exc}")
            yield from () if request.oneway else (failure,)
            return failure
        replies = handler(asked)
        try:
            while True:
                try:
                    reply = next(replies)
                except StopIteration as stop:
                    last: Reply | None = stop.value
                    return last
                yield self._write_reply(context, reply)
        finally:
            close = getattr(replies, "close", None)
            if close is not None:
                close()

    def _write_reply(self, context: Any, reply: Reply) -> Reply:
        if not isinstance(reply, (Result, Item)):
            return reply
        try:
            return type(reply)(self.write(context, reply.value))
        except Exception as exc:
            return Failure("remote", type(exc).__name__, f"the serializer does not write the result: {exc}")


def load_serializer(at: Address, options: Mapping[str, Any]) -> Serializer:
    """The serializer that --serializer names; UsageError when there is none there, or an address names one."""
    if "serializer" in dict(at.options):
        # An address may come from anywhere; which code is run must not.
        raise UsageError(f"{at}: an address cannot name a serializer", hint="--serializer MODULE:NAME")
    text = options.get("serializer")
    return Serializer(_load(text)) if text else Serializer()


def _load(text: str) -> Any:
    module, colon, name = text.partition(":")
    if not module or not colon or not name:
        raise UsageError(f"--serializer {text!r} is not MODULE:NAME", hint=_HINT)
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    with _failing(UsageError, f"--serializer {text}"):
        found = getattr(import_module(module), name)
        found = found() if isinstance(found, type) else found
    if not all(callable(getattr(found, each, None)) for each in ("serialize_entity", "deserialize_entity")):
        raise UsageError(f"--serializer {text!r} is no serializer", hint=_HINT)
    return found


def _map_arguments(request: Request, turn: Callable[[Any, Any], Any], context: Any) -> Request:
    return request._replace(
        args=tuple(turn(context, each) for each in request.args),
        kwargs={name: turn(context, value) for name, value in request.kwargs.items()},
    )


def _pass_entity(context: Any, entity: Any) -> Any:
    return entity


@contextmanager
def _failing(error: type[RpcctlError], what: str) -> Iterator[None]:
    """Inside, a stranger's exception is ours."""
    try:
        yield
    except Exception as exc:
        raise error(f"{what}: {type(exc).__name__}: {exc}") from exc
