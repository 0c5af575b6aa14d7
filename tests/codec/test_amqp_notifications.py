"""Notifications as they were recorded, read and written; and what a tap sees besides."""

import json

import pytest

from rpcctl.errors import RemoteProtocolError
from rpcctl.messages import Notification
from rpcctl.protocols.amqp import notifications
from rpcctl.protocols.amqp.message import Delivery
from tests.codec.amqp_frames import MOST, RECORDED, delivery_of, messages


def delivered(value, key="notifications.info"):
    body = json.dumps(value).encode()
    return Delivery(body, {"content_type": "application/json"}, "openstack", key, "1", 1, size=len(body))


@pytest.mark.parametrize(
    ("name", "event", "payload", "priority"),
    [
        ("notify_v2", "compute.instance.create.end", {"instance_id": 12}, "info"),
        ("notify_v1", "disk.low", {"free": 3}, "warn"),
    ],
)
def test_a_recorded_notification_is_read_and_written(name, event, payload, priority):
    (frame,) = messages(name)
    found = notifications.read(delivery_of(frame), MOST)
    assert (found.event, found.payload, found.priority, found.publisher) == (event, payload, priority, "compute.host1")
    assert frame["args"]["routing_key"] == f"notifications.{priority}"
    enveloped = name == "notify_v2"
    body = json.loads(frame["body"])
    wanted = json.loads(body["oslo.message"]) if enveloped else body
    made = json.loads(notifications.write(found, wanted["_unique_id"], enveloped=enveloped))
    assert (json.loads(made["oslo.message"]) if enveloped else made) == wanted


def test_a_recorded_context_is_read():
    (frame,) = messages("notify_v2_ctx")
    assert notifications.read(delivery_of(frame), MOST).context


def test_the_typed_values_of_v1_are_text():
    body = RECORDED["oslo_notification_v1_types"]["body"]
    found = notifications.read(delivered(json.loads(body)), MOST)
    assert found.payload == {
        "d": "2026-01-02T03:04:05",
        "u": "00000000-0000-0000-0000-000000000001",
        "dec": "1.5",
        "t": [1, 2],
    }


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ({"event_type": "e", "payload": None}, Notification("e", None, priority="info")),
        ({"event_type": "e", "payload": 1, "priority": "WARN"}, Notification("e", 1, priority="warn")),
        ({"method": "m", "args": {"a": 1}}, Notification("m", {"a": 1}, priority="cast")),
        ({"method": "m", "args": {}, "_msg_id": "x"}, Notification("m", {}, priority="call")),
    ],
)
def test_what_a_listener_or_tap_may_see(message, found):
    assert notifications.read(delivered(message), MOST) == found


@pytest.mark.parametrize("message", [{}, {"payload": 1}, [], 3])
def test_what_is_no_notification_is_told(message):
    with pytest.raises(RemoteProtocolError):
        notifications.read(delivered(message), MOST)
