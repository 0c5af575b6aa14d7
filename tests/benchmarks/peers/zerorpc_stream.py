"""zerorpc's own client reading a stream. Words: endpoint, items; prints the seconds that it took."""

import sys
import time
import warnings

warnings.simplefilter("ignore")

import zerorpc  # noqa: E402  # its imports warn

client = zerorpc.Client(timeout=60)
client.connect(sys.argv[1])
client.count(10)
began = time.perf_counter()
wanted = int(sys.argv[2])
seen = sum(1 for _ in client.count(wanted))
seconds = time.perf_counter() - began
if seen != wanted:
    sys.exit(f"{seen} items instead of {wanted}")
print(seconds)
