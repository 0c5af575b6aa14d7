"""A broker that encrypts: whom its certificate lets in, and what is told when it does not fit."""

import pytest

from rpcctl.hosting import Server
from tests.rabbitmq import OTHER_HOST


@pytest.fixture
def trusted(rabbitmq):
    return ("--cacert", rabbitmq.certificates.authority[0])


def test_both_ends_trust_the_authority(rabbitmq, cli, topic, trusted):
    at = rabbitmq.tls_url(topic)
    with Server("tests.sample", at, options={"cacert": trusted[1]}) as server:
        assert str(server.addresses[0]) == at
        assert cli("call", at, "echo", f"value={'x' * 300_000}", *trusted).json == "x" * 300_000
        assert cli("call", rabbitmq.tls_url(topic, "localhost"), "add", "a=1", "b=2", *trusted).json == 3
        # Whoever comes without encryption meets the same queue.
        assert cli("call", rabbitmq.url(topic), "add", "a=1", "b=2").json == 3


REFUSED = [
    # host, trusts the authority, what the error says
    ("127.0.0.1", False, "certificate"),
    (OTHER_HOST, True, OTHER_HOST),
    (OTHER_HOST, False, "certificate"),
]


@pytest.mark.parametrize(("host", "trusts", "says"), REFUSED)
def test_a_certificate_that_does_not_fit_is_exit_60(rabbitmq, cli, topic, trusted, host, trusts, says):
    done = cli("call", rabbitmq.tls_url(topic, host), "add", *(trusted if trusts else ()))
    assert (done.exit_status, says in done.stderr) == (60, True), done.stderr


def test_it_can_be_passed_over(rabbitmq, cli, topic):
    at = rabbitmq.tls_url(topic, OTHER_HOST)
    with Server("tests.sample", at, options={"insecure": True}):
        assert cli("call", at, "add", "a=1", "b=2", "-k").json == 3
