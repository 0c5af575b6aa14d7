"""Where our server can be bound, and where it cannot."""

import pytest

from rpcctl.errors import AddressError, ConnectError
from rpcctl.hosting import Server


def test_an_address_in_use_is_refused(serve):
    taken = serve()
    with pytest.raises(ConnectError, match="in use"):
        serve(at=taken)


def test_a_path_in_use_is_not_taken_away(serve, connect, tmp_path):
    taken = serve(at=f"ipc://{tmp_path}/s")
    with pytest.raises(ConnectError, match="in use"):
        serve(at=taken)
    assert connect(taken).add(2, 3) == 5


@pytest.mark.parametrize("at", ["tcp://192.0.2.1:0", "ipc:///no/such/folder/s"])
def test_an_address_that_cannot_be_taken_is_said_to_be_none(serve, at):
    with pytest.raises((AddressError, ConnectError)):
        serve(at=at)


@pytest.mark.parametrize("at", ["tcp://localhost:0", "tcp://[::1]:0", "tcp://*:0"])
def test_every_way_to_name_this_machine(serve, connect, at):
    assert connect(serve(at=at, allow_remote=True)).add(2, 3) == 5


def test_a_stopped_server_frees_its_address_at_once():
    server = Server("tests.sample", "tcp://127.0.0.1:0")
    server.start()
    at = server.addresses[0]
    server.stop()
    server.stop()
    with Server("tests.sample", str(at)) as again:
        assert again.addresses == [at]
