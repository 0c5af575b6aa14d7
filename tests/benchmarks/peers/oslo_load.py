"""The same calls by oslo.messaging's client. Words: broker, topic, calls; prints the seconds."""

import sys
import time
import warnings

warnings.simplefilter("ignore")

import oslo_messaging  # noqa: E402
from oslo_config import cfg  # noqa: E402

broker, topic, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
cfg.CONF([], project="load")
transport = oslo_messaging.get_rpc_transport(cfg.CONF, url=broker.replace("amqp://", "rabbit://guest:guest@"))
client = oslo_messaging.get_rpc_client(transport, oslo_messaging.Target(topic=topic), timeout=10)
client.call({}, "add", a=1, b=2)
began = time.perf_counter()
for _ in range(calls):
    assert client.call({}, "add", a=1, b=2) == 3
print(time.perf_counter() - began)
