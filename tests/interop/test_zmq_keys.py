"""Keys: who is let in and what does not fit; options that cannot be."""

import subprocess
import sys
from typing import Any

import pytest
import zmq

from rpcctl.api import Connection
from rpcctl.errors import AddressError, AuthError, InputError, UsageError


class Keys:
    """A key pair, and its files in both formats."""

    def __init__(self, folder: Any, name: str) -> None:
        public, secret = zmq.curve_keypair()
        self.public = public.decode()
        self.secret_file = str(folder / f"{name}.secret")
        self.public_file = str(folder / f"{name}.public")
        self.certificate = str(folder / f"{name}.certificate")
        (folder / f"{name}.secret").write_bytes(secret + b"\n")
        (folder / f"{name}.public").write_bytes(b"# a comment\n" + public + b"  who it is\n")
        text = f'metadata\ncurve\n    public-key = "{self.public}"\n    secret-key = "{secret.decode()}"\n'
        (folder / f"{name}.certificate").write_text(text)


@pytest.fixture
def keys(tmp_path):
    return {name: Keys(tmp_path, name) for name in ("server", "ann", "bob")}


def test_a_server_with_a_key_prints_an_address_that_is_enough_to_call(serve, keys):
    address = serve(options={"curve-secret-key-file": keys["server"].secret_file})
    with Connection(address) as client:
        assert client.add(2, 3) == 5
        assert list(client.count(200)) == list(range(200))


@pytest.mark.parametrize("form", ["secret_file", "certificate"])
def test_only_clients_on_the_list_are_let_in(serve, keys, form):
    address = serve(
        options={
            "curve-secret-key-file": getattr(keys["server"], form),
            "curve-allow": (keys["ann"].public_file,),
        }
    )
    with Connection(address, options={"curve-secret-key-file": getattr(keys["ann"], form)}) as client:
        assert client.add(2, 3) == 5
    for options in ({"curve-secret-key-file": keys["bob"].secret_file}, {}):
        with pytest.raises(AuthError, match="does not admit") as caught, Connection(address, options=options):
            pass
        assert caught.value.exit_code == 67


def test_keys_that_do_not_fit_are_named(serve, keys):
    plain = serve()
    encrypted = serve(options={"curve-secret-key-file": keys["server"].secret_file}).partition("?")[0]
    wrong = {"curve-server-key": keys["bob"].public}
    for at, options, message in (
        (encrypted, {}, "admits only"),
        (encrypted, wrong, "is not its key"),
        (plain, wrong, "does not encrypt"),
    ):
        with pytest.raises(AuthError, match=message), Connection(at, options=options):
            pass
    with Connection(encrypted, options={"curve-server-key": keys["server"].public_file}) as client:
        assert client.add(2, 3) == 5


WRONG_KEYS = [
    ({"curve-server-key": "/no/such/file"}, InputError),
    ({"curve-server-key": __file__}, UsageError),
    ({"curve-secret-key-file": __file__}, UsageError),
    ({"push": True, "publish": True}, UsageError),
    ({"alternative": ("http://x:1",)}, AddressError),
]


@pytest.mark.parametrize(("options", "error"), WRONG_KEYS)
def test_options_that_cannot_be_are_refused(options, error):
    with pytest.raises(error):
        Connection("tcp://127.0.0.1:1", options=options)


def test_a_word_that_is_no_key_is_told_and_the_hint_makes_a_pair():
    with pytest.raises(InputError, match="bad: neither a Z85 key of 40 characters nor a file") as caught:
        Connection("tcp://127.0.0.1:1", options={"curve-server-key": "bad"})
    _, code, _ = caught.value.hint.split('"')
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    public, secret = made.stdout.split()
    assert zmq.curve_public(secret.encode()).decode() == public


@pytest.mark.parametrize("options", [{"curve-allow": (__file__,)}, {"pull": True, "subscribe": True}])
def test_server_options_that_cannot_be_are_refused(serve, options):
    with pytest.raises(UsageError):
        serve(options=options)
