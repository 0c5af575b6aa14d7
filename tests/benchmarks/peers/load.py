"""A load of `add(1, 2)` calls that costs its machine as little as possible.

Words: endpoint, calls, calls in flight and, if it is another method that adds, its name.

Prints the seconds from the first request to the last reply; ends with an error when a reply is missing or wrong.
"""

import sys
import time

import msgpack
import zmq

endpoint, calls, in_flight = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
method = sys.argv[4] if len(sys.argv) > 4 else "add"
context = zmq.Context()
socket = context.socket(zmq.DEALER)
socket.linger = 0
socket.connect(endpoint)


def request(number: int) -> bytes:
    """The event of one call, its id unique."""
    packed: bytes = msgpack.packb([{"message_id": f"{number:032x}", "v": 3}, method, [1, 2]])
    return packed


events = [request(number) for number in range(calls)]
send, recv = socket.send, socket.recv
socket.send_multipart([b"", request(calls)])
socket.recv_multipart()
began = time.perf_counter()
for event in events[:in_flight]:
    send(b"", zmq.SNDMORE)
    send(event)
for event in events[in_flight:]:
    recv()
    last = recv()
    send(b"", zmq.SNDMORE)
    send(event)
for _ in range(min(in_flight, calls)):
    if not socket.poll(10_000):
        sys.exit("a reply is missing")
    recv()
    last = recv()
seconds = time.perf_counter() - began
header, name, result = msgpack.unpackb(last)
if (name, result) != ("OK", [3]):
    sys.exit(f"wrong reply: {name} {result}")
print(seconds)
