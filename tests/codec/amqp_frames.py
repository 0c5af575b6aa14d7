"""What was recorded between stock peers and RabbitMQ: oslo.messaging, nameko and Celery."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rpcctl.protocols.amqp.message import Delivery

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "oslo-messages.json").read_text())
SCENARIOS = {each["name"]: each["frames"] for each in (*RECORDED["oslo_rpc"], *RECORDED["oslo_notifications"])}
MOST = 1 << 20


def published(frames: list[Any]) -> Iterator[Any]:
    """The messages among recorded frames, in order."""
    return (each for each in frames if each["frame"] == "Basic.Publish")


def delivery_of(frame: Any) -> Delivery:
    """A recorded message as it arrives."""
    body = frame["body"]
    data = bytes.fromhex(body[4:]) if body.startswith("hex:") else body.encode()
    args = frame["args"]
    return Delivery(data, frame["properties"], args["exchange"], args["routing_key"], "1", 1, size=len(data))


def messages(name: str, exchange: str | None = None) -> list[Any]:
    """The recorded messages of a scenario of oslo.messaging, those to one exchange if it is named."""
    found = list(published(SCENARIOS[name]))
    return [each for each in found if exchange is None or each["args"]["exchange"] == exchange]
