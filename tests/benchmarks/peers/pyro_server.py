"""Pyro5's own daemon with a trivial method and a stream; prints the address of its object."""

import Pyro5.api


@Pyro5.api.expose
@Pyro5.api.behavior(instance_mode="single")
class Methods:
    """What is measured."""

    def add(self, a, b):
        """Add two numbers."""
        return a + b

    def count(self, n):
        """Yield 0 to n-1."""
        yield from range(n)


daemon = Pyro5.api.Daemon("127.0.0.1")
print(daemon.register(Methods, "target"), flush=True)
daemon.requestLoop()
