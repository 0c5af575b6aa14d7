"""Frames of AMQP 0-9-1: what is written is read again, whole and byte by byte; and what is no frame."""

import pytest

from rpcctl.errors import RemoteProtocolError
from rpcctl.protocols.amqp import frames

MOST = 131_072
PROPERTIES = {
    "content_type": "application/json",
    "content_encoding": "utf-8",
    "headers": {"a": 1, "b": [None, "é", True, 2**40]},
    "delivery_mode": 2,
    "priority": 0,
    "correlation_id": "id",
    "reply_to": "q",
    "expiration": "1000",
    "message_id": "m",
    "timestamp": 5,
    "type": "t",
    "user_id": "u",
    "app_id": "x",
}


def write(body=b"body", most=MOST, properties=PROPERTIES):
    return frames.publish(2, "ex", "key", True, frames.write_properties(properties), body, most)


@pytest.mark.parametrize("size", [0, 1, 4096 - 8, 4096 - 7, 10_000])
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_a_message_is_read_as_it_was_written(size, step):
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    data = write(body, 4096)
    reader, found = frames.Reader(), []
    for at in range(0, len(data), step):
        found += reader.feed(data[at : at + step], 4096)
    method, header, *pieces = found
    assert (method[0], method[1], method[2][:4]) == (frames.METHOD, 2, b"\0\x3c\0\x28")
    assert frames.read_header(header[2]) == (size, PROPERTIES)
    assert b"".join(payload for _, _, payload in pieces) == body
    assert all(len(payload) <= 4096 - 8 for _, _, payload in pieces)


@pytest.mark.parametrize("name", PROPERTIES)
def test_each_property_travels_alone(name):
    alone = {name: PROPERTIES[name]}
    header = frames.Reader().feed(write(properties=alone), MOST)[1]
    assert frames.read_header(header[2])[1] == alone


def test_acknowledgements():
    data = frames.ack(2, 2**40) + frames.reject(2, 7, True) + frames.BEAT
    ack, reject, beat = frames.Reader().feed(data, MOST)
    assert (ack[2][:4], frames.read_confirm(ack[2])) == (frames.ACK, (2**40, False))
    assert reject[2] == b"\0\x3c\0\x5a" + (7).to_bytes(8, "big") + b"\1"
    assert beat == (frames.HEARTBEAT, 0, b"")


def test_a_delivery_tells_where_it_comes_from():
    payload = frames.DELIVER + b"\x03tag" + (9).to_bytes(8, "big") + b"\x01" + b"\x02ex" + b"\x03key"
    assert frames.read_deliver(payload) == ("tag", 9, True, "ex", "key")


def test_a_return_tells_where_it_was_sent():
    payload = frames.RETURN + (312).to_bytes(2, "big") + b"\x08NO_ROUTE" + b"\x02ex" + b"\x03key"
    assert frames.read_return(payload) == ("ex", "key")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "agreed on"),
        (b"\1\0\1\0\0\0\1x\xcd", "does not end"),
        (b"\1\0\1\xff\xff\xff\xff", None),
        (b"\1\0\1\xff\xff\xff\xffx", "agreed on"),
    ],
)
def test_what_is_no_frame_is_told_before_it_is_kept(data, says):
    if says is None:
        assert frames.Reader().feed(data, MOST) == []
        return
    with pytest.raises(RemoteProtocolError, match=says):
        frames.Reader().feed(data, MOST)


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="255"):
        frames.publish(2, "", "k" * 256, True, b"\0\0", b"", MOST)
