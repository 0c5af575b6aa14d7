"""The handshake, each end by itself, against the other, and against what Python 3.10 and 3.13 were seen to answer."""

import hmac

import pytest

from rpcctl.errors import AuthError, RemoteProtocolError
from rpcctl.protocols.manager import handshake
from rpcctl.protocols.manager.handshake import CHALLENGE, FAILURE, WELCOME, ClientHandshake, ServerHandshake

KEY = b"secret-key"
OLD, BRACED = bytes(range(20)), b"{" + bytes(range(19))
NEW = bytes(range(40))
VECTORS = [
    # message, its answer by Python 3.13, and by 3.10 where that is another one
    (OLD, "de936bfac84704c988ab8ec2a6d6d714", ""),
    (BRACED, "3222653c6ea499342090d1472ecf7d0f", ""),
    (
        b"{sha256}" + NEW,
        "7b7368613235367d39c4ff3268da80f68b36eb46879c33a2dedb3ac28faebb6a0279ac6a912624d9",
        "6ae2b853ecc155b89b53c8a04f6fac88",
    ),
    (
        b"{sha384}" + NEW,
        "7b7368613338347da5b0994b79db0c421859eb0ac1f07b72610635482f33be8133d929f0d939fbc4e3994baa88ca66598422f77dc714e832",
        "5b532f219e568fd793f03ac5e616d508",
    ),
    (b"{md5}" + NEW, "7b6d64357d3625321b6d343cadfbd6fa824ff88636", "3625321b6d343cadfbd6fa824ff88636"),
    (
        b"{sha3_256}" + NEW,
        "7b736861335f3235367dec66a4deaac1a8803b8172640e69d7f832da93bd28e7c6e7530e7f1e3a4f1efc",
        "968c06c08d0c7c9110f91ac59d495578",
    ),
]


def numbers(size: int) -> bytes:
    """Not random at all."""
    return bytes(range(size))


def shake(client: ClientHandshake, server: ServerHandshake) -> None:
    """Carry frames between the two until both are done."""
    to_client = [server.first]
    while not (client.done and server.done):
        to_server = [answer for frame in to_client for answer in client.receive(frame)]
        to_client = [answer for frame in to_server for answer in server.receive(frame)]
        assert to_client or server.done


@pytest.mark.parametrize(("message", "new", "old"), VECTORS)
def test_messages_are_answered_as_python_does(message, new, old):
    assert handshake.respond(KEY, message).hex() == new
    assert handshake.verify(KEY, message, bytes.fromhex(new))
    assert not old or handshake.verify(KEY, message, bytes.fromhex(old))
    assert not handshake.verify(b"another", message, bytes.fromhex(new))


@pytest.mark.parametrize(
    "answer",
    [b"", b"x", b"x" * 16, b"x" * 32, b"{sha256}", b"{sha256}" + b"x" * 32, b"{md5}" + b"x" * 16, b"#WELCOME#"],
)
def test_a_wrong_answer_is_none(answer):
    assert not handshake.verify(KEY, b"{sha256}" + NEW, answer)


@pytest.mark.parametrize("name", [b"sha1", b"md4", b"", b"../../etc", b"\xff"])
def test_a_digest_that_is_not_agreed_on_is_refused(name):
    with pytest.raises(AuthError, match="unknown digest"):
        handshake.verify(KEY, b"{sha256}" + NEW, b"{%s}" % name + b"x" * 40)
    with pytest.raises(AuthError, match="unknown digest"):
        handshake.respond(KEY, b"{%s}" % name + b"x" * 60)


def test_both_ends_together():
    shake(ClientHandshake(KEY, numbers), ServerHandshake(KEY, numbers))


def test_a_server_of_the_old_style_is_asked_in_that_style():
    client = ClientHandshake(KEY, numbers)
    assert client.receive(CHALLENGE + OLD) == [bytes.fromhex(VECTORS[0][1])]
    (challenge,) = client.receive(WELCOME)
    assert challenge == CHALLENGE + numbers(20)
    assert client.receive(hmac.digest(KEY, numbers(20), "md5")) == [WELCOME]
    assert client.is_old
    assert client.done


def test_a_server_of_the_new_style_is_asked_in_that_style():
    client = ClientHandshake(KEY, numbers)
    client.receive(CHALLENGE + b"{sha256}" + NEW)
    assert client.receive(WELCOME) == [CHALLENGE + b"{sha256}" + numbers(40)]
    assert not client.is_old


def test_a_server_that_was_patched_to_sha256_gets_that():
    client = ClientHandshake(KEY, numbers, "sha256")
    assert client.receive(CHALLENGE + OLD) == [hmac.digest(KEY, OLD, "sha256")]
    client.receive(WELCOME)
    assert client.receive(hmac.digest(KEY, numbers(20), "sha256")) == [WELCOME]


def test_a_client_of_the_old_style_is_let_in():
    server = ServerHandshake(KEY, numbers)
    message = server.first.removeprefix(CHALLENGE)
    assert server.receive(hmac.digest(KEY, message, "md5")) == [WELCOME]
    assert server.receive(CHALLENGE + OLD) == [bytes.fromhex(VECTORS[0][1])]
    assert server.receive(WELCOME) == []
    assert server.done


def test_a_wrong_key_is_refused_by_either_end():
    server = ServerHandshake(KEY, numbers)
    (answer,) = ClientHandshake(b"another", numbers).receive(server.first)
    with pytest.raises(AuthError):
        server.receive(answer)
    client = ClientHandshake(KEY, numbers)
    client.receive(server.first)
    with pytest.raises(AuthError, match="refuses the key"):
        client.receive(FAILURE)
    client = ClientHandshake(KEY, numbers)
    client.receive(server.first)
    client.receive(WELCOME)
    with pytest.raises(AuthError, match="does not know the key"):
        client.receive(b"{sha256}" + b"x" * 32)


@pytest.mark.parametrize("first", [b"", b"hello", WELCOME, b"HTTP/1.1 400 Bad Request"])
def test_what_is_no_challenge_is_told(first):
    with pytest.raises(RemoteProtocolError, match="does not begin as a manager"):
        ClientHandshake(KEY, numbers).receive(first)


def test_a_client_that_does_not_ask_back_is_not_let_in():
    server = ServerHandshake(KEY, numbers)
    server.receive(handshake.respond(KEY, server.first.removeprefix(CHALLENGE)))
    with pytest.raises(AuthError):
        server.receive(b"hello")
