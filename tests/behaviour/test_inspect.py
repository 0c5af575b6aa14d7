"""Asking what can be called."""

from rpcctl.messages import REQUIRED
from tests import sample
from tests.conftest import every_protocol


@every_protocol("inspect")
def test_names_are_those_of_the_table(client):
    assert sorted(each.name for each in client.describe().methods) == sorted(sample.__all__)


@every_protocol("inspect")
def test_parameters_defaults_and_documentation(client):
    method = client.describe().find("add")
    assert [(each.name, each.default) for each in method.parameters] == [("a", REQUIRED), ("b", REQUIRED)]
    assert method.doc == "Add two numbers.\n\nThe sum of both."
    assert method.summary() == "Add two numbers."
    assert client.describe().find("default").parameters[1].default == 2


@every_protocol("inspect")
def test_signature_and_stream_survive_between_our_own_ends(client):
    description = client.describe()
    assert description.find("add").signature() == "(a: int, b: int) -> int"
    assert description.find("default").signature() == "(a: Any, b: Any = 2, *, c: Any = 3) -> list[Any]"
    assert description.find("count").stream
    assert not description.find("add").stream


@every_protocol("inspect")
def test_a_ping_tells_the_name(client):
    assert client.ping() == "tests.sample"
