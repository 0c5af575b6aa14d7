"""Encrypted connections of a host: the same sessions, whatever the handshake does."""

import socket
import ssl

import pytest

from tests.http.conftest import Certificates
from tests.sockets.conftest import Served, read_all


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Paths of a certificate for localhost and of its key."""
    return Certificates(tmp_path_factory.mktemp("certificates")).lone


@pytest.fixture
def served(serve, pair) -> Served:
    """A host that encrypts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    made: Served = serve(tls=context, stall=2.0)
    return made


def encrypted(sock: socket.socket) -> ssl.SSLSocket:
    """The client's end of a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock)


def test_bytes_go_in_and_out(served):
    with encrypted(served.connect()) as client:
        client.sendall(b"echo")
        assert client.recv(100) == b"echo"
        assert served.sessions.get(timeout=5).link.cipher.certificate() is None


def test_much_goes_out_from_another_thread(served):
    with encrypted(served.connect()) as client:
        client.sendall(b"b")
        session = served.sessions.get(timeout=5)
        while not session.held:
            pass
        session.answer(b"x" * 3_000_000, at_once=True)
        found = 0
        while found < 3_000_000:
            found += len(client.recv(65536))


def test_what_a_server_says_first_waits_for_the_handshake(served):
    sock = served.connect()
    served.sessions.get(timeout=5).link.write(b"welcome")
    with encrypted(sock) as client:
        assert client.recv(100) == b"welcome"


def test_a_peer_that_does_not_encrypt_is_told_to_the_log(served):
    client = served.connect()
    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    read_all(client)
    assert "SSLError" in served.log.get(timeout=5)
    with encrypted(served.connect()) as other:
        other.sendall(b"e")
        assert other.recv(1) == b"e"


def test_a_peer_that_stops_in_the_handshake_is_closed(serve, pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    served = serve(tls=context, stall=0.2)
    client = served.connect()
    client.sendall(b"\x16\x03\x01")
    assert read_all(client) == b""
    assert "stopped in the middle" in served.log.get(timeout=5)
