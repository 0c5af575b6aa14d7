"""A load of `add(1, 2)` calls over one connection that costs its machine as little as possible.

Words: address, calls, calls in flight. Prints the seconds from the first request to the last reply; ends with an error
when a reply is missing or wrong.
"""

import socket
import sys
import time

import msgpack

host, port = sys.argv[1].rpartition("/")[2].split(":")
calls, in_flight = int(sys.argv[2]), int(sys.argv[3])
requests = [msgpack.packb([0, number, "add", [1, 2]]) for number in range(calls)]
server = socket.create_connection((host, int(port)), 20)
server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
unpacker = msgpack.Unpacker()
answered: set[int] = set()
began = time.perf_counter()
server.sendall(b"".join(requests[:in_flight]))
sent = min(in_flight, calls)
while len(answered) < calls:
    unpacker.feed(server.recv(65536))
    come = 0
    for kind, number, error, result in unpacker:
        if (kind, error, result) != (1, None, 3):
            sys.exit(f"wrong reply: {error} {result}")
        answered.add(number)
        come += 1
    server.sendall(b"".join(requests[sent : sent + come]))
    sent += come
print(time.perf_counter() - began)
