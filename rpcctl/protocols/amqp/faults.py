"""What the errors of py-amqp and of sockets mean to a user: each names the object that the broker named."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from amqp import exceptions

from rpcctl.address import Address
from rpcctl.errors import (
    AuthError,
    ConnectError,
    ConnectionLostError,
    MethodNotFoundError,
    ResolveError,
    RpcctlError,
    UsageError,
)

_TRANSIENT = "transient_nonexcl_queues"


@contextmanager
def connecting(at: Address, shown: str) -> Iterator[None]:
    """Inside, an error means that the broker was not reached, or did not let us in."""
    try:
        yield
    except (OSError, exceptions.AMQPError, UnicodeError, ConnectionLostError) as exc:
        raise _explain_connecting(at, shown, exc) from exc


@contextmanager
def talking(at: Address) -> Iterator[None]:
    """Inside, an error means that the broker refused what was asked, or is lost."""
    try:
        yield
    except (OSError, exceptions.AMQPError) as exc:
        raise explain(at, exc) from exc


def explain(at: Address, exc: BaseException) -> RpcctlError:
    """An error of a connection that stood, as ours."""
    code = getattr(exc, "reply_code", 0)
    text = _text(exc)
    if code == 403:
        return AuthError(f"{at}: permission refused: {text}", hint="rabbitmqctl set_permissions, or another user")
    if code == 404:
        return MethodNotFoundError(f"{at}: {text}", hint="no server has ever served it: start one, or see the topic")
    if code in (405, 406):
        return UsageError(
            f"{at}: it exists with other properties: {text}", hint="--durable and --queue-type as its owner has them"
        )
    if code in (540, 541) and _TRANSIENT in text:
        return UsageError(
            f"{at}: this broker takes no transient queues: {text}", hint="--queue-type quorum, for oslo peers too"
        )
    return ConnectionLostError(f"{at}: the connection to the broker was lost: {text}")


def _explain_connecting(at: Address, shown: str, exc: BaseException) -> RpcctlError:
    code = getattr(exc, "reply_code", 0)
    if code == 403:
        return AuthError(f"{shown}: the login of {at.user or 'guest'!r} was refused", hint="check user and password")
    if code == 530:
        return AuthError(f"{shown}: {_text(exc)}", hint="the virtual host is the path: amqp://HOST:PORT/VHOST")
    if isinstance(exc, (socket.gaierror, UnicodeError)):
        return ResolveError(f"{shown}: {getattr(exc, 'strerror', None) or 'name not found'}")
    if _is_tls(exc):
        from rpcctl.http.tls import explain_tls

        found = explain_tls(at, exc)
        if found.hint.startswith("http://"):
            found.hint = "amqp:// if it is not encrypted"
        return found
    if isinstance(exc, TimeoutError):
        return ConnectError(f"{shown}: no broker answers in time", hint="is it RabbitMQ that listens there?")
    if isinstance(exc, OSError):
        why = "refused" if exc.errno == errno.ECONNREFUSED else exc.strerror or str(exc)
        return ConnectError(f"{shown}: {why.lower()}", hint="is the broker up?")
    return ConnectError(f"{shown}: {_text(exc)}", hint="is it RabbitMQ that listens there?")


def _is_tls(exc: BaseException) -> bool:
    import ssl

    return isinstance(exc, ssl.SSLError)


def _text(exc: BaseException) -> str:
    """The broker's own words, or the system's."""
    return str(getattr(exc, "reply_text", None) or getattr(exc, "strerror", None) or exc or type(exc).__name__)
