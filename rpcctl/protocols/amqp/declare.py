"""Makes the exchanges and queues that are missing; what is there stays as whoever made it wanted it.

A declaration with other properties than those of the object ends the channel, with an error that helps nobody: so each
is looked at first, which needs no permission.
"""

from rpcctl.errors import MethodNotFoundError

from .layout import Exchange, Layout, Queue
from .link import Link, exists


def declare(link: Link, layout: Layout) -> None:
    """Make what is missing, leave what is there as it is, and bind it."""
    for exchange in layout.exchanges:
        ensure_exchange(link, exchange)
    for queue in layout.queues:
        ensure_queue(link, queue)
        if queue.exchange:
            link.bind(queue.name, queue.exchange, queue.key)


def ensure_exchange(link: Link, exchange: Exchange) -> None:
    try:
        link.declare_exchange(exchange.name, exchange.kind, passive=True)
    except MethodNotFoundError:
        link.declare_exchange(exchange.name, exchange.kind, durable=exchange.durable, auto_delete=exchange.auto_delete)


def ensure_queue(link: Link, queue: Queue) -> None:
    if queue.own or exists(link, queue.name) is None:
        link.declare_queue(queue.name, durable=queue.durable, arguments=dict(queue.arguments) or None)
