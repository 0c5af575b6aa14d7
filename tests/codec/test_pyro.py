"""Pyro's messages as bytes, one table in both directions; cut, garbled, too large, of other versions."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpcctl.errors import LocalProtocolError, RemoteProtocolError
from rpcctl.protocols.pyro import codec
from rpcctl.protocols.pyro.codec import Message, Messages, pack

MOST = 1 << 20
ID = bytes(range(1, 17))


def head(kind="04", serializer="03", flags="0000", sequence="0001", size=0, noted=0, correlation="00" * 16):
    """A header in hex, as the table in Pyro5's protocol.py has it."""
    return bytes.fromhex(f"5059524f01f6{kind}{serializer}{flags}{sequence}{size:08x}{noted:08x}{correlation}00004dc5")


TABLE = [
    (Message(codec.INVOKE, 3, b"{}", 0, 1), head(size=2) + b"{}"),
    (Message(codec.CONNECT, 1, b"", 0, 0xFFFF), head("01", "01", sequence="ffff")),
    (Message(codec.PING, 42, b"ping", 0, 2), head("06", "2a", sequence="0002", size=4) + b"ping"),
    (
        Message(codec.RESULT, 4, b"x", codec.EXCEPTION | codec.STREAM, 7, {"STRM": b"id"}),
        head("05", "04", "0011", "0007", 1, 10) + b"STRM\0\0\0\x02idx",
    ),
    (
        Message(codec.INVOKE, 3, b"x", codec.ONEWAY | codec.CORRELATED, 1, {"AAAA": b"", "BBBB": b"1"}, ID),
        head(flags="0044", size=1, noted=17, correlation=ID.hex()) + b"AAAA\0\0\0\0BBBB\0\0\0\x011x",
    ),
]


@pytest.mark.parametrize(("message", "data"), TABLE)
def test_each_message_and_its_bytes(message, data):
    assert pack(message) == data
    assert Messages(MOST).feed(data) == [message]


@pytest.mark.parametrize("step", [1, 7, 39, 41, 1000])
def test_messages_split_anywhere_and_several_in_one_read(step):
    everything = b"".join(data for _, data in TABLE)
    reading, found = Messages(MOST), []
    for at in range(0, len(everything), step):
        found += reading.feed(everything[at : at + step])
    assert found == [message for message, _ in TABLE]
    assert not reading.is_partial


@pytest.mark.parametrize(("message", "data"), TABLE)
def test_a_message_cut_at_every_byte_is_no_message_yet(message, data):
    for end in range(1, len(data)):
        reading = Messages(MOST)
        assert reading.feed(data[:end]) == []
        assert reading.is_partial
        assert reading.feed(data[end:]) == [message]


def test_a_compressed_message_is_read_and_written():
    message = Message(codec.INVOKE, 3, b"long" * 100, codec.COMPRESSED, 1)
    data = pack(message)
    assert len(data) < 100
    assert Messages(MOST).feed(data) == [message]
    assert zlib.decompress(data[40:]) == message.payload


def test_what_is_short_is_not_compressed():
    assert pack(Message(codec.INVOKE, 3, b"short", codec.COMPRESSED))[8:10] == b"\0\0"


BAD = [
    (b"GET / HTTP/1.1\r\n", "an HTTP client"),
    (b"HTTP/1.1 400 Bad Request\r\n", "an HTTP server"),
    (b"\xff\0\0\0\0\0\0\0\x01\x7f", "ZeroMQ"),
    (b"\x16\x03\x01", "TLS"),
    (b"PYRX", "first bytes are b'PYRX'"),
    (b"PYRO\0\x30", "Pyro4"),
    (b"PYRO\x01\xf7", "version 503"),
    (head()[:38] + b"\x4d\xc6", "0x4dc6"),
    (head(size=MOST + 1), "1048577 bytes"),
    (head(size=0x80000000, noted=0x7FFFFFFF), "bytes"),
    (head(size=0xFFFFFFFF), "bytes"),
    (head(noted=4) + b"ABCD", "annotation"),
    (head(noted=8) + b"ABCD\0\0\0\1", "annotation"),
    (head(noted=9) + b"ABCD\xff\xff\xff\xff1", "annotation"),
    (head(flags="0002", size=3) + b"abc", "decompressed"),
    (head(flags="0002", size=9) + zlib.compress(b"some text")[:9], "too early"),
]


@pytest.mark.parametrize(("data", "why"), BAD)
def test_what_is_no_message_is_told_at_once(data, why):
    with pytest.raises(RemoteProtocolError, match=why):
        Messages(MOST).feed(data)


def test_a_bomb_is_not_unpacked():
    payload = zlib.compress(bytes(MOST * 50))
    with pytest.raises(RemoteProtocolError, match="--max-message"):
        Messages(MOST).feed(head(flags="0002", size=len(payload)) + payload)


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_else(data):
    for begin in (b"", b"PYRO\x01\xf6", head(size=20)):
        try:
            Messages(100).feed(begin + data)
        except RemoteProtocolError:
            pass


def test_numbers_of_requests_begin_anew():
    assert codec.next_sequence(0) == 1
    assert codec.next_sequence(0xFFFF) == 0


def test_what_no_length_can_tell_is_refused():
    class Long(bytes):
        def __len__(self):
            return 1 << 33

    with pytest.raises(LocalProtocolError, match="8589934592 bytes"):
        pack(Message(codec.INVOKE, 3, Long()))
