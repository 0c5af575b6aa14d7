"""The standard library's server of XML-RPC with a thread for each connection; prints its URL first."""

from socketserver import ThreadingMixIn
from typing import Any
from xmlrpc.server import SimpleXMLRPCServer

from tests.benchmarks.target import add


class Threaded(ThreadingMixIn, SimpleXMLRPCServer):
    """As programs make it to serve several at once."""

    daemon_threads = True


server: Any = Threaded(("127.0.0.1", 0), logRequests=False)
server.register_function(add)
print(f"http://127.0.0.1:{server.server_address[1]}/RPC2", flush=True)
server.serve_forever()
