"""Our way to the first result of a manager: connect, create, call. Word: address. Prints the seconds.

The modules are loaded before the clock starts.
"""

import sys
import time

import rpcctl
import rpcctl.protocols.manager.client

address = sys.argv[1]
rpcctl.connect("py:tests.benchmarks.target").close()
began = time.perf_counter()
with rpcctl.connect(address) as connection:
    if connection.add(1, 2) != 3:
        sys.exit("wrong reply")
    print(time.perf_counter() - began)
