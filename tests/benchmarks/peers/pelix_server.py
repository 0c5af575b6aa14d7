"""jsonrpclib-pelix's pooled server as it is shipped; prints its URL first."""

from jsonrpclib.SimpleJSONRPCServer import PooledJSONRPCServer

from tests.benchmarks.target import add

server = PooledJSONRPCServer(("127.0.0.1", 0), logRequests=False)
server.register_function(add)
print(f"http://127.0.0.1:{server.server_address[1]}/", flush=True)
server.serve_forever()
