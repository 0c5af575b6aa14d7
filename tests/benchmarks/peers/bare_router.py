"""A bare ROUTER loop with msgpack that answers every request with the sum of its arguments; prints its endpoint."""

import msgpack
import zmq

context = zmq.Context()
socket = context.socket(zmq.ROUTER)
port = socket.bind_to_random_port("tcp://127.0.0.1")
print(f"tcp://127.0.0.1:{port}", flush=True)
count = 0
while True:
    socket.poll()
    identity, empty, event = socket.recv_multipart()
    header, name, args = msgpack.unpackb(event)
    count += 1
    reply = [{"message_id": f"{count:032x}", "v": 3, "response_to": header["message_id"]}, "OK", [sum(args)]]
    socket.send_multipart([identity, empty, msgpack.packb(reply)])
