"""rpcctl's client reading a stream. Words: address, items; prints the seconds that it took."""

import sys
import time

import rpcctl

with rpcctl.connect(sys.argv[1], timeout=60) as client:
    list(client.count(10))
    began = time.perf_counter()
    wanted = int(sys.argv[2])
    seen = sum(1 for _ in client.count(wanted))
    seconds = time.perf_counter() - began
if seen != wanted:
    sys.exit(f"{seen} items instead of {wanted}")
print(seconds)
