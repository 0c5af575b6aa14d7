"""The same calls by our own client. Words: address, calls; prints the seconds."""

import sys
import time

from rpcctl.api import Connection

at, calls = sys.argv[1], int(sys.argv[2])
with Connection(at) as client:
    client.add(a=1, b=2)
    began = time.perf_counter()
    for _ in range(calls):
        assert client.add(a=1, b=2) == 3
    print(time.perf_counter() - began)
