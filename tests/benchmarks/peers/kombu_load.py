"""Calls of `add`, one after the other, by a bare loop over kombu. Words: broker, topic, calls; prints the seconds."""

import json
import sys
import time
import uuid

from kombu import Connection

broker, topic, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
replies = f"reply_{uuid.uuid4().hex}"


def main() -> None:
    """Publish with confirmation, wait for the reply, and so on."""
    found: list[object] = []
    with Connection(broker, transport_options={"confirm_publish": True}) as connection:
        channel, publisher = connection.channel(), connection.channel()
        channel.queue_declare(replies, durable=True, auto_delete=False, arguments={"x-expires": 60_000})

        def take(message) -> None:
            found.append(json.loads(json.loads(message.body)["oslo.message"])["result"])

        channel.basic_consume(replies, no_ack=True, callback=take)

        def call() -> None:
            key = uuid.uuid4().hex
            request = {"method": "add", "args": {"a": 1, "b": 2}, "_msg_id": key, "_reply_q": replies}
            body = json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps({**request, "_unique_id": key})})
            made = publisher.prepare_message(body, content_type="application/json", content_encoding="utf-8")
            publisher.basic_publish(made, "openstack", topic, mandatory=True)
            while not found:
                connection.drain_events(timeout=5)
            assert found.pop() == 3

        call()
        began = time.perf_counter()
        for _ in range(calls):
            call()
        print(time.perf_counter() - began)
        channel.queue_delete(replies)


main()
