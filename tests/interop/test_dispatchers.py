"""Servers that programs have made with pelix or the standard library, as targets: what is registered is served."""

import xmlrpc.client
from collections.abc import Iterator

import pytest
from jsonrpclib import ServerProxy
from jsonrpclib.config import Config

from rpcctl.api import Connection
from rpcctl.errors import MethodNotFoundError, RemoteError
from tests.process import serving

PROGRAM = '''
from xmlrpc.client import Fault as XmlFault
from xmlrpc.server import SimpleXMLRPCServer

from jsonrpclib import Fault
from jsonrpclib.SimpleJSONRPCServer import PooledJSONRPCServer


class Account:
    def owner(self, title="Ms"):
        return title + " Doe"

    def _secret(self):
        return "secret"


def add(a, b):
    """Add two numbers."""
    return a + b


def kind(value):
    return type(value).__name__


def refuse():
    return Fault(1234, "custom", data=[1]) if "SERVER" == "pelix" else XmlFault(1234, "custom")


def register(server):
    server.register_function(add, "math.add")
    server.register_function(kind)
    server.register_function(refuse)
    server.register_instance(Account())
    server.register_introspection_functions()


pelix = PooledJSONRPCServer(("127.0.0.1", 0), logRequests=False)
register(pelix)
stock = SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False)
register(stock)
'''
METHODS = {"kind", "math.add", "owner", "refuse"}


@pytest.fixture(params=["pelix", "stock"])
def served(request, tmp_path) -> Iterator[tuple[str, str]]:
    """The addresses of one of the two servers of the program, for each protocol."""
    (tmp_path / "program.py").write_text(PROGRAM.replace("SERVER", request.param))
    binds = ("--bind", "http://127.0.0.1:0/", "--bind", "xmlrpc+http://127.0.0.1:0/RPC2")
    with serving(*binds, "--app-dir", str(tmp_path), target=f"program:{request.param}") as (process, first):
        yield first, process.read_address()


def test_what_is_registered_is_served_by_both_protocols(served):
    for at in served:
        with Connection(at, timeout=10.0) as client:
            assert {each.name for each in client.describe().methods} >= METHODS
            assert client.call("math.add", 2, 3) == 5
            assert client.owner() == "Ms Doe"
            for name in ("_secret", "owner.__self__", "register_function"):
                with pytest.raises(MethodNotFoundError):
                    client.call(name)
            with pytest.raises(RemoteError, match="custom"):
                client.refuse()


def test_the_stock_clients_call_it_as_before(served):
    with ServerProxy(served[0], config=Config(use_jsonclass=False)) as pelix:
        assert pelix.math.add(2, 3) == 5
        assert "owner" in pelix.system.listMethods()
    with xmlrpc.client.ServerProxy(served[1].removeprefix("xmlrpc+")) as stock:
        assert stock.math.add(2, 3) == 5
        assert stock.system.methodHelp("math.add") == "Add two numbers."


def test_no_class_is_made_of_what_a_caller_names(served):
    with Connection(served[0], timeout=10.0) as client:
        assert client.kind({"__jsonclass__": ["collections.OrderedDict", []]}) == "dict"
