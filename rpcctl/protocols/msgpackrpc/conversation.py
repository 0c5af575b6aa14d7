"""One client's connection: whoever waits for a reply takes in all that comes, and answers what the server asks.

The server may call us, while our call runs and as part of it (Neovim's rpcrequest): one that is not answered waits for
ever, and we with it. We have no methods, so the answer is that there is none. Notifications are shown with -v.
"""

from typing import Any

from rpcctl.address import Address
from rpcctl.errors import ConnectionLostError, RemoteProtocolError, RpcctlError
from rpcctl.interfaces import Settings
from rpcctl.messages import NEVER, Deadline, Failure, Reply, repr_of
from rpcctl.sockets.wire import Wire

from . import codec

_SMALL = 64 * 1024
"""Bytes that are written without a look at what comes in: a larger message may have to wait for a server that does
not read on before we have read."""


class Conversation:
    """A wire and the calls that wait on it. Raises our errors only; one thread at a time, but `close`."""

    def __init__(self, wire: Wire, at: Address, settings: Settings) -> None:
        """The wire is connected; from now on it is this object's."""
        self._wire = wire
        self._address = at
        self._trace = settings.trace
        self._stream = codec.Stream(settings.max_message, bool(settings.options.get("ext-types")))
        self._packer = codec.Packer()
        self._waiting: dict[int, str] = {}
        """The method of each call that waits, by its id."""
        self._replies: dict[int, Reply] = {}
        self._heard = self._over = False

    def expect(self, number: int, method: str) -> None:
        """Keep the reply to that id."""
        self._waiting[number] = method

    def forget(self, number: int) -> None:
        """Drop the reply to that id."""
        self._waiting.pop(number, None)
        self._replies.pop(number, None)

    def write(self, data: bytes, until: Deadline) -> bool:
        """Send a message, and take in meanwhile what comes; False when the server does not take it in time."""
        self._wire.deadline = until
        view = memoryview(data)
        try:
            while view:
                view = view[self._wire.send_some(view) :]
                if view and self._wire.await_either():
                    self._take_in()
        except TimeoutError:
            # Half of a message has left: nothing more can be said on this connection.
            self.close()
            return False
        except OSError as exc:
            raise self._lost("in the middle of the request") from exc
        return True

    def receive(self, number: int, until: Deadline) -> Reply | None:
        """The reply to that id, or None when there is none in time."""
        while number not in self._replies:
            if not self.take_in(until):
                return None
        return self.take(number)

    def take_in(self, until: Deadline) -> bool:
        """Take in what comes next; False when nothing comes in time, ConnectionLostError when nothing ever will."""
        self._wire.deadline = until
        try:
            self._take_in()
        except TimeoutError:
            return False
        except OSError as exc:
            raise self._lost("before the reply") from exc
        return True

    def answered(self) -> list[int]:
        """The ids of the replies that are kept."""
        return list(self._replies)

    def take(self, number: int) -> Reply:
        """The reply to that id, which is there."""
        return self._replies.pop(number)

    def is_over(self) -> bool:
        """Whether the server has hung up, as far as is known without waiting; RemoteProtocolError for what it said."""
        if self._over or self._waiting:
            return self._over
        self._wire.deadline = Deadline(0.0)
        try:
            while self._wire.has_news():
                self._wire.deadline = NEVER
                self._take_in()
        except (OSError, ConnectionLostError):
            self._over = True
        return self._over

    def close(self) -> None:
        """Free the connection; whoever waits is told that it is closed. From any thread, safe to repeat."""
        self._over = True
        self._wire.shut()

    def _take_in(self) -> None:
        """Wait for bytes, and see to every message that they end; TimeoutError or OSError when there are none."""
        data = self._wire.receive()
        if not data:
            raise self._lost("before the reply")
        try:
            self._stream.feed(data)
            while (message := self._stream.take()) is not None:
                self._heard = True
                self._see_to(message)
        except RemoteProtocolError as exc:
            raise self._explain(exc) from None

    def _see_to(self, message: codec.Message) -> None:
        if self._trace is not None:
            self._trace("<", _tell(message), self._stream.last_bytes())
        if message[0] == codec.RESPONSE:
            method = self._waiting.pop(message[1], None)
            if method is not None:
                self._replies[message[1]] = codec.read_reply(message, method)
        elif message[0] == codec.REQUEST:
            self._refuse(*message)

    def _refuse(self, kind: int, number: int, method: str, args: list[Any]) -> None:
        failure = Failure("no_method", "NameError", f"rpcctl: no such method: {method}")
        data = self._packer.reply(failure, number)
        if self._trace is not None:
            self._trace(">", f"no method {method!r} here, to id {number}", data)
        self._wire.send(data)

    def _lost(self, when: str) -> RpcctlError:
        if self._over and not self._heard_end():
            return ConnectionLostError(f"{self._address}: the connection is closed")
        self._over = True
        if self._heard:
            return ConnectionLostError(
                f"{self._address}: the connection was lost {when}; the call may have run",
                hint="find out before calling again",
            )
        return ConnectionLostError(
            f"{self._address} closed the connection without an answer; the call may have run",
            hint="does it speak MessagePack-RPC? rpcctl protocols shows what can be spoken",
        )

    def _heard_end(self) -> bool:
        return self._wire.ended

    def _explain(self, exc: RemoteProtocolError) -> RpcctlError:
        from rpcctl.sockets.looks import look_of, way_to

        self._over = True
        first = self._stream.next_bytes()
        look = look_of(first, own="MessagePack-RPC")
        if look:
            return RemoteProtocolError(
                f"{self._address} looks like {look}, and not like MessagePack-RPC", hint=way_to(first, self._address)
            )
        return RemoteProtocolError(f"{self._address}: {exc.message}; its bytes are {first[:16]!r}")


def _tell(message: codec.Message) -> str:
    if message[0] == codec.RESPONSE:
        _, number, error, result = message
        return f"{repr_of(result)} to id {number}" if error is None else f"error {repr_of(error)} to id {number}"
    what = "request" if message[0] == codec.REQUEST else "notification"
    return f"{what} {message[-2]} {repr_of(message[-1])}"
