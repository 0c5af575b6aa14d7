"""A bare loop over kombu that answers `add` as oslo.messaging's server would. Words: broker, topic; prints "ready"."""

import json
import sys

from kombu import Connection

broker, topic = sys.argv[1:]


def main() -> None:
    """Serve until killed: acknowledge, add, reply with a confirmation."""
    with Connection(broker, transport_options={"confirm_publish": True}) as connection:
        channel, replies = connection.channel(), connection.channel()
        channel.exchange_declare("openstack", "topic", durable=False, auto_delete=False)
        channel.queue_declare(topic, durable=False, auto_delete=False)
        channel.queue_bind(topic, "openstack", topic)

        def answer(message) -> None:
            channel.basic_ack(message.delivery_tag)
            request = json.loads(json.loads(message.body)["oslo.message"])
            args = request["args"]
            reply = {"result": args["a"] + args["b"], "failure": None, "ending": True, "_msg_id": request["_msg_id"]}
            body = json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(reply)})
            made = replies.prepare_message(body, content_type="application/json", content_encoding="utf-8")
            replies.basic_publish(made, "", request["_reply_q"], mandatory=True)

        channel.basic_consume(topic, callback=answer)
        print("ready", flush=True)
        while True:
            connection.drain_events()


main()
