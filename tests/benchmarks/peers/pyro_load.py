"""A load of `add(1, 2)` calls that costs its machine as little as possible.

Words: address of the object, calls, connections, each of which has one call under way as Pyro's clients have, and the
serializer. Prints the seconds from the first request to the last reply; ends with an error when a reply is wrong.
"""

import socket
import struct
import sys
import time
from selectors import EVENT_READ, DefaultSelector

from Pyro5.serializers import serializers

name, place = sys.argv[1].removeprefix("PYRO:").split("@")
host, port = place.split(":")
calls, connections = int(sys.argv[2]), int(sys.argv[3])
serializer = serializers[sys.argv[4]]
HEAD = struct.Struct("!4sHBBHHII16sHH")


def frame(kind: int, payload: bytes) -> bytes:
    """A message of Pyro's."""
    head = HEAD.pack(b"PYRO", 502, kind, serializer.serializer_id, 0, 1, len(payload), 0, bytes(16), 0, 0x4DC5)
    return head + payload


def receive(server: socket.socket) -> bytes:
    """The payload of a whole message."""
    data = server.recv(65536)
    while len(data) < HEAD.size or len(data) < HEAD.size + HEAD.unpack_from(data)[6]:
        data += server.recv(65536)
    return data[HEAD.size :]


selector = DefaultSelector()
for _ in range(connections):
    server = socket.create_connection((host, int(port)), 20)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server.sendall(frame(1, serializer.dumps({"handshake": "hello", "object": name})))
    receive(server)
    selector.register(server, EVENT_READ)
request, wanted = frame(4, serializer.dumpsCall(name, "add", (1, 2), {})), serializer.dumps(3)
began = time.perf_counter()
for key in list(selector.get_map().values()):
    key.fileobj.sendall(request)  # type: ignore[union-attr]
sent, come = connections, 0
while come < calls:
    for key, _ in selector.select(10):
        if receive(key.fileobj) != wanted:  # type: ignore[arg-type]
            sys.exit("a wrong reply")
        come += 1
        if sent < calls:
            key.fileobj.sendall(request)  # type: ignore[union-attr]
            sent += 1
print(time.perf_counter() - began)
