"""A stock manager's server of the benchmark's target; prints its address. The key is in RPCCTL_AUTHKEY."""

import os
from multiprocessing.managers import BaseManager
from typing import Any

from tests.benchmarks import target


class Manager(BaseManager):
    """One typeid."""


Manager.register("target", lambda: target)
server = Manager(address=("127.0.0.1", 0), authkey=os.environ["RPCCTL_AUTHKEY"].encode()).get_server()
address: Any = server.address
print(f"manager+tcp://{address[0]}:{address[1]}", flush=True)
server.serve_forever()
