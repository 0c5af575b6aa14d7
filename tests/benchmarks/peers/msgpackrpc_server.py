"""A bare loop over one blocking socket at a time that answers with the sum of the arguments; prints its address."""

import socket

import msgpack

listener = socket.create_server(("127.0.0.1", 0))
print(f"msgpackrpc+tcp://127.0.0.1:{listener.getsockname()[1]}", flush=True)
while True:
    peer, _ = listener.accept()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    unpacker = msgpack.Unpacker()
    while data := peer.recv(65536):
        unpacker.feed(data)
        for _, number, _, args in unpacker:
            peer.sendall(msgpack.packb([1, number, None, sum(args)]))
    peer.close()
