"""How the command ends when it is not let in, or asks for what is not there."""

import pytest

import rpcctl
from rpcctl.errors import AuthError
from rpcctl.hosting import Server
from tests.hostile.wires import MANAGER, MSGPACKRPC, PYRO
from tests.shell import rpcctl as shell

RIGHT, WRONG = "the right words", "another secret"
AUTH, NO_METHOD = 67, 78
PLACES = [
    (MSGPACKRPC, "{}", "nope"),
    (PYRO, "{}", "nope"),
    (PYRO, "PYRO:nope@{place}", "add"),
    (PYRO, "{}", "sample.add"),
    (MANAGER, "{}", "nope"),
    (MANAGER, "{}/nope", "add"),
    (MANAGER, "{}/rpcctl.nope", "add"),
]


@pytest.mark.parametrize(("wire", "form", "method"), PLACES, ids=lambda each: getattr(each, "name", each))
def test_what_is_not_there(wire, form, method):
    with Server("tests.sample", wire.bind) as server:
        at = server.addresses[0]
        found = shell("call", form.format(at, place=f"127.0.0.1:{at.port}"), method, "2", "3")
    assert found.exit_status == NO_METHOD
    assert len(found.stderr.splitlines()) <= 4


@pytest.mark.parametrize(
    ("wire", "variable", "shown"),
    [(PYRO, "RPCCTL_TOKEN", WRONG), (PYRO, "RPCCTL_TOKEN", ""), (MANAGER, "RPCCTL_AUTHKEY", WRONG)],
    ids=["a wrong token", "no token", "a wrong key"],
)
def test_who_does_not_know_the_secret(monkeypatch, wire, variable, shown):
    log: list[str] = []
    monkeypatch.setenv(variable, RIGHT)
    with Server("tests.sample", wire.bind, note=log.append) as server:
        at = str(server.addresses[0])
        found = shell("call", at, "add", "2", "3", env={variable: shown})
        assert found.exit_status == AUTH
        with rpcctl.connect(at, timeout=5) as connection:
            assert connection.call("add", 2, 3) == 5
    told = found.stderr + "".join(log)
    assert len(log) == 1
    assert RIGHT not in told
    assert WRONG not in told


@pytest.mark.parametrize(("wire", "variable"), [(PYRO, "RPCCTL_TOKEN"), (MANAGER, "RPCCTL_AUTHKEY")])
def test_a_secret_is_not_guessed_by_its_beginning(monkeypatch, wire, variable):
    monkeypatch.setenv(variable, RIGHT)
    with Server("tests.sample", wire.bind, note=lambda line: None) as server:
        for guess in (RIGHT[:-1], RIGHT + "s", RIGHT.upper(), RIGHT + "\1", "é" * 8):
            with monkeypatch.context() as patch:
                patch.setenv(variable, guess)
                with pytest.raises(AuthError):
                    rpcctl.connect(str(server.addresses[0]), timeout=5)
