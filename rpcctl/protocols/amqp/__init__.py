"""RPC through RabbitMQ. Speaks with oslo.messaging, with nameko, with Celery's workers and with plain clients."""

from rpcctl.http import HTTP_OPTIONS_CLIENT
from rpcctl.interfaces import Option, ProtocolInfo, Transport
from rpcctl.messages import Encoding

_CLIENT, _SERVER = ("client",), ("server",)
_PANEL = "amqp only"
_TLS = tuple(each for each in HTTP_OPTIONS_CLIENT if each.name in ("cacert", "cert", "key", "insecure"))
_OSLO = frozenset({"kwargs", "oneway", "fanout", "batch", "pipeline", "inspect", "notify", "auth", "tls", "traceback"})
_OSLO_NAMES = {
    "amqp_durable_queues": "durable",
    "rabbit_qos_prefetch_count": "prefetch",
    "heartbeat_timeout_threshold": "heartbeat",
    "ssl_ca_file": "cacert",
    "ssl_cert_file": "cert",
    "ssl_key_file": "key",
    "rabbit_quorum_queue=false": "queue-type=classic",
    "rabbit_transient_quorum_queue=false": "queue-type=classic",
    "rabbit_quorum_queue=true": "queue-type=quorum-shared",
    "rabbit_transient_quorum_queue=true": "queue-type=quorum",
}
"""As in oslo.messaging's transport URLs (its section oslo_messaging_rabbit), for those that have a counterpart.

The later ones decide: rabbit_quorum_queue alone leaves fanout queues as they are."""
_BOTH = (_OSLO | {"args"}) - {"notify"}

INFO = ProtocolInfo(
    scheme="amqp",
    aliases=("rabbit",),
    summary="RPC through RabbitMQ, as oslo.messaging has it",
    transports=(
        Transport("amqp", default="amqp://127.0.0.1:5672//?topic=rpcctl", short=True, several=True),
        Transport("amqps", short=True, port=5671, several=True),
        Transport("filesystem", kind="path", short=True),
        Transport("redis", short=True, port=6379),
    ),
    client="rpcctl.protocols.amqp.client:Client",
    server="rpcctl.protocols.amqp.server:Server",
    features=_OSLO,
    dialects={
        "plain": _BOTH,
        "nameko": _BOTH - {"fanout", "traceback"},
        "celery": _BOTH - {"fanout", "inspect"},
    },
    encoding=Encoding("amqp", binary=False, any_key=False),
    synonyms=_OSLO_NAMES,
    port=5672,
    snippets={"python": "rpcctl.protocols.amqp.snippets:write_python"},
    extra="amqp",
    options=(
        Option("topic", "what is served, or called: requests wait in the queue of that name", "NAME", panel=_PANEL),
        Option("exchange", "exchange, when it is not the dialect's own", "NAME", panel=_PANEL),
        Option("server", "name of one server of the topic, in place of any of them", "NAME", panel=_PANEL),
        Option(
            "dialect",
            "how calls look: oslo.messaging's way, plain RabbitMQ with JSON-RPC, nameko's, or Celery's tasks",
            "DIALECT",
            "choice",
            "oslo",
            choices=("oslo", "plain", "nameko", "celery"),
            panel=_PANEL,
        ),
        Option("namespace", "namespace of the method", "NAME", roles=_CLIENT, panel=_PANEL),
        Option("version", "version of the endpoint that is wanted, as 2.0", "VERSION", roles=_CLIENT, panel=_PANEL),
        Option(
            "namespace",
            "namespace of what is served; with several targets TARGET=NAME for each",
            "[TARGET=]NAME",
            multiple=True,
            roles=_SERVER,
            panel=_PANEL,
        ),
        Option(
            "version",
            "its version, 1.0 without it; with several targets TARGET=VERSION for each",
            "[TARGET=]VERSION",
            multiple=True,
            roles=_SERVER,
            panel=_PANEL,
        ),
        Option(
            "context",
            "what travels beside the arguments; a value that is JSON is that value",
            "KEY=VALUE",
            multiple=True,
            roles=_CLIENT,
            panel=_PANEL,
        ),
        Option(
            "serializer",
            "object or class that turns arguments, results and payloads into what is sent, and back, as oslo's do",
            "MODULE:NAME",
            panel=_PANEL,
        ),
        Option(
            "call-monitor",
            "have the server say every half of this (at least 2) that it is still at it; longer silence ends the call",
            "SECONDS",
            "seconds",
            roles=_CLIENT,
            panel=_PANEL,
        ),
        Option(
            "notification-format",
            "how notifications are written: v2 in an envelope, v1 without",
            "FORMAT",
            "choice",
            "v2",
            choices=("v1", "v2"),
            roles=_CLIENT,
            panel=_PANEL,
        ),
        Option(
            "heartbeat",
            "seconds between signs of life; both ends should use the same",
            "SECONDS|off",
            "seconds_or_off",
            10.0,
        ),
        Option("password-file", "file with the password, in place of one in the address", "FILE", secret=True),
        Option(
            "durable",
            "queues that outlive the broker, as amqp_durable_queues",
            type="switch",
            panel=_PANEL,
        ),
        Option(
            "queue-type",
            "what queues are made of: RabbitMQ 4.3 and later want quorum; quorum-shared leaves out each server's own",
            "TYPE",
            "choice",
            "classic",
            choices=("classic", "quorum", "quorum-shared"),
            panel=_PANEL,
        ),
        Option(
            "exchange-type",
            "kind of the exchange that dialect=plain is bound to",
            "TYPE",
            "choice",
            "direct",
            choices=("direct", "topic", "fanout"),
            roles=_SERVER,
            panel=_PANEL,
        ),
        Option(
            "ack",
            "when a request is done with: early, before it runs, at most once; late, after the reply, at least once",
            "WHEN",
            "choice",
            choices=("early", "late"),
            roles=_SERVER,
            panel=_PANEL,
        ),
        Option(
            "prefetch",
            "most requests taken from the broker that do not run yet; as many as run side by side without it",
            "N",
            "integer",
            roles=_SERVER,
            panel=_PANEL,
        ),
        *(each._replace(roles=("client", "server")) for each in _TLS),
    ),
)
