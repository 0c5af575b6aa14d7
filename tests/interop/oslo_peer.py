"""The stock ends of oslo.messaging as a process.

`server URL TOPIC NAME` serves until it is killed and prints "ready"; `client URL` takes a line of JSON for each step,
[method, {target, kwargs, context, timeout, how, monitor}, {}], and prints one for its outcome: ["ok", value] or
["error", class, module, message]; `listener URL TOPIC PRIORITIES POOL` prints "ready" and then each notification;
`notifier URL TOPIC DRIVER` takes [event, payload, {priority}].
"""

import json
import sys
import time
import warnings
from collections.abc import Callable

warnings.simplefilter("ignore")

import oslo_messaging as om  # noqa: E402
from oslo_config import cfg  # noqa: E402


class Boom(Exception):
    """An exception of this module's own."""


class Calc:
    """What is served in the null namespace."""

    def __init__(self, name):
        self.name = name
        self.casts = []

    def add(self, ctxt, x, y):
        return x + y

    def echo(self, ctxt, value):
        return value

    def who(self, ctxt):
        return self.name

    def context(self, ctxt):
        return {key: value for key, value in ctxt.items() if key != "client_timeout"}

    def nothing(self, ctxt):
        return None

    def fail(self, ctxt):
        raise ValueError("bad value", 42)

    def boom(self, ctxt):
        raise Boom("boom")

    def slow(self, ctxt, seconds):
        time.sleep(seconds)
        return "done"

    def remember(self, ctxt, value):
        self.casts.append(value)

    def remembered(self, ctxt):
        return self.casts


class Admin:
    """What is served in a namespace of its own."""

    target = om.Target(namespace="admin", version="2.3")

    def stop(self, ctxt, why):
        return f"stopping: {why}"


class Ear:
    """Prints the notifications of one priority."""

    def __init__(self, priority, requeues):
        self.requeues = requeues
        setattr(self, priority, lambda *found: self.tell(priority, *found))

    def tell(self, priority, ctxt, publisher, event, payload, metadata):
        say([priority, publisher, event, payload])
        if self.requeues:
            self.requeues -= 1
            return om.NotificationResult.REQUEUE
        return om.NotificationResult.HANDLED


def say(value):
    print(json.dumps(value), flush=True)


def serve(transport, topic, name):
    server = om.get_rpc_server(
        transport, om.Target(topic=topic, server=name), [Calc(name), Admin()], executor="threading"
    )
    server.start()
    say("ready")
    server.wait()


def call(transport, method, options):
    target = om.Target(**options["target"])
    client = om.get_rpc_client(
        transport,
        target,
        timeout=options.get("timeout", 10),
        call_monitor_timeout=options.get("monitor"),
    )
    how = options.get("how", "call")
    if how == "fanout":
        client = client.prepare(fanout=True)
    ask = client.call if how == "call" else client.cast
    try:
        say(["ok", ask(options.get("context", {}), method, **options.get("kwargs", {}))])
    except Exception as exc:
        say(["error", type(exc).__name__, type(exc).__module__, str(exc).splitlines()[0] if str(exc) else ""])


def listen(transport, topic, priorities, pool):
    endpoints = [Ear(priority, 0) for priority in priorities.split(",")]
    listener = om.get_notification_listener(
        transport, [om.Target(topic=topic)], endpoints, executor="threading", pool=pool or None, allow_requeue=True
    )
    listener.start()
    say("ready")
    listener.wait()


def notify(transport, topic, driver):
    notifier = om.Notifier(transport, driver=driver, publisher_id="compute.h1", topics=[topic])
    for line in sys.stdin:
        event, payload, options = json.loads(line)
        getattr(notifier, options.get("priority", "info"))({}, event, payload)
        say("sent")


def main(role, url, *words):
    cfg.CONF([], project="peer")
    notifications = role in ("listener", "notifier")
    make = om.get_notification_transport if notifications else om.get_rpc_transport
    if notifications:
        transport = make(cfg.CONF, url=url)
    else:
        transport = make(cfg.CONF, url=url, allowed_remote_exmods=["oslo_messaging.rpc.dispatcher"])
    if role == "client":
        for line in sys.stdin:
            method, options, _ = json.loads(line)
            call(transport, method, options)
    else:
        roles: dict[str, Callable[..., None]] = {"server": serve, "listener": listen, "notifier": notify}
        roles[role](transport, *words)


if __name__ == "__main__":
    main(*sys.argv[1:])
