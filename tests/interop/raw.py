"""A hand-made peer of a zmq server."""

import time
from typing import Any

import msgpack
import zmq

BEAT = 0.2


class Raw:
    """A DEALER that sends what it is told to, and notes what comes back."""

    def __init__(self, endpoint: str, kind: int = zmq.DEALER) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(kind)
        self.socket.linger = 0
        self.socket.connect(endpoint)

    def send(self, header: Any, name: Any, args: Any, *route: bytes) -> None:
        self.socket.send_multipart([*route, b"", msgpack.packb([header, name, args])])

    def call(self, name: Any, args: Any, id: Any = "x", **header: Any) -> None:
        self.send({"message_id": id, "v": 3, **header}, name, args)

    def signal(self, name: str, args: Any, to: Any = "x") -> None:
        self.send({"message_id": "s", "v": 3, "response_to": to}, name, args)

    def read(self, seconds: float = 5.0) -> Any:
        """The next event, or None."""
        if not self.socket.poll(int(seconds * 1000)):
            return None
        return msgpack.unpackb(self.socket.recv_multipart()[-1], strict_map_key=False)

    def answer(self, id: Any = "x", seconds: float = 5.0) -> Any:
        """Name and args of the next event of that channel which is no heartbeat; None when there is none in time."""
        end = time.monotonic() + seconds
        while (event := self.read(max(0.0, end - time.monotonic()))) is not None:
            header, name, args = event
            if name != "_zpc_hb" and header["response_to"] == id:
                return [name, args]
        return None

    def close(self) -> None:
        self.socket.close()
        self.context.term()
