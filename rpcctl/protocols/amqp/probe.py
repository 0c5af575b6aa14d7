"""What listens where no broker answers: its first bytes, named for the error. Asked only when connecting has failed."""

import socket

from rpcctl.address import Address
from rpcctl.errors import ConnectError, ConnectionLostError, RemoteProtocolError
from rpcctl.sockets.looks import look_of

from . import frames

_PATIENCE = 0.3
"""Seconds in which whoever is no broker has to show itself."""
_ENOUGH = 64


def name_other(at: Address, exc: BaseException, host: str, port: int) -> None:
    """Raise RemoteProtocolError for what is there instead of a broker, if the error may come of that and it shows."""
    odd = isinstance(exc, (ConnectError, ConnectionLostError, RemoteProtocolError))
    if not odd or at.transport == "amqps":
        return
    answer = _read_start(host, port)
    if answer and answer[0] != frames.METHOD:
        raise _describe(at, answer) from exc


def _describe(at: Address, answer: bytes) -> RemoteProtocolError:
    if answer.startswith(b"AMQP"):
        return RemoteProtocolError(f"{at} speaks another version of AMQP, and not 0-9-1")
    look = look_of(answer)
    text = f"looks like {look}, and not like" if look else f"begins with {answer[:16]!r}: it is no"
    return RemoteProtocolError(f"{at} {text} AMQP", hint="rpcctl protocols shows what can be spoken")


def _read_start(host: str, port: int) -> bytes:
    answer = b""
    try:
        with socket.create_connection((host, port), timeout=_PATIENCE) as peer:
            peer.settimeout(_PATIENCE)
            peer.sendall(frames.GREETING)
            while len(answer) < _ENOUGH and (piece := peer.recv(_ENOUGH)):
                answer += piece
    except OSError:
        pass  # Silence, or the connection was cut: what came before is what there is to judge.
    return answer
