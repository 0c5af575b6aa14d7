"""zerorpc's own server with a trivial method and a stream; prints its endpoint."""

import socket
import warnings

warnings.simplefilter("ignore")

import zerorpc  # noqa: E402  # its imports warn


class Methods:
    """What is measured."""

    def add(self, a, b):
        """Add two numbers."""
        return a + b

    @zerorpc.stream
    def count(self, n):
        """Yield 0 to n-1."""
        return iter(range(n))


with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    endpoint = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
server = zerorpc.Server(Methods())
server.bind(endpoint)
print(endpoint, flush=True)
server.run()
