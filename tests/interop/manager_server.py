"""A stock manager's server, of whichever Python runs it. Words: host and port, or a path; the key.

Prints the address when it serves.
"""

import sys
import threading
from multiprocessing.managers import DictProxy, SyncManager
from queue import Queue
from typing import Any


class Odd(Exception):
    """A class that no client can import."""


class Box:
    """An object with one of each kind of answer."""

    def echo(self, *args, **kwargs):
        """What was given."""
        return [list(args), kwargs] if kwargs else args[0] if len(args) == 1 else list(args)

    def fail(self, message="on purpose"):
        """Raise ValueError."""
        raise ValueError(message)

    def fail_oddly(self):
        """Raise an exception of a class of its own."""
        raise Odd("odd", 1)

    def lock(self):
        """Return what has no pickle."""
        return threading.Lock()

    def odd(self):
        """Return an object of a class that no client can import."""
        return Thing()

    def count(self, n):
        """Yield to n."""
        yield from range(n)

    def inner(self):
        """Return a dictionary that stays here."""
        return {"a": 1}

    def block(self):
        """Wait for ever."""
        threading.Event().wait()

    def leave(self):
        """End the thread of the session."""
        raise SystemExit


class Thing:
    """Neither plain nor known elsewhere."""

    def __init__(self):
        self.size = 3


class Manager(SyncManager):
    """With a dictionary, a queue and a box that all clients share, and any number of new boxes."""


shared: dict[str, object] = {}
queue: "Queue[object]" = Queue()
box = Box()
Manager.register("get_dict", lambda: shared, DictProxy)
Manager.register("get_queue", lambda: queue)
Manager.register("box", lambda: box, method_to_typeid={"count": "Iterator", "inner": "dict"})
Manager.register("new_box", Box)


def main():
    """Serve until killed."""
    place = sys.argv[1]
    host, colon, port = place.rpartition(":")
    manager = Manager(address=(host, int(port)) if colon else place, authkey=sys.argv[2].encode())
    server = manager.get_server()
    address: Any = server.address
    print(address if isinstance(address, str) else f"{address[0]}:{address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
