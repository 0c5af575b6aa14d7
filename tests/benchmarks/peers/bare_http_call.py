"""One JSON-RPC call by hand: what a script that imports http.client would be. Words: URL, method, numbers."""

import http.client
import json
import sys

url, method, *args = sys.argv[1:]
connection = http.client.HTTPConnection(url.removeprefix("http://").partition("/")[0], timeout=5)
body = {"jsonrpc": "2.0", "method": method, "params": [json.loads(each) for each in args], "id": 1}
connection.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
print(json.loads(connection.getresponse().read())["result"])
connection.close()
