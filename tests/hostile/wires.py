"""Each wire over streams, as its stock peers write it: both ends' parts of one valid exchange, `add(2, 3)`.

Nothing here uses our codecs: msgpack, Pyro5 and multiprocessing make the bytes.
"""

import os
import pickle
from collections.abc import Callable
from multiprocessing.connection import answer_challenge, deliver_challenge
from typing import Any, NamedTuple

import msgpack
import Pyro5.protocol
import Pyro5.serializers

from tests.hostile.peers import Peer

KEY = b"a key of the tests"
_SERPENT = Pyro5.serializers.serializers["serpent"]
_INVOKE, _RESULT, _CONNECT, _CONNECT_OK = 4, 5, 1, 2
_JSON, _MSGPACK = 3, 4
_FAILED = 1


class Wire(NamedTuple):
    """A wire, and what its peers say."""

    name: str
    bind: str
    """Where a server of ours is bound."""
    place: str
    """How ours calls a server at a port."""
    enter: Callable[[Peer], object]
    """A client's handshake; nothing where there is none."""
    call: bytes
    """A client's `add(2, 3)`."""
    hear: Callable[[Peer], Any]
    """What a client reads of the answer, as its own library has it."""
    admit: Callable[[Peer], object]
    """A server's handshake."""
    result: bytes
    """A server's 5."""
    hear_call: Callable[[Peer], object]
    """Read a client's request."""

    def ask(self, peer: Peer) -> Any:
        """A client's part, to the result."""
        self.enter(peer)
        peer.say(self.call)
        return self.hear(peer)

    def answer(self, peer: Peer) -> None:
        """A server's part, until the client hangs up."""
        self.admit(peer)
        self.hear_call(peer)
        peer.say(self.result)
        peer.hear_all()


def _hear_packed(peer: Peer) -> Any:
    unpacker = msgpack.Unpacker()
    while True:
        unpacker.feed(peer.hear(1))
        for message in unpacker:
            return message[-1]


MSGPACKRPC = Wire(
    "msgpackrpc",
    "msgpackrpc+tcp://127.0.0.1:0",
    "msgpackrpc+tcp://127.0.0.1:{}",
    lambda peer: None,
    msgpack.packb([0, 7, "add", [2, 3]]),
    _hear_packed,
    lambda peer: None,
    msgpack.packb([1, 1, None, 5]),
    _hear_packed,
)


def pyro_message(
    kind: int, payload: bytes, serializer: int = _SERPENT.serializer_id, sequence: int = 0, flags: int = 0
) -> bytes:
    """A message of Pyro5's own making."""
    return bytes(Pyro5.protocol.SendingMessage(kind, flags, sequence, serializer, payload).data)


def _hear_pyro(peer: Peer) -> Any:
    head = peer.hear(40)
    payload = peer.hear(int.from_bytes(head[12:16], "big") + int.from_bytes(head[16:20], "big"))
    return Pyro5.serializers.serializers_by_id[head[7]].loads(payload)


def _enter_pyro(peer: Peer) -> None:
    peer.say(pyro_message(_CONNECT, _SERPENT.dumps({"handshake": "hello", "object": "rpcctl"})))
    _hear_pyro(peer)


def _admit_pyro(peer: Peer) -> None:
    _hear_pyro(peer)
    metadata = {"methods": ["add"], "attrs": [], "oneway": []}
    peer.say(pyro_message(_CONNECT_OK, _SERPENT.dumps({"handshake": "hello", "meta": metadata}), sequence=1))


PYRO = Wire(
    "pyro",
    "pyro+tcp://127.0.0.1:0",
    "PYRO:tests.sample@127.0.0.1:{}",
    _enter_pyro,
    pyro_message(_INVOKE, _SERPENT.dumpsCall("rpcctl", "add", (2, 3), {}), sequence=1),
    _hear_pyro,
    _admit_pyro,
    pyro_message(_RESULT, _SERPENT.dumps(5), sequence=2),
    _hear_pyro,
)


def frame(data: bytes) -> bytes:
    """Bytes as a manager sends them."""
    return len(data).to_bytes(4, "big") + data


def framed(value: Any, protocol: int = 4) -> bytes:
    """A value as a manager sends it."""
    return frame(pickle.dumps(value, protocol))


def _hear_pickle(peer: Peer) -> Any:
    return pickle.loads(peer.recv_bytes())[1]


def _enter_manager(peer: Peer) -> None:
    answer_challenge(peer, KEY)  # type: ignore[arg-type]
    deliver_challenge(peer, KEY)  # type: ignore[arg-type]
    peer.say(framed((None, "accept_connection", ("a test",), {})))
    peer.recv_bytes()


def _admit_manager(peer: Peer) -> None:
    deliver_challenge(peer, KEY)  # type: ignore[arg-type]
    answer_challenge(peer, KEY)  # type: ignore[arg-type]
    peer.recv_bytes()
    peer.say(framed(("#RETURN", None)))


MANAGER = Wire(
    "manager",
    "manager+tcp://127.0.0.1:0",
    "manager+tcp://127.0.0.1:{}",
    _enter_manager,
    framed(("rpcctl", "add", (2, 3), {})),
    _hear_pickle,
    _admit_manager,
    framed(("#RETURN", 5)),
    lambda peer: peer.recv_bytes(),
)
WIRES = (MSGPACKRPC, PYRO, MANAGER)


class Evil:
    """Makes a directory, if a pickle's word is Python's command."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


LEVELS = (64, 100, 200, 400, 900, 990, 1010, 1024, 3000, 100_000)
"""How deep: about the limits of our own and of the libraries that read for us."""


def nested(wire: Wire, levels: int) -> list[bytes]:
    """What a server answers with lists so deep within each other, as a result and, where it can be, as an error."""
    msgpacked = b"\x91" * levels + b"\x90"
    if wire is MSGPACKRPC:
        return [b"\x94\x01\x01\xc0" + msgpacked, b"\x94\x01\x01" + msgpacked + b"\xc0"]
    if wire is PYRO:
        text = b"[" * levels + b"]" * levels
        return [
            *(pyro_message(_RESULT, text, number, 2) for number in (_SERPENT.serializer_id, _JSON)),
            pyro_message(_RESULT, msgpacked, _MSGPACK, 2),
            pyro_message(_RESULT, b"\x82\xa9__class__" + msgpacked + b"\xa4args\x91" + msgpacked, _MSGPACK, 2, _FAILED),
        ]
    pickled = b"]" * levels + b"a" * (levels - 1)
    return [frame(b"\x80\x04(\x8c" + _text(kind) + pickled + b"t.") for kind in (b"#RETURN", b"#ERROR", b"#TRACEBACK")]


def nested_call(wire: Wire, levels: int) -> bytes:
    """A client's call of `echo` with such lists."""
    msgpacked = b"\x91" * levels + b"\x90"
    if wire is MSGPACKRPC:
        return b"\x94\x00\x07\xa4echo" + msgpacked
    if wire is PYRO:
        return pyro_message(_INVOKE, b"\x94\xa6rpcctl\xa4echo\x91" + msgpacked + b"\x80", _MSGPACK, 1)
    pickled = b"]" * levels + b"a" * (levels - 1)
    return frame(b"\x80\x04(\x8c" + _text(b"rpcctl") + b"\x8c" + _text(b"echo") + pickled + b"\x85}t.")


def _text(data: bytes) -> bytes:
    return bytes([len(data)]) + data
