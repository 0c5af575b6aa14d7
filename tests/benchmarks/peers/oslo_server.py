"""A server of oslo.messaging with `add`. Words: broker, topic; prints "ready"."""

import sys
import warnings

warnings.simplefilter("ignore")

import oslo_messaging  # noqa: E402
from oslo_config import cfg  # noqa: E402


class Endpoint:
    """What is served."""

    def add(self, context, a, b):
        """Add two numbers."""
        return a + b


broker, topic = sys.argv[1:]
cfg.CONF([], project="server")
transport = oslo_messaging.get_rpc_transport(cfg.CONF, url=broker.replace("amqp://", "rabbit://guest:guest@"))
target = oslo_messaging.Target(topic=topic, server="s1")
server = oslo_messaging.get_rpc_server(transport, target, [Endpoint()], executor="threading")
server.start()
print("ready", flush=True)
server.wait()
