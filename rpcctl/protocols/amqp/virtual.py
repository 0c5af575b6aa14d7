"""Links without a broker: kombu's transports `filesystem` and `redis`, with the same commands and fewer guarantees.

Nothing there confirms a message, notices that nobody takes it, lets it expire or keeps a connection alive; a queue
cannot be looked at, and peers of oslo.messaging cannot join. Only programs that use kombu, as rpcctl does, can.
"""

import json
import os
import select
from collections.abc import Mapping
from itertools import count
from time import monotonic
from typing import Any
from uuid import uuid4

from kombu import Connection
from kombu.exceptions import OperationalError

from rpcctl.errors import ArgumentError, ConnectError, ConnectionLostError, MissingExtraError
from rpcctl.interfaces import Settings
from rpcctl.messages import Deadline

from .link import Link, Queue
from .message import TAKEN, Delivery, Message, Outcome
from .place import Place

_NAP = 1.0
"""Seconds after which it is looked whether the connection was closed from outside."""
_POLL = 0.01
"""Seconds between two looks into a folder, and at what other threads have posted."""
_APART = ("content_type", "content_encoding", "headers", "priority")
"""Properties that kombu keeps beside the others."""
_ERRORS = (OSError, OperationalError)


class VirtualLink(Link):
    """A Link over kombu."""

    virtual = True

    def __init__(self, place: Place, settings: Settings) -> None:
        """Touches neither network nor disk."""
        super().__init__(place, settings)
        self._connection: Any = None
        self._channel: Any = None
        self._ear = -1
        self._came = False
        self._fanouts: set[str] = set()
        self._errors: tuple[type[Exception], ...] = _ERRORS

    def open(self, deadline: Deadline) -> None:
        """Make the folder, or reach the server."""
        try:
            self._connection = self._connect()
            # Of the library behind it, which has classes of its own.
            self._errors = (*_ERRORS, *self._connection.connection_errors)
            self._channel = self._connection.channel()
        except ImportError as exc:
            raise MissingExtraError(f"redis:// needs a library: {exc}", hint="pip install redis packaging") from exc
        except self._errors as exc:
            raise ConnectError(f"{self._place.at}: {exc}") from exc

    def declare_exchange(
        self, name: str, kind: str, *, durable: bool = False, auto_delete: bool = False, passive: bool = False
    ) -> None:
        """Make it known to this process: others do the same."""
        self._channel.exchange_declare(name, kind, durable=durable, auto_delete=False)
        if kind == "fanout":
            self._fanouts.add(name)

    def declare_queue(self, name: str, *, passive: bool = False, **properties: Any) -> Queue:
        """Make it; how full it is, is not known."""
        self._channel.queue_declare(name)
        return Queue(name, 0, 0)

    def bind(self, queue: str, exchange: str, key: str) -> None:
        """Have the exchange put what has that key into the queue."""
        # Over redis the key would be looked at, and not only the exchange.
        self._channel.queue_bind(queue, exchange, "" if exchange in self._fanouts else key)

    def delete_queue(self, name: str) -> None:
        """Remove a queue."""
        self._channel.queue_delete(name)

    def prefetch(self, count: int) -> None:
        """Take in at most so many messages that are not acknowledged."""
        self._channel.basic_qos(0, count, False)

    def consume(
        self, queue: str, tag: str, *, no_ack: bool = False, arguments: Mapping[str, Any] | None = None
    ) -> None:
        """Have the queue's messages delivered."""
        self._channel.basic_consume(queue, no_ack, lambda message: self._deliver(message, tag), tag)

    def cancel(self, tag: str) -> None:
        """Have no more delivered."""
        self._channel.basic_cancel(tag)

    def publish(self, message: Message, outcome: Outcome | None = None) -> None:
        """Publish at once; nobody confirms it."""
        properties = {key: value for key, value in message.properties.items() if key not in _APART}
        made = self._open_channel().prepare_message(
            message.body.decode(),
            priority=0,
            content_type=message.properties.get("content_type"),
            content_encoding=message.properties.get("content_encoding"),
            headers=dict(message.properties.get("headers") or {}),
            properties=properties,
        )
        try:
            self._channel.basic_publish(made, message.exchange, message.key)
        except self._errors as exc:
            raise ConnectionLostError(f"{self._place.at}: {exc}") from exc
        except ValueError as exc:
            raise ArgumentError(f"it cannot be published: {exc}") from exc
        if outcome is not None:
            outcome(TAKEN)

    def ack(self, tag: Any) -> None:
        """Done with it."""
        self._open_channel().basic_ack(tag)

    def reject(self, tag: Any, *, requeue: bool) -> None:
        """Give it back, for others or for nobody."""
        self._open_channel().basic_reject(tag, requeue)

    def wait(self, seconds: float | None) -> bool:
        """Take in what comes within so many seconds; whether anything did."""
        end = None if seconds is None else monotonic() + seconds
        self._came = False
        while True:
            left = _NAP if end is None else min(_NAP, end - monotonic())
            self._drain(left)
            if self._came or self._rings() or (end is not None and monotonic() >= end):
                return self._came

    def settle(self, deadline: Deadline) -> bool:
        """Nothing is confirmed."""
        return True

    def send(self) -> None:
        """Everything has been sent."""

    def listen_to(self, ear: int) -> None:
        """Let `wait` return as well when that file can be read."""
        self._ear = ear

    @property
    def idle(self) -> float:
        """Never for long: there are no heartbeats to miss."""
        return 0.0

    @property
    def heartbeat(self) -> int:
        """None."""
        return 0

    def close(self) -> None:
        """Let go."""
        self._closed = True
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            connection.close()

    def abort(self) -> None:
        """Have whoever waits stop waiting."""
        self._closed = True

    def _connect(self) -> Any:
        at = self._place.at
        if at.transport == "filesystem":
            folders = {name: os.path.join(at.path, name) for name in ("messages", "bindings", "done")}
            for folder in folders.values():
                os.makedirs(folder, mode=0o700, exist_ok=True)
            options = {
                "data_folder_in": folders["messages"],
                "data_folder_out": folders["messages"],
                "control_folder": folders["bindings"],
                "processed_folder": folders["done"],
                "polling_interval": _POLL,
            }
            return Connection(transport=_folder_transport(), transport_options=options)
        return Connection(
            transport=at.transport,
            hostname=at.host,
            port=at.port,
            userid=at.user or None,
            password=self._place.login.password if at.password else None,
            virtual_host=at.path.strip("/") or "0",
            transport_options={},
        )

    def _drain(self, seconds: float) -> None:
        """Wait so long for messages at most, and no longer than other threads may have to wait for us."""
        self._open_channel()
        if self._place.at.transport == "filesystem":
            self._drain_now(max(0.0, seconds if self._ear < 0 else min(seconds, _POLL)))
            return
        # First kombu asks for messages; then it is awaited here, where the ear is heard as well, that something comes.
        self._drain_now(0.0)
        if not self._came:
            files = [*self._connection.transport.cycle.fds, *([self._ear] if self._ear >= 0 else [])]
            poll = select.poll()
            for each in files:
                poll.register(each, select.POLLIN)
            poll.poll(max(0.0, seconds) * 1000)
            self._drain_now(0.0)

    def _drain_now(self, seconds: float) -> None:
        try:
            self._connection.drain_events(timeout=seconds)
        except TimeoutError:
            pass  # Nothing is there.
        except ValueError as exc:
            # Another program's, which writes a message under the name by which it is found.
            self._settings.note(f"{self._place.at}: half a message was found, and dropped: {exc}")
        except self._errors as exc:
            raise ConnectionLostError(f"{self._place.at}: {exc}") from exc

    def _rings(self) -> bool:
        return self._ear >= 0 and bool(select.select([self._ear], [], [], 0)[0])

    def _deliver(self, message: Any, consumer: str) -> None:
        self._came = True
        body = message.body.encode() if isinstance(message.body, str) else message.body
        info = message.delivery_info
        properties = {
            **message.properties,
            "content_type": message.content_type,
            "content_encoding": message.content_encoding,
            "headers": message.headers,
        }
        self.on_delivery(
            Delivery(
                body if len(body) <= self._settings.max_message else b"",
                properties,
                info.get("exchange") or "",
                info.get("routing_key") or "",
                consumer,
                message.delivery_tag,
                bool(info.get("redelivered")),
                len(body),
            )
        )

    def _open_channel(self) -> Any:
        if self._closed or self._channel is None:
            raise ConnectionLostError(f"{self._place.at}: the connection is closed")
        return self._channel


def _folder_transport() -> Any:
    """kombu's transport over a folder, but that a message is complete before it can be found.

    And it knows the bindings of this folder only: kombu's own shares them among all folders of a process.
    """
    from kombu.transport import filesystem, virtual

    numbers = count()

    class Channel(filesystem.Channel):  # type: ignore[misc]
        def _put(self, queue: str, payload: Any, **options: Any) -> None:
            name = f"{int(monotonic() * 1000)}_{next(numbers):09d}-{uuid4()}.{queue}.msg"
            hidden = os.path.join(self.data_folder_out, f".{name}.part")
            with open(hidden, "w", encoding="utf-8") as file:
                json.dump(payload, file)
            os.rename(hidden, os.path.join(self.data_folder_out, name))

    class Transport(filesystem.Transport):  # type: ignore[misc]
        global_state = virtual.BrokerState()

    Transport.Channel = Channel
    return Transport
