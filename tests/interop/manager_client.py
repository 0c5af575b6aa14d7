"""A stock manager's client, of whichever Python runs it; rpcctl is not imported.

Words: host and port, or a path; the key; a typeid; a method, or `time`; its arguments as JSON. Prints as JSON
`["ok", value]` or `["error", class, text, notes]`; of `time` the seconds to the first result, and of 50 further calls.
"""

import json
import sys
from multiprocessing.managers import BaseManager
from time import perf_counter


class Manager(BaseManager):
    """What is registered is decided below."""


def main():
    """One call, or two measurements."""
    place, key, typeid, method, *words = sys.argv[1:]
    Manager.register(typeid)
    host, colon, port = place.rpartition(":")
    began = perf_counter()
    try:
        manager = Manager(address=(host, int(port)) if colon else place, authkey=key.encode())
        manager.connect()
        proxy = getattr(manager, typeid)()
        if method == "time":
            measure(proxy, began)
            return
        found = ["ok", getattr(proxy, method)(*map(json.loads, words))]
    except Exception as exc:
        found = ["error", type(exc).__name__, str(exc), getattr(exc, "__notes__", [])]
    print(json.dumps(found))


def measure(proxy, began):
    """Cold and warm."""
    proxy.add(1, 2)
    cold = perf_counter() - began
    for _ in range(50):
        proxy.add(1, 2)
    print(json.dumps([cold, perf_counter() - began - cold]))


if __name__ == "__main__":
    main()
