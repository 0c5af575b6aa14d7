"""Certificates at both ends, and which error is told when something about them is wrong."""

import socket
import threading
import time
from pathlib import Path

import pytest

from rpcctl.errors import CertificateError, ConnectError, InputError, TLSError, UsageError
from rpcctl.http.server import HttpServer
from rpcctl.http.tls import server_context
from rpcctl.interfaces import Settings
from rpcctl.messages import NEVER, Deadline
from tests.http.conftest import address_of
from tests.shell import rpcctl


def ask(client, body=b"x", timeout=5.0):
    return client.post(body, "text/plain", Deadline.after(timeout))


@pytest.fixture
def secure(serve, certificates):
    """A function that serves over TLS."""

    def start(pair=None, **options):
        cert, key = pair or certificates.server
        return serve(at=address_of("https"), cert=cert, key=key, **options).address

    return start


def test_a_trusted_server(secure, client, certificates):
    connection = client(secure(), cacert=certificates.authority[0])
    assert [ask(connection, b"%d" % n).body for n in range(3)] == [b"0", b"1", b"2"]


def test_a_large_body_both_ways(secure, client, certificates):
    connection = client(secure(max_message=8 << 20), cacert=certificates.authority[0])
    assert ask(connection, b"x" * (4 << 20)).body == b"x" * (4 << 20)


def test_key_and_certificate_in_one_file(secure, client, certificates, tmp_path):
    both = tmp_path / "both.pem"
    both.write_text("".join(Path(path).read_text() for path in certificates.server))
    assert ask(client(secure((str(both), None)), cacert=certificates.authority[0])).body == b"x"


@pytest.mark.parametrize(
    ("name", "match"), [("expired", "expired"), ("lone", "self.signed"), ("server", "local issuer")]
)
def test_a_server_that_is_not_trusted_is_exit_60(secure, client, certificates, name, match):
    trusted = {"cacert": certificates.authority[0]} if name == "expired" else {}
    with pytest.raises(CertificateError, match=match) as caught:
        client(secure(getattr(certificates, name)), **trusted).connect(NEVER)
    assert caught.value.exit_code == 60
    assert "--cacert" in caught.value.hint
    assert ask(client(secure(getattr(certificates, name)), insecure=True)).body == b"x"


def test_a_server_of_another_name(secure, client, certificates):
    at = secure()._replace(host="127.0.0.2")
    with pytest.raises((CertificateError, ConnectError)) as caught:
        client(at, cacert=certificates.authority[0]).connect(NEVER)
    assert "127.0.0.2" in caught.value.message


def test_clients_must_show_a_certificate_if_asked_to(secure, client, certificates):
    at = secure(cacert=certificates.authority[0])
    trusted = {"cacert": certificates.authority[0]}
    cert, key = certificates.client
    assert ask(client(at, cert=cert, key=key, **trusted)).body == b"x"
    with pytest.raises(TLSError) as caught:
        ask(client(at, **trusted))
    assert caught.value.exit_code == 35
    assert "--cert" in caught.value.hint
    cert, key = certificates.lone
    with pytest.raises(TLSError):
        ask(client(at, cert=cert, key=key, **trusted))


def test_plain_http_to_a_tls_port_is_exit_35(secure, client):
    with pytest.raises(TLSError, match="speaks TLS") as caught:
        ask(client(secure()._replace(transport="http", scheme="http")))
    assert caught.value.exit_code == 35
    assert "https://" in caught.value.hint


def test_tls_to_a_plain_http_port_is_exit_35(serve, client):
    with pytest.raises(TLSError) as caught:
        client(serve().address._replace(transport="https", scheme="https")).connect(NEVER)
    assert caught.value.exit_code == 35
    assert "http://" in caught.value.hint


@pytest.fixture
def refusing(serve, secure, tmp_path):
    """Servers that are there, and will not take this client."""
    users = tmp_path / "users"
    users.write_text("alice:wonderland\n")
    return {"cert": secure(), "auth": serve(auth_file=str(users)).address, "tls": _as_https(serve().address)}


def _as_https(at):
    return at._replace(transport="https", scheme="https")


@pytest.mark.parametrize(("what", "code"), [("cert", 60), ("auth", 67), ("tls", 35)])
def test_nobody_waits_for_what_does_not_heal(refusing, what, code):
    began = time.monotonic()
    assert rpcctl("wait", str(refusing[what]), "--timeout", "20").exit_status == code
    assert time.monotonic() - began < 10


def test_a_tls_port_that_says_nothing_is_given_up_in_time(client):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at = address_of("https", port=silent.getsockname()[1])
        with pytest.raises(ConnectError, match=r"within 0\.2 s"):
            client(at, connect_timeout=0.2).connect(NEVER)


def test_who_is_silent_in_the_handshake_holds_up_nobody(secure, client, raw, certificates):
    at = secure()
    silent = [raw(at) for _ in range(20)]
    assert ask(client(at, cacert=certificates.authority[0])).body == b"x"
    assert silent


def test_closing_ends_encrypted_connections(serve, client, certificates):
    cert, key = certificates.server
    serving = serve(at=address_of("https"), cert=cert, key=key)
    connection = client(serving.address, cacert=certificates.authority[0])
    ask(connection)
    stopper = threading.Thread(target=serving.stop)
    stopper.start()
    stopper.join(5)
    with pytest.raises(ConnectError, match="refused"):
        ask(connection)


def test_the_address_is_complete_and_tells_no_paths(certificates):
    cert, key = certificates.server
    at = address_of("https")._replace(options=(("cert", cert), ("key", key), ("path", "/x")))
    assert HttpServer(at, Settings({"cert": cert, "key": key})).address.options == (("path", "/x"),)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({}, UsageError, "needs a certificate"),
        ({"cert": "/nowhere"}, InputError, "/nowhere"),
        ({"cert": "{key}"}, UsageError, "no certificate"),
        ({"cert": "{cert}", "key": "{other}"}, UsageError, "no certificate with its key"),
        ({"cert": "{cert}", "key": "{key}", "cacert": "{key}"}, UsageError, "no certificates"),
        ({"cert": "{cert}", "key": "{locked}"}, UsageError, "locked with a password"),
    ],
)
def test_certificates_that_cannot_be_used(certificates, tmp_path, options, error, match):
    import subprocess

    locked = str(tmp_path / "locked.key")
    words = ("pkey", "-in", certificates.server[1], "-aes128", "-passout", "pass:x", "-out", locked)
    subprocess.run(("openssl", *words), check=True, capture_output=True)
    names = {"cert": certificates.server[0], "key": certificates.server[1], "other": certificates.lone[1]}
    given = {name: value.format(**names, locked=locked) for name, value in options.items()}
    with pytest.raises(error, match=match):
        server_context(address_of("https"), given)


def test_a_certificate_for_an_address_that_is_not_encrypted(certificates):
    with pytest.raises(UsageError, match="not encrypted"):
        server_context(address_of(host="*"), {"cert": certificates.server[0]})
