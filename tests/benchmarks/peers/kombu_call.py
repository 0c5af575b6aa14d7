"""One call by hand: what a script that imports kombu and talks as oslo.messaging does would be.

Words: broker, topic.
"""

import json
import sys
import uuid
from typing import Any

from kombu import Connection

broker, topic = sys.argv[1:]
replies, key = f"reply_{uuid.uuid4().hex}", uuid.uuid4().hex
request = {"method": "add", "args": {"a": 1, "b": 2}, "_msg_id": key, "_reply_q": replies, "_unique_id": key}
found: list[Any] = []
with Connection(broker, transport_options={"confirm_publish": True}) as connection:
    channel = connection.channel()
    channel.queue_declare(replies, durable=True, auto_delete=False, arguments={"x-expires": 60_000})
    channel.basic_consume(replies, no_ack=True, callback=found.append)
    body = json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(request)})
    message = channel.prepare_message(body, content_type="application/json", content_encoding="utf-8")
    channel.basic_publish(message, "openstack", topic, mandatory=True)
    while not found:
        connection.drain_events(timeout=5)
    print(json.loads(json.loads(found[0].body)["oslo.message"])["result"])
    channel.queue_delete(replies)
