"""Every error that rpcctl shows to a user, as one tree.

    RpcctlError                 internal      1
      UsageError                usage         2
        TargetError             usage         2
        ArgumentError           usage         2
        AddressError            bad_address   3
        MissingExtraError       missing_extra 4
      TransportError            connect       7
        ResolveError            resolve       6
        ConnectError            connect       7
        TLSError                tls          35
          CertificateError      cert         60
        ConnectionLostError     lost         56
        AuthError               auth         67
      ProtocolError             protocol      8
        LocalProtocolError      protocol      8   we broke the rules: nothing was sent
        RemoteProtocolError     protocol      8   the peer did
      CallError                 remote       22
        RemoteError             remote       22   the method ran and raised
        InvalidArgumentsError   remote       22   the method refused its arguments
        MethodNotFoundError     no_method    78
      OutputError               write        23
      InputError                read         26
      DeadlineError             timeout      28
      ThresholdError            threshold    99
      PartialError              partial     123

The numbers are curl's where curl has one. Nothing here knows a protocol, a terminal or a socket.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class RpcctlError(Exception):
    """Root of the tree; raised as itself it is a bug in rpcctl."""

    kind = "internal"
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Keep `message` (what was wrong, in one line) and `hint` (what to type instead, or empty)."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RpcctlError):
    """The command line asks for something that cannot be done."""

    kind = "usage"
    exit_code = 2


class TargetError(UsageError):
    """What was to be served is missing, broken or exposes nothing; `traceback` is the target's own, if it has one."""

    def __init__(self, message: str, *, hint: str = "", traceback: str = "") -> None:
        """Keep the traceback of the code that failed to load as text; empty when nothing of it ran."""
        super().__init__(message, hint=hint)
        self.traceback = traceback


class ArgumentError(UsageError):
    """A word typed as an argument has no value, or none that the protocol can carry."""


class AddressError(UsageError):
    """An address that cannot be parsed, or contradicts the protocol asked for."""

    kind = "bad_address"
    exit_code = 3


class MissingExtraError(UsageError):
    """A protocol whose libraries are not installed."""

    kind = "missing_extra"
    exit_code = 4


class TransportError(RpcctlError):
    """The bytes could not be moved."""

    kind = "connect"
    exit_code = 7


class ResolveError(TransportError):
    """The host name is not known."""

    kind = "resolve"
    exit_code = 6


class ConnectError(TransportError):
    """Refused, unreachable, silent, or the address to bind is taken: nothing was sent."""


class TLSError(TransportError):
    """The handshake of an encrypted connection failed."""

    kind = "tls"
    exit_code = 35


class CertificateError(TLSError):
    """The peer's certificate is not trusted or names another host."""

    kind = "cert"
    exit_code = 60


class ConnectionLostError(TransportError):
    """The peer vanished after the request was sent: whether the method ran is unknown."""

    kind = "lost"
    exit_code = 56


class AuthError(TransportError):
    """The peer refused the key, password or token."""

    kind = "auth"
    exit_code = 67


class ProtocolError(RpcctlError):
    """Bytes that break the protocol's rules."""

    kind = "protocol"
    exit_code = 8


class LocalProtocolError(ProtocolError):
    """What we were asked to send is not allowed on this wire; nothing was sent."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what is not this protocol."""


class CallError(RpcctlError):
    """The peer understood the call and answered with an error; all of it is data, no remote class is rebuilt."""

    kind = "remote"
    exit_code = 22

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        type: str = "",
        traceback: str = "",
        data: Any = None,
        code: int | None = None,
    ) -> None:
        """Keep the remote error's `type` name, `traceback`, `data` and `code`, as far as the wire has them."""
        super().__init__(message, hint=hint)
        self.type = type
        self.traceback = traceback
        self.data = data
        self.code = code


class RemoteError(CallError):
    """The method ran and raised."""


class InvalidArgumentsError(CallError):
    """The method refused its arguments before it ran."""


class MethodNotFoundError(CallError):
    """No such method, object, topic or namespace."""

    kind = "no_method"
    exit_code = 78


class OutputError(RpcctlError):
    """The output cannot be written."""

    kind = "write"
    exit_code = 23


class InputError(RpcctlError):
    """An input file cannot be read."""

    kind = "read"
    exit_code = 26


class DeadlineError(RpcctlError):
    """A time limit was reached; the message says which one, the hint how to change it."""

    kind = "timeout"
    exit_code = 28


class ThresholdError(RpcctlError):
    """What was measured is worse than what was allowed."""

    kind = "threshold"
    exit_code = 99


class PartialError(RpcctlError):
    """Some calls of many failed; each has been told of in its place."""

    kind = "partial"
    exit_code = 123


Renaming = Callable[[BaseException], RpcctlError]


@contextmanager
def renamed(names: Mapping[type[BaseException], Renaming]) -> Iterator[None]:
    """Turn foreign exceptions into ours at a border, raised `from` the original; the first matching entry decides."""
    try:
        yield
    except tuple(names) as exc:
        for foreign, ours in names.items():
            if isinstance(exc, foreign):
                raise ours(exc) from exc
        raise


def suggest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """`did you mean NAME?` for the nearest of the known words, or what to say when none is near."""
    from difflib import get_close_matches

    near = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else otherwise
