"""One zerorpc call by hand: what a script that imports zmq and msgpack would be. Words: endpoint, method, texts."""

import sys
import uuid

import msgpack
import zmq

endpoint, method, *args = sys.argv[1:]
context = zmq.Context()
socket = context.socket(zmq.DEALER)
socket.linger = 0
socket.connect(endpoint)
event = msgpack.packb([{"message_id": uuid.uuid4().hex, "v": 3}, method, args])
socket.send_multipart([b"", event])
if not socket.poll(5000):
    sys.exit("no reply")
header, name, result = msgpack.unpackb(socket.recv_multipart()[-1])
print(result[0])
socket.close()
context.term()
